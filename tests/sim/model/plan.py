"""What one run is like, drawn from its seed: the client's options, the broker, the network."""

HOUR = 3600000


class Plan:
    """Times in ms, sizes in bytes. `scale` in percent shortens the run and its work alike."""

    def __init__(self, chance, scale=100):
        c = chance
        # the client
        self.clean = c.percent(25)
        self.keepalive = c.pick((4, 10, 20, 60, 60, 300, 0))
        self.ack_timeout = c.pick((2000, 5000, 10000, 20000))
        self.connect_timeout = c.pick((3000, 8000, 15000))
        self.tx_size = c.pick((200, 400, 1000, 1000, 4000))
        self.rx_size = c.pick((24, 64, 128, 512))
        self.max_inflight = c.pick((1, 2, 4, 8, 8, 16))
        self.max_held = c.pick((1, 2, 4, 8))
        self.drop_oldest = c.percent(30)
        self.eager = c.percent(50)  # a publish() may write at once
        self.first_ms = c.pick((50, 200, 1000))
        self.max_ms = c.pick((1000, 5000, 60000))
        self.links = c.pick((1, 1, 2))
        # the broker
        self.on_release = c.percent(50)  # hands a QoS-2 message on at PUBREL, else at PUBLISH
        self.dup_lost = c.percent(20)  # repeats without DUP
        self.shuffled = c.percent(25)  # acks in any order
        self.no_qos2 = c.percent(8)  # answers a QoS-2 PUBLISH with PUBACK
        self.window = c.pick((1, 4, 8, 20))  # messages to the client in flight
        self.refusals = c.pick((0, 10, 40))  # SUBACK 0x80, percent
        # the network
        self.latency = c.pick((0, 1, 5, 20, 100, 400))
        self.jitter = c.pick((0, 1, 10, 100))
        self.sndbuf = c.pick((60, 300, 1500, 6000))
        # the work
        self.length = c.pick((HOUR // 4, HOUR // 2, HOUR, HOUR, 2 * HOUR, 3 * HOUR)) * scale // 100
        self.bursts = c.between(20, 60) * scale // 100 + 2
        self.burst = c.pick((4, 10, 25, 60, 120))  # messages, up to
        self.faults = c.between(30, 90) * scale // 100 + 2
        self.wrap_at = c.below(self.length)  # when the clock wraps

    def options(self):
        """Keyword arguments of Client."""
        return {
            "keepalive": self.keepalive,
            "clean_session": self.clean,
            "rx_size": self.rx_size,
            "tx_size": self.tx_size,
            "max_inflight": self.max_inflight,
            "connect_timeout_ms": self.connect_timeout,
            "ack_timeout_ms": self.ack_timeout,
            "max_subscriptions": 8,
            "max_held": self.max_held,
            "drop_oldest": self.drop_oldest,
        }
