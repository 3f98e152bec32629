"""MQTT 3.1.1 for MicroPython and CPython, without allocation once it runs. See docs/mqtt.md."""
# ruff: noqa: F401, F403

from mqtt.client import Client
from mqtt.codes import *
from mqtt.reconnect import Reconnect
