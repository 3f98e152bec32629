"""node.radio: joining, the ways it fails, pauses, and coming back."""

from check import eq, true
from node.log import Log
from node.radio import JOINING, UP, WAIT, Radio
from nodefakes import Wlan

MASK = (1 << 30) - 1


class Clock:
    seconds = 0


class Set:
    """A radio on a station whose answers the test sets; starts just before the clock's wrap."""

    def __init__(self):
        self.wlan = Wlan()
        self.wlan.auto = False
        self.said = []
        clock = Clock()
        self.clock = clock
        self.radio = Radio(self.wlan, "home", "secret-1", Log(clock, self._put))
        self.now = MASK - 900

    def _put(self, piece):
        self.said.append(str(piece))

    def run(self, ms, each=10):
        while ms > 0:
            self.now = (self.now + each) & MASK
            self.clock.seconds += 1  # the log never cuts here
            self.radio.step(self.now)
            ms -= each

    def fails_with(self, code):
        """Log of one attempt that ends with this code."""
        self.run(10)
        self.wlan.code = 1001
        self.run(500)
        self.wlan.code = code
        self.run(20)
        return "".join(self.said)


def test_joining_asks_once_and_waits_for_the_address():
    s = Set()
    s.run(3000)
    eq((s.radio.state, s.wlan.joins), (JOINING, 1))
    eq((s.wlan.ssid, s.wlan.password), ("home", "secret-1"))
    s.wlan.is_up = True
    eq(s.radio.step(s.now), True)
    eq((s.radio.state, s.radio.rssi()), (UP, -60))
    true('I wifi: joined "home", signal in dBm: -60' in "".join(s.said))


def test_a_wrong_password_is_told_in_all_its_codes():
    for code in (202, 15, 204):
        s = Set()
        log = s.fails_with(code)
        true('W wifi: wrong password for "home"; next try in 1 s' in log, log)
        eq((s.radio.failures, s.radio.state, s.wlan.leaves), (1, WAIT, 1))


def test_no_access_point_is_told_in_all_its_codes():
    for code in (201, 210, 211, 212):
        s = Set()
        log = s.fails_with(code)
        true('W wifi: no access point "home"; next try in 1 s' in log, log)
        eq(s.radio.failures, 1)


def test_another_reason_is_told_with_its_code():
    s = Set()
    log = s.fails_with(39)
    true("the driver's code is 39" in log and 'could not join "home"' in log, log)
    eq(s.radio.failures, 1)


def test_no_address_is_told_after_twenty_seconds():
    s = Set()
    s.wlan.code = 1001
    s.run(19900)
    eq(s.radio.state, JOINING)
    s.run(300)
    true('no address (DHCP) from "home"' in "".join(s.said))
    eq(s.radio.failures, 1)


def test_silence_without_a_signal_is_told_apart():
    s = Set()
    s.wlan.code = 1001
    s.wlan.signal = None
    s.run(20100)
    true('no answer from "home"' in "".join(s.said))
    eq(s.radio.failures, 1)


def test_a_driver_that_refuses_to_begin_is_tried_again():
    s = Set()
    s.wlan.error = -12295
    s.run(500)
    eq((s.wlan.joins, s.radio.failures), (1, 1))
    true("-12295" in "".join(s.said))
    s.run(1000)
    eq(s.wlan.joins, 2)


def test_pauses_double_up_to_thirty_seconds():
    s = Set()
    s.fails_with(201)
    gaps = []
    for _ in range(8):
        joins = s.wlan.joins
        waited = 0
        while s.wlan.joins == joins:
            s.run(10)
            waited += 10
        gaps.append(waited // 1000)  # a little less than the pause: some of it was over
        s.wlan.code = 1001
        s.run(100)
        s.wlan.code = 201
        s.run(20) if s.radio.state == WAIT else s.run(4000)
    eq(gaps, [0, 1, 3, 7, 15, 29, 29, 29])


def test_the_code_of_the_last_failure_is_not_taken_for_the_next():
    s = Set()
    s.fails_with(201)
    s.run(1100)  # joining again; the driver still shows 201 from before
    eq((s.wlan.joins, s.radio.state), (2, JOINING))
    s.run(3000)
    eq(s.radio.state, JOINING)
    s.wlan.is_up = True
    s.run(10)
    eq((s.radio.state, s.radio.failures), (UP, 1))


def test_the_same_failure_again_is_believed_after_four_seconds():
    s = Set()
    s.fails_with(201)
    s.run(1100)
    s.run(4100)
    eq((s.radio.state, s.radio.failures), (WAIT, 2))


def test_a_lost_network_is_joined_again_at_once_and_the_pause_starts_over():
    s = Set()
    s.fails_with(201)
    s.run(1100)
    s.wlan.is_up = True
    s.run(60000)
    s.wlan.is_up = False
    s.wlan.code = 200
    s.run(10)
    eq((s.radio.state, s.wlan.joins, s.radio.rssi()), (JOINING, 3, None))
    true('lost "home"' in "".join(s.said))
    s.wlan.code = 201
    s.run(20)
    true("".join(s.said).endswith("next try in 1 s\n"))
