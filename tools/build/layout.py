"""What goes into which file, and what keeps its name: the table that the board build follows.

Everything that can be read from the sources and the pages is; here stands only what cannot.
"""

# Files that hold more than one module: file -> its root modules. What a root imports at its top
# comes with it, and what that imports, unless it stands in ALONE or a file above took it.
# Modules in no file are files of their own; so is what is only imported inside functions.
FILES = {
    "mqtt": ("mqtt",),
    "node.app": ("node.app",),
    "node.core": (
        "node.core", "node.health", "node.jsonout", "node.radio", "node.service",
        "node.slots",
    ),
    "node.devices.relay": ("node.devices.relay",),
}  # fmt: skip

# Each a file of its own: what runs before the rest (boot.py), what is forgotten after the start.
ALONE = (
    "node", "node.board", "node.pins", "node.safe", "node.config", "node.fields", "node.setup",
    "node.start", "node.ending",
)  # fmt: skip

# Files that are not in memory while the client or the node runs: what only they use goes into them.
FORGOTTEN = (
    "mqtt.options", "node.setup", "node.start", "node.config", "node.fields", "node.pins",
    "node.safe", "node.kept", "node.online", "node.boot", "node.rescue", "node.ending",
)  # fmt: skip

# Of these, which are called at set-up, the body goes too: forgettable file -> file.function. A stub
# stays, which loads that file again, so nothing here may be promised to allocate nothing.
SET_UP = {
    "mqtt.options": (
        "mqtt.Client.__init__", "mqtt.Client.prepare", "mqtt.Client.subscribe",
        "mqtt.Client.unsubscribe", "mqtt.Reconnect.__init__",
    ),
}  # fmt: skip

# package -> module of numbers that is loaded when the first of them is asked of the package.
LAZY = {"mqtt": "mqtt.codes"}

# Never on a board.
NOT_ON_A_BOARD = ("mqtt._shim", "mqtt._cpython", "mqtt.manifest")

# Conditions that tell a board from CPython: true wherever a built file runs.
TRUE_ON_BOARDS = (
    "hasattr(time, 'ticks_ms')",
    "hasattr(asyncio, 'sleep_ms')",
    "hasattr(socket.socket, 'readinto')",
)

# Pages and programs whose names are a contract. docs/node.md and docs/configuration.md name topics,
# payloads and keys of JSON, which are texts, and texts are never changed.
PAGES = (
    "README.md",
    "docs/mqtt.md",
    "docs/asyncio.md",
    "docs/from-umqtt.md",
    "docs/extending.md",
    "lib/mqtt/README.md",
)
PROGRAMS = ("boot.py", "main.py", "examples")

# Paths that in the pages are no modules' but an attribute's, of an object of that name.
OBJECTS = ("mqtt.client",)

# Global names that are called from outside without standing in a page or program.
ENTRIES = {
    "node": ("build",),
    "node.app": ("loop", "timed_step"),
    "node.config": ("load", "check", "ConfigError"),
    "node.devices.dht22": ("Device",),
    "node.devices.relay": ("Device",),
    "node.boot": ("decide", "program"),
    "node.ending": ("end", "farewell"),
    "node.kept": ("begin", "ended", "failed", "load", "note", "number", "run", "text"),
    "node.rescue": ("Rescue", "build", "loop", "why"),
    "node.safe": ("read", "relays"),
    "node.fields": ("Fields", "device_class"),
    "node.start": ("begin", "start", "forget"),
}

# Modules whose public attributes all keep their names: others stand in for the board (tests, the
# simulation), and a device kind writes through any method of the Writer.
SEAMS = ("node.board", "node.jsonout")

# package -> attributes of its own that are no contract, though a page, the node or a module of
# Python's has something else of that name.
OWN_WORDS = {
    "mqtt": (
        "broken", "clean", "end", "entry", "leave", "put", "reset", "since", "slots", "wanted",
        "when",
    ),
}  # fmt: skip

# Attributes that tests and tools read of a running node.
OBSERVED = (
    "bad_commands",
    "client",
    "device",
    "errors",
    "health",
    "leaves",
    "lost",
    "radio",
    "reboot",
    "service",
    "slots",
    "wanted",
    "worst",
)

# Modules that compute the name of an attribute, or look one up by a text that is no literal in that
# place, and which attributes it may be. Those keep their names.
#   METHODS: any that the classes of that module define
#   TEXTS: those that stand in the module as texts
METHODS = "methods"
TEXTS = "texts"
COMPUTED = {"node.fields": METHODS, "node.start": TEXTS}
