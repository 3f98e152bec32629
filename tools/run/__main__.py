"""python -m tools.run [--seconds N] [--config FILE] [--series FILE] [--picture FILE]

Without --seconds: live until q or Ctrl-C. With it: the scripted demonstration of that many
seconds (15 or more), then a summary. Exit status: 0 if all of it happened, 1 if not or if
something is missing, 130 and 143 after Ctrl-C and SIGTERM that ended a demonstration early.
On every way out the node is ended with `offline`, the terminal restored, every child gone.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import signal
import sys
import time
from pathlib import Path

from tools.sim.boardfile import SERIES

from .keys import Keys
from .parts import Trouble
from .scene import EXAMPLE, Scene
from .script import SHORTEST, Script, Wait, arrive, demonstration
from .summary import DEMONSTRATION, Needed, summary
from .view import make_view, print_summary, save_picture

FRAME_S = 0.05
DRAW_S = 0.15


class Signalled(BaseException):
    """A signal asks for the end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _raise_signal(number: int, frame: object) -> None:
    raise Signalled(number)


def _signals(handler: object) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handler)


class Run:
    """One run: pumps the scene, the view, the keys and the script until one of them ends it."""

    def __init__(self, scene: Scene, seconds: float | None) -> None:
        self.scene = scene
        self.failures: list[str] = []
        self.quit = False
        self.seconds = seconds
        self._drawn = 0.0

    def play(self, script: Script, view, keys: Keys) -> None:
        """Run the script to its end, or until q."""
        result: bool | None = None
        while not self.quit:
            try:
                wait = script.send(result)
            except StopIteration:
                return
            result = self._until(wait, view, keys)
            if not result and wait.what and not self.quit:
                self.failures.append(f"{wait.what} within {wait.seconds:.0f} s")
                self.scene.tell("FAILURE", self.failures[-1])

    def _until(self, wait: Wait, view, keys: Keys) -> bool:
        end = time.monotonic() + wait.seconds
        while not self.quit:
            self.scene.update()
            self._draw(view)
            for key in keys.pressed():
                self._press(key)
            if wait.condition():
                return True
            if time.monotonic() > end:
                return False
            time.sleep(FRAME_S)
        return False

    def _draw(self, view) -> None:
        if time.monotonic() - self._drawn >= DRAW_S:
            view.draw(self.scene)
            self._drawn = time.monotonic()

    def _press(self, key: str) -> None:
        scene = self.scene
        if key == "q":
            self.quit = True
        elif key == "s":
            broken = any(scene.board.fault_lasts(scene.pins[name]) for name in scene.sensors)
            scene.sensor_fault("none" if broken else "timeout")
        elif key.isdigit() and 0 < int(key) <= len(scene.relays):
            scene.command(scene.relays[int(key) - 1])
        elif kind := {"n": "cut", "h": "half-open", "w": "wifi", "b": "broker"}.get(key):
            scene.switch(kind)


def live(scene: Scene) -> Script:
    """No script: only that the node comes up, then whatever the keys ask for."""
    yield from arrive(scene)
    yield Wait(lambda: False, seconds=float("inf"))


def play(arguments: argparse.Namespace) -> int:
    """A whole run; its exit status."""
    seconds = arguments.seconds
    stopped = 0
    with Scene(arguments.config, arguments.series) as scene:
        run = Run(scene, seconds)
        offline = False
        view = make_view()
        try:
            with Keys() as keys, view:
                try:
                    scene.start()
                    script = demonstration(scene, seconds) if seconds else live(scene)
                    run.play(script, view, keys)
                except Signalled as signalled:
                    stopped = signalled.number
                except Trouble:
                    view.draw(scene)
                    raise
                if arguments.picture:
                    save_picture(scene, arguments.picture)
                offline = scene.end()
                view.draw(scene)
        finally:
            _signals(signal.SIG_IGN)  # the rest is short, and must not be cut off
        if seconds and (stopped or run.quit):
            run.failures.append("ended before its time")
        return verdict(scene, run, offline, stopped)


def verdict(scene: Scene, run: Run, offline: bool, stopped: int) -> int:
    """Print the summary; the exit status."""
    needed = DEMONSTRATION if run.seconds else Needed()
    lines = summary(scene, offline, run.failures, needed)
    good = all(line.good for line in lines)
    if run.seconds is None:
        print_summary(lines, f"{scene.seconds:.0f} s")
        good = offline and not run.failures
    else:
        print_summary(lines, f"{scene.seconds:.1f} s: {'all of it happened' if good else 'FAILED'}")
    if not good and run.failures:
        print(f"\nthe node's last lines:\n{scene.node_tail()}")
    if stopped and stopped != signal.SIGINT or stopped and run.seconds:
        return 128 + stopped
    return 0 if good else 1


def _seconds(text):
    with contextlib.suppress(ValueError):
        if math.isfinite(float(text)):
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds; try make run SECONDS=15")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.run", description=__doc__)
    parser.add_argument("--seconds", type=_seconds, help=f"demonstration of {SHORTEST} s or more")
    parser.add_argument("--config", type=Path, default=EXAMPLE, help="node configuration to use")
    parser.add_argument(
        "--series", type=Path, default=SERIES, help="recorded series for the sensor"
    )
    parser.add_argument("--picture", type=Path, help="SVG file for the screen of the last moment")
    arguments = parser.parse_args()
    if arguments.seconds is not None and arguments.seconds < SHORTEST:
        parser.error(
            f"--seconds {arguments.seconds:g} is too short: the demonstration needs {SHORTEST} "
            f"(make run SECONDS={SHORTEST})"
        )
    _signals(_raise_signal)
    try:
        return play(arguments)
    except Trouble as trouble:
        print(f"\nmake run: {trouble}", file=sys.stderr)
        return 1
    except Signalled as signalled:
        return 128 + signalled.number


if __name__ == "__main__":
    sys.exit(main())
