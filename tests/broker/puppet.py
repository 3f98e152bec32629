"""A client of lib/mqtt moved by strings: reads commands on stdin, tells what happens on stdout.

Runs alike on MicroPython's Unix port and on CPython. One JSON text per line both ways; the single
argument is a JSON object: "brokers" [[host, port], ...], "client" (keyword arguments of Client),
"first_ms", "max_ms" of Reconnect. See tests/broker/strings.py for the other end.
"""

import json
import select
import sys
import time

from mqtt import Client, Reconnect
from mqtt.tcp import TcpTransport

if hasattr(time, "ticks_ms"):
    ticks_ms = time.ticks_ms
    sleep_ms = time.sleep_ms
    stdin = sys.stdin
else:
    stdin = open(0, "rb", buffering=0)  # nothing read ahead: poll() must see what is left

    def ticks_ms():
        return int(time.monotonic() * 1000)

    def sleep_ms(ms):
        time.sleep(ms / 1000)


COUNTERS = (
    "sent acked resent failed replaced refused received unmatched oversize handler_errors connects "
    "closes pings malformed inflight queued"
)


def tell(kind, *values):
    sys.stdout.write(json.dumps([kind] + list(values)) + "\n")
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


class Puppet:
    def __init__(self, options):
        transports = [TcpTransport(host, port) for host, port in options["brokers"]]
        arguments = options["client"]
        if arguments.get("will"):
            arguments["will"] = tuple(arguments["will"])
        client_id = arguments.pop("client_id")
        self.client = Client(client_id, transports[0], **arguments)
        self.client.on_event = self.event
        first, longest = options.get("first_ms", 100), options.get("max_ms", 400)
        self.link = Reconnect(self.client, transports, first, longest)
        self.going = True

    def event(self, kind, a, b):
        tell("event", kind, a, b)

    def message(self, msg):
        payload = msg.payload().decode()
        tell("message", msg.topic().decode(), payload, msg.qos, msg.retain, msg.dup)

    def obey(self, command, *arguments):
        tell("returned", command, getattr(self, "do_" + command)(*arguments))

    def do_start(self):
        self.link.start()

    def do_stop(self):
        self.link.stop()

    def do_publish(self, topic, payload, qos=0, retain=False):
        return self.client.publish(topic.encode(), payload.encode(), None, qos, retain)

    def do_subscribe(self, topic_filter, qos):
        return self.client.subscribe(topic_filter, qos, self.message)

    def do_unsubscribe(self, topic_filter):
        return self.client.unsubscribe(topic_filter)

    def do_counters(self):
        return {name: getattr(self.client, name) for name in COUNTERS.split()}

    def do_exit(self):
        self.going = False

    def run(self):
        commands = select.poll()
        commands.register(stdin, select.POLLIN)
        while self.going:
            self.link.step(ticks_ms() & 0x3FFFFFFF)
            if commands.poll(2):
                line = stdin.readline()
                if not line:
                    return
                self.obey(*json.loads(line))


Puppet(json.loads(sys.argv[1])).run()
