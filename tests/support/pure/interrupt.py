"""Ctrl-C at a chosen place: on CPython it is noticed at the next jump of what runs then, on
MicroPython at once."""

try:
    import _thread
    import signal

    _interrupt = _thread.interrupt_main
    _CTRL_C = signal.SIGINT
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the background has it ignored
except (ImportError, AttributeError):  # MicroPython

    def _interrupt(number):
        raise KeyboardInterrupt

    _CTRL_C = 2


def after(result=None, error=None):
    """A function of any arguments: Ctrl-C is pressed when it has all but given ``result``, or
    raised ``error``."""
    pressed = map(_interrupt, (_CTRL_C,))

    def last(*_):
        # Nothing may be called or jumped to behind it: there it would be noticed.
        (_,) = pressed
        if error is None:
            return result
        raise error

    return last
