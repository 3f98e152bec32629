"""Puts MicroPython and the node onto an ESP32 over its serial line: `python -m tools.flash`."""
