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
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    keys = "Ctrl-C stops the node, Ctrl-D at the prompt starts it again, Ctrl-] ends this."
    print(keys, flush=True)
    return subprocess.call([sys.executable, "-m", "mpremote", "connect", port, "repl"])


if __name__ == "__main__":
    sys.exit(main())
