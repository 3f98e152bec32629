"""Puts the node on a board over its serial port, and watches it there. docs/deploy.md."""


class Trouble(Exception):
    """Something the person at the keyboard has to mend; the text says what, where, and how."""
