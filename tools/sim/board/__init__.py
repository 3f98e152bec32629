"""Stand-ins that MicroPython's Unix port finds on its path instead of an ESP32's own modules."""
