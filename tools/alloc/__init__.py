"""What allocates on MicroPython, measured; and the words of a function's frame."""
