"""Stand-in for the ESP32 port's ``esp32``: non-volatile storage, kept in a file.

The file is the board file's path with ".nvs" added (JSON, one object per namespace); without a
board file the values last as long as the process. As on the board nothing is kept before
commit(). These calls allocate, and block for the file: they belong to set-up and to commands.
"""

import json
import os

_NOT_FOUND = -0x1102  # ESP_ERR_NVS_NOT_FOUND
_BAD_LENGTH = -0x110C  # ESP_ERR_NVS_INVALID_LENGTH
_NAME_MAX = 15


def _path():
    board = os.getenv("STEADYNODE_BOARD")
    return board + ".nvs" if board else None


def _load():
    try:
        with open(_path() or "", "r") as file:
            return json.load(file)
    except OSError:
        return {}


class NVS:
    """One namespace of the storage."""

    def __init__(self, namespace):
        self._check(namespace)
        self._name = namespace
        self._values = _load().get(namespace, {})

    @staticmethod
    def _check(name):
        if not 0 < len(name) <= _NAME_MAX:
            raise OSError(-0x1109, "ESP_ERR_NVS_KEY_TOO_LONG")

    def _get(self, key, kind):
        value = self._values.get(key)
        if not isinstance(value, kind):
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return value

    def get_i32(self, key):
        """The stored integer; OSError(-0x1102) if there is none."""
        return self._get(key, int)

    def set_i32(self, key, value):
        """Store a signed 32-bit integer."""
        self._check(key)
        self._values[key] = value

    def get_blob(self, key, buf):
        """Read the stored bytes into buf; their length. OSError if absent or longer than buf."""
        value = bytes(self._get(key, list))
        if len(value) > len(buf):
            raise OSError(_BAD_LENGTH, "ESP_ERR_NVS_INVALID_LENGTH")
        buf[: len(value)] = value
        return len(value)

    def set_blob(self, key, value):
        """Store bytes."""
        self._check(key)
        self._values[key] = list(bytes(value))

    def erase_key(self, key):
        """Forget one value; OSError(-0x1102) if there is none."""
        if key not in self._values:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        del self._values[key]

    def commit(self):
        """Make what was set last beyond a reset."""
        path = _path()
        if path is None:
            return
        everything = _load()
        everything[self._name] = self._values
        with open(path, "w") as file:
            json.dump(everything, file)
