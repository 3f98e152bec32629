"""Checks single values of the configuration against rules, and says what would be right.

A rule is a list or tuple: its type, the default (... for a value that must be given,
None for one that may be left out), and what limits the value: lowest and highest for a number, for
the bytes of a text and for the entries of a list; the choices; whether a pin must drive.

A faulty value is told and its default taken, and that is told too. Only a Wi-Fi password is never
guessed: the default would join any open network of that name.
"""

from node.pins import pin_problem


class Fields:
    """Collects `problems`; `board` tells the chip and the device kinds there are."""

    def __init__(self, board):
        self.board = board
        self.problems = []
        self.pins = {}
        self.kind = None  # the class of the last device kind
        self.outcome = ""  # what a fault leads to here, if not to the default

    def bad(self, path, value, right):
        """Note a fault. Where a password may stand, also by mistake, the value is not told."""
        text = repr("***" if "password" in path or path in ("wifi", "mqtt") else value)
        text = text if len(text) < 60 else text[:56] + "..."
        self.problems.append("%s: %s; %s%s" % (path, text, right, self.outcome))

    def group(self, data, rules, path):
        """A new dict with a value for every rule: where there was a fault the default, or None."""
        for key in data:
            if key not in rules:
                hide = path[:5] in ("wifi.", "mqtt.") or "pass" in str(key)
                self.bad(path + str(key), "***" if hide else data[key], unknown(key, rules))
        checked = {}
        for key in rules:
            checked[key] = self.value(data.get(key, ...), rules[key], path + key)
        return checked

    def value(self, value, rule, path):
        if value is ...:
            if rule[1] is ...:
                self.problems.append("%s: missing; %s%s" % (path, _right(rule), self.outcome))
                return None
            value = rule[1]
        if value is None and rule[1] is None:
            return None
        problem = ""
        if isinstance(value, dict) and "password" in path:
            value, problem = self._secret(value)
            if isinstance(value, dict):  # a host cannot look
                return value
        problem = problem or self._problem(value, rule, path)
        if problem:
            default = None if rule[1] is ... or rule[0] == "password" else rule[1]
            if default is not None and not self.outcome:
                problem += "; the default is used: %r" % (default,)
            self.bad(path, value, problem)
            return default
        return list(value) if isinstance(value, list) else value

    def _secret(self, value):
        """(what {"nvs": KEY} stands for, "") or (None, what would be right). Without a board that
        has secrets the form alone counts."""
        key = value.get("nvs")
        data = _utf8(key)
        if len(value) != 1 or not data or len(data) > 15:
            return None, 'must be text, or {"nvs": KEY} with a KEY of 1..15 characters'
        if not hasattr(self.board, "secret"):
            return value, ""
        secret = self.board.secret(key)
        if secret is None:
            return None, (
                'the board has no secret "%s"; flash it again with the secrets: '
                "make flash CONFIG=config.json" % key
            )
        try:
            return secret.decode(), ""
        except ValueError:
            return secret, ""  # which the rule will refuse

    def _problem(self, value, rule, path):
        """What would be right, or "" if it is."""
        if rule[0] == "pin":
            return self._pin(value, rule, path)
        if rule[0] == "kind":
            return self._kind(value, rule)
        return "" if _fits(value, rule) else _right(rule)

    def _pin(self, value, rule, path):
        problem = pin_problem(self.board.chip, value, rule[2])
        if not problem and hasattr(self.board, "takes") and not self.board.takes(value):
            problem = "this board's firmware keeps this pin, for PSRAM or USB; use another"
        if not problem and value in self.pins:
            return "is used already by %s; give each its own pin" % self.pins[value]
        if not problem:
            self.pins[value] = path
        return problem

    def _kind(self, value, rule):
        data = _utf8(value)
        self.kind = device_class(value) if data and all(_is_word(c) for c in data) else None
        if self.kind:
            return ""
        kinds = self.board.kinds()
        return unknown(value, kinds) if kinds else _right(rule)


def device_class(kind):
    """Class `Device` of node/devices/<kind>, or None. Imports it."""
    try:
        return __import__("node.devices." + kind, None, None, ("Device",)).Device
    except (ImportError, AttributeError):
        return None


def _fits(value, rule):
    kind = rule[0]
    if kind == "int":
        return type(value) is int and rule[2] <= value <= rule[3]
    if kind == "bool":
        return value is True or value is False
    if kind == "group":
        return isinstance(value, dict)
    if kind == "list":
        return isinstance(value, list) and rule[2] <= len(value) <= rule[3]
    if kind == "choice":
        return isinstance(value, str) and value in rule[2]
    data = _utf8(value)
    return data is not None and _fits_text(kind, data, rule)


def _fits_text(kind, data, rule):
    if kind == "text":
        return rule[2] <= len(data) <= rule[3]
    if kind == "password":
        return not data or 8 <= len(data) <= 64
    if kind == "level":
        return _is_level(data, 32)
    if kind == "prefix":
        good = len(data) <= 64 and data[:1] != b"$"
        return good and all(_is_level(level, 64) for level in data.split(b"/"))
    if kind == "host":
        return 1 <= len(data) <= 253 and _without(data, b" /:@")
    good = 1 <= len(data) <= 32 and data[0] != 45 and data[-1] != 45  # hostname
    return good and all(c == 45 or (c != 95 and _is_word(c)) for c in data)


def _right(rule):
    kind = rule[0]
    if kind == "int":
        return "must be a whole number, %d..%d" % (rule[2], rule[3])
    if kind == "choice":
        return "must be one of %s" % ", ".join(rule[2])
    if kind == "text":
        return "must be text of %d..%d bytes without NUL" % (rule[2], rule[3])
    if kind == "list":
        return "must be a list [...] of %d to %d entries" % (rule[2], rule[3])
    return {
        "bool": "must be true or false",
        "group": "must be an object {...}",
        "password": 'must be "" (open network) or text of 8..64 bytes',
        "hostname": "must be 1..32 letters, digits and -, not - at an end",
        "host": "must be a name or an address, without port and slashes",
        "level": "must be 1..32 bytes of text without / + # quotes \\ or control characters",
        "prefix": "must be at most 64 bytes: names joined by single /, none with + # or quotes",
        "pin": "must be a GPIO number",
        "kind": "must name a device kind, see docs/extending.md",
    }[kind]


# Texts are looked at as bytes: of each character taken from a str MicroPython would keep a copy for
# ever.


def _utf8(value):
    """The bytes of a text, or None when it is none. Half of a surrogate pair is no character: it
    has no UTF-8 form (MQTT-1.5.3-1). NUL is refused too."""
    try:
        data = value.encode()
    except (AttributeError, ValueError):
        return None
    for at in range(len(data)):
        if data[at] == 0 or (data[at] == 0xED and data[at + 1 : at + 2] >= b"\xa0"):
            return None
    return data


def _is_word(c):
    return c == 95 or 48 <= c <= 57 or 97 <= c | 32 <= 122


def _without(data, unwanted):
    return not any(data.find(bytes((c,))) >= 0 for c in unwanted)


def _is_level(data, longest):
    """A name for one level of a topic. Quotes would break the JSON that names appear in."""
    good = 1 <= len(data) <= longest and _without(data, b'/+#"\\\x7f')
    return good and all(c >= 32 for c in data)


def unknown(name, known):
    """What to say of a name that is not among the known ones."""
    known = sorted(known)
    for distance in (1, 2):
        for near in known:
            if isinstance(name, str) and _distance(name, near) == distance:
                return 'unknown; did you mean "%s"?' % near
    return "unknown; known here: " + ", ".join(known)


def _distance(a, b):
    """Edit distance."""
    row = list(range(len(b) + 1))
    for i in range(len(a)):
        last = row[:]
        row[0] = i + 1
        for j in range(len(b)):
            cost = 0 if a[i] == b[j] else 1
            row[j + 1] = min(last[j] + cost, last[j + 1] + 1, row[j] + 1)
    return row[len(b)]
