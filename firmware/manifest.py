# Freezes the node into a firmware image for an ESP32. `make build` first, then in MicroPython's
# ports/esp32: make BOARD=ESP32_GENERIC FROZEN_MANIFEST=<here>/manifest.py      docs/firmware.md
#
# Frozen are the modules only. boot.py, main.py and config.json stay files, so that `make deploy`
# goes on working: it replaces boot.py for a moment, and a frozen one would win over the file.
# No metadata() here: that of lib/mqtt/manifest.py counts for all that is included.
# ruff: noqa: F821
# pyright: reportUndefinedVariable=false

import os

# sources=True in an include() of this file freezes lib/ as it is written: tracebacks with the names
# and lines of the sources, for about 1.6 times the heap.
options.defaults(sources=False)

include("$(PORT_DIR)/boards/manifest.py")  # what the generic boards have: networking, asyncio, dht

if options.sources:
    include("../lib/mqtt/manifest.py")
    package("node", base_path="../lib")
elif not os.path.isfile("../build/lib/node/app.mpy"):
    raise OSError("build/lib is not there: type `make build` in the folder above this one first")
else:
    freeze_mpy("../build/lib")
