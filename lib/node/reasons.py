"""Why a connection ended, in words for the log. Codes: docs/mqtt.md. Nothing here allocates.

A text with a space at its end is to be followed by the detail.
"""

# CONNACK return codes 1..5 (MQTT 3.1.1, table 3.1).
_REFUSED = (
    "the broker refused the protocol version, code ",
    "the broker refused the client id, code ",
    "the broker is not ready, code ",
    "the broker refused username or password, code ",
    "the broker does not allow this client, code ",
)
# From -30 down.
_TRANSPORT = (
    "the broker closed the connection",
    "no connection to the broker, error ",
    "the broker did not answer the connection",
    "an acknowledgement is overdue",
    "the broker is silent: no answer to a ping",
    "nothing can be sent any more",
)


def closed_text(reason, detail):
    """Text for CLOSED(reason, detail)."""
    if reason == -31 and detail == -1000:
        return "the broker's name has no address"
    if reason == -31 and detail == -111:
        return "the broker's port is closed, error "
    if -35 <= reason <= -30:
        return _TRANSPORT[-30 - reason]
    if reason == -20:
        return _REFUSED[detail - 1] if 0 < detail < 6 else "the broker refused, unknown code "
    if reason == -21:
        return "what came from the broker is no MQTT 3.1.1"
    return "the broker broke the protocol"
