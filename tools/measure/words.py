"""What went wrong, in words, with what to do next."""

from __future__ import annotations

_REFUSALS = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not accept the client id",
    3: "the service is not available; try again later",
    4: "user or password is wrong; see MQTT_USER and MQTT_PASSWORD",
    5: "this user may not connect, or it wants one; see MQTT_USER and MQTT_PASSWORD",
}
_ERRNOS = {
    "ECONNREFUSED": "refuses connections: nothing listens there. Does the broker run, on this "
    "port, and on this address (Mosquitto 2 listens on 127.0.0.1 only, unless its configuration "
    "has a `listener`)?",
    "EHOSTUNREACH": "cannot be reached: no route to it. Is it in the same network?",
    "ENETUNREACH": "cannot be reached: no route to it. Is it in the same network?",
    "ETIMEDOUT": "does not answer. Is the address right, and does a firewall let you through?",
    "ECONNRESET": "reset the connection: it may have been restarted, or another client with the "
    "same id, or a limit of the broker, may have ended it; its log says",
    "EPIPE": "closed the connection; its log says why",
}
_REASONS = {
    "PEER_CLOSED": "closed the connection without a word; its log says why (user, password and "
    "access rights are frequent reasons)",
    "CONNECT_TIMEOUT": "does not answer. Is the address right, and does a firewall let you "
    "through? --timeout waits longer",
    "ACK_TIMEOUT": "did not acknowledge in time; the link is dead or very slow. --timeout waits "
    "longer",
    "PING_TIMEOUT": "no longer answers; the link is dead",
    "SEND_TIMEOUT": "no longer takes anything; the link is dead",
    "MALFORMED": "sent something that is not MQTT 3.1.1: is it a broker, and is this its port "
    "for MQTT without TLS?",
    "VIOLATION": "broke the rules of MQTT 3.1.1; some brokers do so at QoS 2, try --qos 0,1",
}
MEMORY = "out of memory: measure smaller --sizes, smaller --windows, fewer --samples"
_WIFI = (
    "the board is not on line: {text}. Its config.json, or WIFI_SSID and WIFI_PASSWORD, name the "
    "network"
)


def why(end: dict, broker: dict, granted: dict) -> str | None:
    """The text for the program's "end"; None if it ended well. `granted`: for each QoS asked."""
    if end.get("step") == "wifi" and end["text"] == "stopped":
        return "stopped by you"
    if end.get("step") == "wifi":
        return _WIFI.format(text=end["text"])
    if end.get("step") == "memory":
        return MEMORY
    if end.get("step") == "program":
        return f"the measuring program failed: {end['text']}"
    if "reason" in end:
        return _closed(end, f"{broker['host']}:{broker['port']}")
    if end["why"] == "time":
        return "the time was over before all was measured; give more SECONDS, or fewer --sizes"
    if end["why"] == "stopped":
        return "stopped by you"
    if not any(int(asked) == given for asked, given in granted.items()):
        return (
            "the broker granted no subscription: may this user read there? See its access rights, "
            "or name another --prefix"
        )
    if end["errors"]:
        return f"{end['errors']} errors in the measuring program; the figures may be wrong"
    return None


def _closed(end: dict, name: str) -> str:
    reason, detail = end["reason"], end["detail"]
    before = "the connection was lost while measuring: " if end["why"] == "lost" else ""
    if reason == "REFUSED":
        meaning = _REFUSALS.get(detail, "it gives a reason that MQTT 3.1.1 does not know")
        return f"{name} refused the connection (CONNACK {detail}): {meaning}"
    if end["errno"] == "UNRESOLVED":
        host = name.rpartition(":")[0]
        return f"{before}no address is known for the name {host}. Is it spelt right? Is there DNS?"
    if reason == "TRANSPORT":
        known = _ERRNOS.get(end["errno"], "cannot be reached")
        return f"{before}{name} {known} ({end['errno'] or f'errno {-detail}'})"
    return f"{before}{name} {_REASONS.get(reason, f'ended the connection ({reason})')}"
