"""The test's end of a puppet (tests/broker/puppet.py), and the judge: an independent client."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time

import paho.mqtt.client as paho

from tests.support import runtimes

WAIT_S = 60


def until(test, what, timeout=WAIT_S):
    """Poll until `test()` is true, and return that; fails naming `what`."""
    end = time.monotonic() + timeout
    while not (found := test()):
        assert time.monotonic() < end, f"no {what} within {timeout} s"
        time.sleep(0.05)
    return found


class Log:
    """Things that happen on another thread, and waiting for them."""

    def __init__(self):
        self.all = []
        self._news = threading.Condition()

    def add(self, what):
        with self._news:
            self.all.append(what)
            self._news.notify_all()

    def wait(self, test, what, timeout=WAIT_S):
        """The first true result of `test(everything so far)`; fails naming `what`."""
        end = time.monotonic() + timeout
        with self._news:
            while not (found := test(self.all)):
                if not self._news.wait(end - time.monotonic()):
                    raise AssertionError(f"no {what} within {timeout} s; so far: {self.all[-30:]}")
            return found


class Puppet:
    """A running puppet on `runtime` ("unix" or "cpython"). `options`: see puppet.py."""

    def __init__(self, runtime, port, client_id, *, brokers=None, first_ms=100, **client):
        options = {
            "brokers": brokers or [["127.0.0.1", port]],
            "first_ms": first_ms,
            "max_ms": 4 * first_ms,
            "client": {"client_id": client_id, **client},
        }
        program = [str(runtimes.ROOT / "tests/broker/puppet.py"), json.dumps(options)]
        lib = str(runtimes.ROOT / "lib")
        if runtime == "unix":
            command = [runtimes.micropython_command()]
            environment = {"MICROPYPATH": f"{lib}:.frozen"}
        else:
            command = [sys.executable, "-S", "-u"]
            environment = {"PYTHONPATH": lib}
        self.process = subprocess.Popen(
            command + program,
            env={"PATH": os.environ["PATH"], **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        self.log = Log()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            try:
                self.log.add(json.loads(line))
            except ValueError:
                self.log.add(["said", line.rstrip()])

    def call(self, command, *arguments):
        """Have the puppet do it; returns what it returned."""
        before = len(self.of("returned"))
        self.process.stdin.write(json.dumps([command, *arguments]) + "\n")
        self.process.stdin.flush()
        done = self.log.wait(
            lambda log: [e for e in log if e[0] == "returned"][before:], f"answer to {command}"
        )
        return done[0][2]

    def start(self):
        """Start, and wait for the connection; returns session-present."""
        before = len(self.events(1))
        self.call("start")
        return self.wait_event(1, before)[2]

    def of(self, kind):
        return [entry for entry in self.log.all if entry[0] == kind]

    def events(self, kind):
        return [entry for entry in self.of("event") if entry[1] == kind]

    def wait_event(self, kind, skip=0, timeout=WAIT_S):
        """The event of that kind after the first `skip`: ["event", kind, a, b]."""
        test = lambda log: [e for e in log if e[:2] == ["event", kind]][skip:]  # noqa: E731
        return self.log.wait(test, f"event {kind}", timeout)[0]

    def wait_messages(self, count, timeout=WAIT_S):
        """[topic, payload, qos, retain, dup] of each message, once there are `count`."""
        return self.log.wait(
            lambda log: (m := [e[1:] for e in log if e[0] == "message"])[count - 1 :] and m,
            f"{count} messages",
            timeout,
        )

    def wait_acked(self, handles, timeout=WAIT_S):
        """Wait until each of `handles` was acknowledged."""
        wanted = set(handles)
        self.log.wait(
            lambda log: wanted <= {e[2] for e in log if e[:2] == ["event", 2]},
            f"acks of {sorted(wanted)}",
            timeout,
        )

    def subscribe(self, topic_filter, qos):
        """Subscribe and wait for the grant, which is returned."""
        ident = self.call("subscribe", topic_filter, qos)
        assert ident > 0
        test = lambda log: [e for e in log if e[:3] == ["event", 4, ident]]  # noqa: E731
        return self.log.wait(test, "SUBACK")[-1][3]

    def exit(self):
        """Let it end by itself; its exit code must be 0."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write('["exit"]\n')
            self.process.stdin.flush()
        code = self.process.wait(WAIT_S)
        self._close()
        assert code == 0, self.log.all[-30:]

    def kill(self):
        """End it at once, with no last word on the wire."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self):
        self._reader.join(WAIT_S)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()


class Judge:
    """An independent MQTT client (paho): what it sees is what the broker really carries."""

    def __init__(self, port, client_id="judge", *, clean=True, user=None, password=None, window=20):
        self.log = Log()
        self.up = Log()
        self.granted = Log()
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=clean,
            reconnect_on_failure=True,
        )
        self.client.reconnect_delay_set(1, 1)
        self.client.max_inflight_messages_set(window)
        if user:
            self.client.username_pw_set(user, password)
        self.client.on_message = lambda _client, _data, message: self.log.add(message)
        self.client.on_connect = lambda *a: self.up.add(a[3])
        self.client.on_subscribe = lambda *a: self.granted.add(a[2])
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.up.wait(bool, "connection of the judge")

    def subscribe(self, topic_filter, qos=1):
        before = len(self.granted.all)
        self.client.subscribe(topic_filter, qos)
        self.granted.wait(lambda log: log[before:], "SUBACK for the judge")

    def publish(self, topic, payload, qos=1, retain=False):
        """Publish and wait until the broker has it."""
        info = self.client.publish(topic, payload, qos, retain)
        info.wait_for_publish(WAIT_S)
        assert info.is_published()

    def payloads(self, topic=None):
        return [m.payload.decode() for m in self.log.all if topic in (None, m.topic)]

    def wait(self, topic, payload, timeout=WAIT_S):
        """The message with that topic and payload."""
        return self.log.wait(
            lambda log: [m for m in log if (m.topic, m.payload) == (topic, payload.encode())],
            f"{topic} {payload}",
            timeout,
        )[0]

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
