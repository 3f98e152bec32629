"""Real brokers for tests: Mosquitto and iotcore, each on a free port of the loopback.

A broker keeps its port over stop() and start(), so that clients find it again.
"""

import shutil
import socket
import subprocess
import time

import iotcore

from tests.support.ports import free_port

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
START_S = 60


class Mosquitto:
    """`users`: name -> password, others are refused. `folder`: for its files.

    `persistent`: what is in it survives stop() and start(), sessions and queues included.
    `settings`: further lines for its configuration.
    """

    name = "mosquitto"
    answers_bad_password = True
    keeps_qos = True

    def __init__(self, folder, users=None, persistent=False, settings=()):
        self.port = free_port()
        self.process = None
        self._log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "user root", "log_type all", *settings]
        lines += [f"allow_anonymous {'false' if users else 'true'}"]
        if users:
            lines.append(f"password_file {self._password_file(folder, users)}")
        if persistent:
            lines += [
                "persistence true",
                f"persistence_location {folder}/",
                "autosave_on_changes true",
                "autosave_interval 1",
            ]
        self._config.write_text("\n".join(lines) + "\n")

    @staticmethod
    def _password_file(folder, users):
        path = folder / "passwords"
        path.write_text("".join(f"{name}:{password}\n" for name, password in users.items()))
        # Turns the plain passwords of the file into hashes, in place.
        tool = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
        subprocess.run([tool, "-U", str(path)], check=True)
        return path

    def start(self):
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [MOSQUITTO, "-c", str(self._config)], stdout=log, stderr=subprocess.STDOUT
            )
        until_listening(self.port, self._alive)
        return self

    def _alive(self):
        assert self.process.poll() is None, f"the broker ended by itself:\n{self._log.read_text()}"

    def stop(self):
        """End it in order; nothing if it does not run."""
        if self.process:
            self.process.terminate()
            self.process.wait(START_S)
            self.process = None


class IotCore:
    """The embedded broker that `make run` uses: memory only.

    Closes without a CONNACK on a bad password, and delivers everything at the subscription's QoS.
    """

    name = "iotcore"
    answers_bad_password = False
    keeps_qos = False

    def __init__(self, folder, users=None):
        self.port = free_port()
        self._options = {
            "port": self.port,
            "listen": "127.0.0.1",
            "max_payload_size": 65536,
        }
        if users:
            self._options = {"config_path": str(self._config(folder, users))}
        self._broker = None

    def _config(self, folder, users):
        path = folder / "iotcore.toml"
        path.write_text(
            "id = 0\n"
            "[router]\n"
            "id = 0\n"
            "max_connections = 100\n"
            "max_outgoing_packet_count = 200\n"
            "max_segment_size = 104857600\n"
            "max_segment_count = 10\n"
            "[v4.1]\n"
            'name = "v4-1"\n'
            f'listen = "127.0.0.1:{self.port}"\n'
            "next_connection_delay_ms = 1\n"
            "[v4.1.connections]\n"
            "connection_timeout_ms = 60000\n"
            "max_payload_size = 65536\n"
            "max_inflight_count = 100\n"
            "[v4.1.connections.auth]\n"
            + "".join(f'{name} = "{password}"\n' for name, password in users.items())
        )
        return path

    def start(self):
        self._broker = iotcore.Broker(**self._options)
        self._broker.start()
        until_listening(self.port)
        return self

    def stop(self):
        if self._broker:
            self._broker.stop()
            self._broker = None


def until_listening(port, alive=lambda: None):
    """Wait until a connection to the port is taken. `alive()` fails when that is in vain."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        alive()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError(f"the broker does not listen on {port}")
