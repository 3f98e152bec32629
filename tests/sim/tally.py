"""What a set of runs came to: figures, faults, failures; and whether that is enough."""

# Every kind of fault, as the model counts it where it takes effect.
FAULTS = (
    "resets",
    "resets inside a packet sent",
    "resets inside a packet received",
    "tails lost",
    "half-open, sending",
    "half-open, receiving",
    "half-open, both ways",
    "old connections taken over",
    "ends by the broker",
    "broker restarts, sessions kept",
    "broker restarts, sessions lost",
    "sessions forgotten",
    "sessions lost unnoticed",
    "connections refused",
    "connections never made",
    "CONNECTs refused",
    "CONNACKs withheld",
    "PINGRESPs withheld",
    "acks withheld",
    "acks for unknown ids",
    "illegal packets",
    "broker stuck",
    "short blocks",
    "long blocks",
    "connections byte by byte",
    "steps delayed",
    "errors raised",
    "clock wraps",
    "holds",
    "orderly ends",
    "subscriptions changed",
    "SUBSCRIBEs refused",
    "publishes refused, outbox full",
    "publishes dropped for newer",
    "publishes replaced",
    "messages larger than the buffer",
    "messages taken in pieces",
    "handlers that raised",
    "PUBRECs withheld, table full",
    "QoS 2 answered with PUBACK",
)
HOUR = 3600000


class Tally:
    """Sums over runs."""

    def __init__(self):
        self.runs = self.ms = self.steps = 0
        self.out = self.into = 0  # messages accepted from the application; sent to the client
        self.counts = {}
        self.failures = []  # (seed, property, text)

    def add(self, seed, result):
        """One run: what runs.run() gave."""
        self.runs += 1
        self.ms += result["ms"]
        self.steps += result["steps"]
        self.out += result["out"]
        self.into += result["into"]
        for name, n in result["counts"].items():
            self.counts[name] = self.counts.get(name, 0) + n
        if result["failure"]:
            self.failures.append((seed, *result["failure"]))

    def hours(self):
        return self.ms / HOUR

    def messages(self):
        return self.out + self.into

    def lacking(self, hours, messages, disconnections, each):
        """What there was too little of, as text lines."""
        wanted = [("hours", self.hours(), hours), ("messages", self.messages(), messages)]
        wanted.append(("disconnections", self.counts.get("disconnections", 0), disconnections))
        wanted += [(name, self.counts.get(name, 0), each) for name in FAULTS]
        return [f"{name}: {got:.0f} of {want}" for name, got, want in wanted if got < want]

    def report(self):
        """All figures, as text lines."""
        lines = [
            f"{self.runs} runs, {self.hours():.0f} simulated hours, {self.steps} steps",
            f"{self.messages()} messages: {self.out} published, {self.into} to the client",
            f"{self.counts.get('disconnections', 0)} disconnections",
        ]
        faults = [(name, self.counts.get(name, 0)) for name in FAULTS]
        lines += ["faults"] + [f"  {n:8}  {name}" for name, n in faults]
        rest = sorted(set(self.counts) - set(FAULTS) - {"disconnections"})
        lines += ["also"] + [f"  {self.counts[name]:8}  {name}" for name in rest]
        for seed, prop, text in sorted(self.failures)[:20]:
            lines.append(f"FAILED seed {seed}: {prop}: {text}; replay: make soak SEED={seed}")
        return lines
