"""Makes the MQTT client and its reconnecting from group `mqtt` of a checked configuration, for the
node and for its safe mode. Loaded at the start only. Allocates.
"""

from mqtt import Client, Reconnect


def client_of(c, transport, status, subscriptions):
    """The client; its last will is `offline` on the topic `status`."""
    return Client(
        c["client_id"],
        transport,
        keepalive=c["keepalive"],
        clean_session=c["clean_session"],
        username=c["username"],
        password=c["password"],
        will=(status, b"offline", 1, True),
        rx_size=c["rx_size"],
        tx_size=c["tx_size"],
        max_inflight=c["max_inflight"],
        connect_timeout_ms=c["connect_timeout"] * 1000,
        ack_timeout_ms=c["ack_timeout"] * 1000,
        max_subscriptions=subscriptions,
        max_held=4,  # nothing is asked for at QoS 2; an older session may hold some
    )


def link_of(c, client, transports, board):
    """What opens its connections, on hold until there is Wi-Fi."""
    made = Reconnect(
        client, transports, c["retry_first"] * 1000, c["retry_max"] * 1000, board.random
    )
    made.hold = True
    return made
