# Freezes the client into a firmware image: include("<here>/manifest.py") in the board's manifest.
# All modules but _cpython.py, which no board imports; the two fronts may be left out.
# ruff: noqa: F821
# pyright: reportUndefinedVariable=false

metadata(description="MQTT 3.1.1 client that allocates nothing once it runs", version="0.1.0")

package(
    "mqtt",
    files=(
        "__init__.py",
        "_shim.py",
        "aio.py",
        "client.py",
        "clock.py",
        "codec.py",
        "codes.py",
        "delivery.py",
        "engine.py",
        "events.py",
        "held.py",
        "ids.py",
        "lone.py",
        "makeroom.py",
        "message.py",
        "options.py",
        "outbox.py",
        "parser.py",
        "publication.py",
        "publishing.py",
        "receiving.py",
        "reconnect.py",
        "sending.py",
        "simple.py",
        "subscriptions.py",
        "tcp.py",
        "timing.py",
        "topics.py",
    ),
    base_path="..",
)
