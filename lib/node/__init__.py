"""The firmware of one sensor node: sensors and relays on GPIO pins, spoken to over MQTT.

Importing this package or any module of it has no effect. `node.app.run()` is what main.py calls;
`node.build()` makes the same node over any board, which is how the tests drive it.
"""


def build(config, board, put=None):
    """The whole node, as one object whose `step(now)` does everything. Allocates; call once.

    config: what node.config.load() or check() returned. board: node.board.Board or a fake with
    the same methods. put: where the log's pieces go (None: stdout).
    ValueError when the MQTT settings cannot work together.
    """
    from node.setup import build

    return build(config, board, put)
