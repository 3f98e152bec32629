"""Child process: the broker (iotcore, memory only) on one port of the loopback.

    python -m tools.run.brokerhost PORT

Ends when its standard input closes, so it never outlives the program that started it.
"""

import logging
import os
import sys
import threading

from iotcore import IotCoreBroker


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    # rumqttd reports every packet as an error record; what matters reaches us as an exception.
    logging.disable(logging.CRITICAL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    broker = IotCoreBroker(port=int(sys.argv[1]), listen="127.0.0.1", max_payload_size=65536)
    broker.run_forever()


if __name__ == "__main__":
    main()
