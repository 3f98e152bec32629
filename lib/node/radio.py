"""Keeps the node in its Wi-Fi network without ever waiting: a small state machine over WLAN.

    OFF      step() has not run yet
    JOINING  asked to join; the outcome is polled
    UP       there is an address
    WAIT     the last try failed; the next comes after a pause of 1, 2, 4 ... 30 s

What the ESP32 port does (ports/esp32/network_wlan.c, 1.24 to 1.29), and what follows from it:
- status() gives the driver's reason code of the last disconnection (201 no access point, 202
  authentication failed, ...), 1001 while trying, 1010 with an address. With the driver's own
  reconnecting switched off (the board does that) each try ends in one such code.
- The code of the last try is kept until an address is there, so right after a new join() the old
  failure still shows. A code equal to the one before the join is believed only after STALE_MS.
- Associated, but no answer from DHCP: no code at all, only time passing. RSSI can be read then.
- A wrong password mostly ends as a timeout of the key handshake (15, 204), not as 202.
No method allocates or raises; the WLAN seam turns its errors into numbers.
"""

from mqtt._shim import const
from node.clock import since

OFF = const(0)
JOINING = const(1)
UP = const(2)
WAIT = const(3)

_JOIN_MS = const(20000)  # authentication takes 1-3 s, DHCP up to about 10 s
_STALE_MS = const(4000)  # a scan of all channels takes about 2.5 s
_FIRST_MS = const(1000)
_LONGEST_MS = const(30000)


class Radio:
    """`wlan` is the seam (node.board.Wlan); ssid and password are str. `failures` counts tries to
    join that failed, below 2^30."""

    def __init__(self, wlan, ssid, password, log):
        self.state = OFF
        self.failures = 0
        self._wlan = wlan
        self._ssid = ssid
        self._password = password
        self._quoted = '"%s"' % ssid
        self._quoted_next = '"%s"; next try in ' % ssid
        self._log = log
        self._since = 0  # when this state began
        self._wait_ms = 0  # the pause that WAIT lasts
        self._next_ms = _FIRST_MS  # the one after the next failure
        self._before = 0  # the driver's code when the try began

    def step(self, now):
        """True while the node has an address."""
        if self.state == JOINING:
            self._joining(now)
        elif self.state == UP:
            if self._wlan.up():
                return True
            self._log.say("W", "wifi", "lost ", self._quoted, ", joining again")
            self._join(now)
        elif self.state == OFF or since(now, self._since) >= self._wait_ms:
            self._join(now)
        return self.state == UP

    def rssi(self):
        """Signal in dBm, or None without a connection."""
        return self._wlan.rssi() if self.state == UP else None

    def _join(self, now):
        self._before = self._wlan.status()
        self._since = now
        self.state = JOINING
        error = self._wlan.join(self._ssid, self._password)
        if error:
            self._failed(now, "the radio did not start joining ", error)

    def _joining(self, now):
        waited = since(now, self._since)
        status = self._wlan.status()
        if self._wlan.up():
            self.state = UP
            self._next_ms = _FIRST_MS
            self._say_joined()
        elif 0 < status < 1000 and (status != self._before or waited >= _STALE_MS):
            self._refused(now, status)
        elif waited >= _JOIN_MS:
            found = self._wlan.rssi() is not None
            self._failed(now, "no address (DHCP) from " if found else "no answer from ", 0)

    def _say_joined(self):
        self._log.say("I", "wifi", "joined ", self._quoted, ", signal in dBm: ", self.rssi() or 0)

    def _refused(self, now, status):
        if status == 201 or 210 <= status <= 212:
            self._failed(now, "no access point ", 0)
        elif status == 202 or status == 15 or status == 204:
            self._failed(now, "wrong password for ", 0)
        else:
            self._failed(now, "could not join ", status)

    def _failed(self, now, what, code):
        self.failures = self.failures + 1 & 0x3FFFFFFF
        self._wlan.leave()
        self.state = WAIT
        self._since = now
        self._wait_ms = self._next_ms
        self._next_ms = min(self._next_ms * 2, _LONGEST_MS)
        if code:
            self._log.say("I", "wifi", "the driver's code is ", code)
        self._tell(what)

    def _tell(self, what):
        self._log.say("W", "wifi", what, self._quoted_next, self._wait_ms // 1000, " s")
