"""mpremote's terminal on the board: the running node's log, and after Ctrl-C a prompt.

python -m tools.deploy.repl [--port PORT]
"""

import argparse
import subprocess
import sys

from tools.deploy import Trouble, ports


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="repl", description="A terminal on the board.")
    parser.add_argument("--port", default="", help="serial port; without it the only one there is")
    options = parser.parse_args(arguments)
    try:
        port = ports.find(options.port)
        ports.open_port(port).close()  # says better than mpremote why it cannot be had
        if not sys.stdin.isatty():
            raise Trouble("make repl needs a terminal to type at; make logs only listens")
        keys = "Ctrl-C stops the node, Ctrl-D at the prompt starts it again, Ctrl-] ends this."
        print(keys, flush=True)
        return terminal(port)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # from outside: what is typed goes to the board
        return 130


def terminal(port):
    """mpremote's, until it is left: 0. Trouble when the board goes away."""
    command = [sys.executable, "-m", "mpremote", "connect", port, "repl"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode > 0:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Trouble(
            f"\n{port}: the board was lost ({why}). Check cable and power, then try again."
        )
    return abs(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
