"""The words that MicroPython's frames take, as its own compiler says. See docs/allocation.md.

A call of a function whose frame has more than LIMIT words takes the frame from the heap, and gives
it back on return: heap_lock() does not show it, micropython.mem_total() does.
"""

import re
import subprocess
from dataclasses import dataclass

from tests.support.runtimes import micropython_command

LIMIT = 11
_HANDLER = 3  # words of one nested `try`, `with` or `finally`
_PATTERN = re.compile(
    r"code block '(?P<name>.*?)' \(descriptor.*?"
    r"^\(N_STATE (?P<state>\d+)\)\n\(N_EXC_STACK (?P<nested>\d+)\)\n(?:\(INIT_CELL \d+\)\n)*"
    r"(?P<lines>(?:  bc=\d+ line=\d+\n)*)",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Frame:
    """Of one function. `line`: where its body begins; `state`: parameters, locals and stack."""

    name: str
    line: int
    state: int
    nested: int

    @property
    def words(self):
        return self.state + _HANDLER * self.nested


def frames(path):
    """The Frame of each function, lambda and comprehension in the file. Raises Missing."""
    command = [micropython_command(), "-v", "-v", "-v", "-X", "compile-only", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise ValueError(f"{path}: MicroPython does not compile it:\n{done.stdout}{done.stderr}")
    return [_frame(found) for found in _PATTERN.finditer(done.stdout)]


def _frame(found):
    line = re.findall(r"bc=0 line=(\d+)", found["lines"])[-1]
    return Frame(found["name"], int(line), int(found["state"]), int(found["nested"]))
