"""Finds the serial port of the board, and says why one cannot be used.

A port is a path, or a URL of pyserial (`socket://`, `rfc2217://`), which is taken as it is.
"""

import errno
import os

import serial.tools.list_ports
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from tools.deploy import Trouble

READ_S = 5  # longest wait for a byte that is due, and for room to write one


def candidates():
    """(path, description) of the USB serial ports there are."""
    found = [port for port in serial.tools.list_ports.comports() if port.vid is not None]
    return sorted((port.device, port.description) for port in found)


def find(name):
    """The port `name`, or the only one there is when it is empty. Raises Trouble."""
    if name:
        return name
    found = candidates()
    if not found:
        raise Trouble(
            "no board: this computer sees no USB serial port. Plug the board in with a cable that "
            "carries data (many only charge). If it is plugged in, its USB chip may need a driver "
            "(CP210x, CH340); or name the port: PORT=/dev/ttyUSB0"
        )
    if len(found) > 1:
        listed = "\n".join(f"    PORT={path}   {text}" for path, text in found)
        raise Trouble(f"several serial ports: say which one is the board's\n{listed}")
    return found[0][0]


def open_port(port):
    """mpremote's transport on the open port. Opening resets no board. Raises Trouble."""
    try:
        transport = SerialTransport(port, timeout=READ_S)
    except (TransportError, OSError, ValueError) as error:
        raise Trouble(why_not(port, error)) from None
    transport.serial.write_timeout = READ_S
    return transport


def why_not(port, error):
    """Why the port cannot be opened, and what to do; `error`: what pyserial says."""
    if "://" in port:
        return f"{port}: cannot be opened ({error}); is the other end listening?"
    others = ", ".join(path for path, _ in candidates()) or "none"
    if not os.path.exists(port):
        return (
            f"{port}: no such port (USB serial ports here: {others}). Is the board plugged in, "
            "with a cable that carries data?"
        )
    code, is_port = _opened(port)
    if not is_port:
        return f"{port}: is no serial port (USB serial ports here: {others}). Name one: PORT=..."
    if code == errno.EACCES:
        return (
            f"{port}: no permission. On Debian and Ubuntu type\n"
            '    sudo usermod -aG dialout "$USER"\nthen log out and in again.'
        )
    if code in (errno.EBUSY, errno.EAGAIN, None):
        return (
            f"{port}: another program has it open (make logs, make repl, an editor's serial "
            "monitor). Close that and try again."
        )
    return f"{port}: cannot be opened: {os.strerror(code)}. Is it a serial port?"


def _opened(port):
    """(why the plain file cannot be opened, None when it can; False for what is no terminal)."""
    try:
        file = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        return error.errno, error.errno != errno.EISDIR
    try:
        return None, os.isatty(file)
    finally:
        os.close(file)
