"""Makes the node from a checked configuration: every object, topic, buffer and prepared text.

Used once by node.start, then given back to the heap, and with it every constructor: a node that
runs makes nothing more. So nothing here may be needed by a step. Allocates.
"""

from node.core import Node
from node.health import Health
from node.jsonout import Writer
from node.kept import BOOTS, CRASHES, brief, load, number, text
from node.online import client_of, link_of
from node.radio import Radio
from node.service import Service
from node.slots import Slot

_DIGITS = 9  # of the largest number, beside the mark that it takes the place of
_FACTS = 20  # bytes of boots, crashes and reset
_CRASH = 96  # bytes of the last crash in health; less where the outbox is small
_PACKET = 7  # bytes of an MQTT packet beside topic and payload, at most

_HEALTH = (
    b'{"uptime":\x01,"rssi":\x01,"heap":\x01,"grown":\x01,"loop":\x01,"connects":\x01,"sent":\x01,'
    b'"acked":\x01,"resent":\x01,"refused":\x01,"replaced":\x01,"failed":\x01,"received":\x01,'
    b'"unmatched":\x01,"errors":\x01,"lost":\x01,"bad_commands":\x01,'
    b'"oversize":\x01,"closes":\x01,"malformed":\x01,"wifi_failed":\x01,"config":\x01,"boots":%d,'
    b'"crashes":%d,"reset":"%s","sensors":{%s},"crash":'
)
_IDENTITY = b'{"cmd":"identify","ok":true,"node":"%s","reset":"%s","uptime":\x01}'


def build(config, board, put):
    """What node.build() promises."""
    topic = ("%s/%s/" % (config["prefix"], config["node"])).encode()
    reset = board.reset_cause().encode()
    devices = [entry["class"](entry, board) for entry in config["devices"]]
    kept = load(board)
    facts = (number(kept, BOOTS), number(kept, CRASHES), reset)
    template, values = _health(config["devices"], devices, facts)
    longest = len(template) + _FACTS - len(b"%d%d%s" % facts) + _DIGITS * len(values)
    longest += len(topic) + len("health}") + _PACKET
    template += _crash(kept, longest, config["mqtt"]["tx_size"])
    identity = _IDENTITY % (config["node"].encode(), reset)
    node = _node(config, board, put, topic, _largest(template, values, identity, devices))
    node.kept = kept
    node.service = Service(node, topic + b"cmd/result", identity)
    node.client.subscribe(topic + b"cmd", 1, node.service.obey)
    node.slots = [
        _slot(node, entry, device, topic + entry["name"].encode() + b"/")
        for entry, device in zip(config["devices"], devices)
    ]
    ms = config["health"]["every"] * 1000
    node.health = Health(node, topic + b"health", template, values, ms)
    report = text(kept)
    if report:  # of the last crash; waits in the outbox for the connection
        node.client.publish(topic + b"crash", report, None, 1, True)
    node.link.start()
    return node


def _health(entries, devices, facts):
    """(template, values) of the health message."""
    names = []
    values = [0] * _HEALTH.count(b"\x01")
    for entry, device in zip(entries, devices):
        if device.COUNTS:
            counts = ",".join('"%s":\x01' % name for name in device.COUNTS)
            names.append('"%s":{%s}' % (entry["name"], counts))
            values.extend([0] * len(device.COUNTS))
    return _HEALTH % (facts + (",".join(names).encode(),)), values


def _crash(kept, longest, room):
    """The last crash, as the end of the health message. It gets what the longest one leaves."""
    if longest + len("null") > room:
        raise ValueError(
            "tx_size %d; must be at least %d, the size of the health message"
            % (room, longest + len("null"))
        )
    return brief(kept, min(_CRASH, room - longest)) + b"}"


def _largest(template, values, identity, devices):
    """Bytes of the largest payload that is written into the writer's own buffer."""
    sizes = [device.SIZE for device in devices if not device.replace]
    sizes += [len(template) + _DIGITS * len(values), len(identity) + _DIGITS, 80]
    return max(sizes)


def _node(config, board, put, topic, size):
    """The node with all it has for itself; not what its devices need."""
    wifi = config["wifi"]
    brokers = config["mqtt"]["brokers"]
    transports = [board.transport(broker["host"], broker["port"]) for broker in brokers]
    node = Node(board, put, board.watchdog(config["watchdog"]["timeout"]))
    node.out = Writer(size)
    node.radio = Radio(board.wlan(wifi["hostname"]), wifi["ssid"], wifi["password"], node.log)
    node.status = topic + b"status"
    node.places = ["%s port %d" % (broker["host"], broker["port"]) for broker in brokers]
    node.client = client_of(config["mqtt"], transports[0], node.status, len(config["devices"]) + 1)
    node.client.on_event = node.on_event
    node.link = link_of(config["mqtt"], node.client, transports, board)
    node.config_faults = len(config["problems"])
    return node


def _slot(node, entry, device, topic):
    outlet = topic + b"state"
    if device.replace:
        outlet = node.client.prepare(outlet, device.SIZE, device.qos, device.retain, True)
    slot = Slot(node, device, entry["name"], outlet, entry["index"])
    if hasattr(device, "command"):
        node.client.subscribe(topic + b"set", 1, slot.obey)
    return slot
