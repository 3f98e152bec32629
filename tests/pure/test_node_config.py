"""node.config: every value is checked, and every fault named with key, value and what is right."""

import json

from check import eq, raises, true
from node.config import ConfigError, check, load
from nodefakes import Board, example


def problems(data):
    """The texts of the faults; [] when there is none."""
    try:
        return check(data, Board())["problems"]
    except ConfigError as error:
        return error.problems


def refused(path, value, *words):
    """Put `value` at the dotted path of an example; one problem must name path and words."""
    data = example()
    at = data
    *parts, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    for part in parts:
        at = at[part]
    at[last] = value
    found = problems(data)
    eq(len(found), 1, found)
    name = path.replace(".0", "[0]").replace(".1", "[1]").replace(".2", "[2]")
    true(found[0].startswith(name + ":"), found)
    for word in words:
        true(word in found[0], "%s: %s" % (word, found))


def missing(group, key):
    data = example()
    del (data[group] if group else data)[key]
    found = problems(data)
    eq(len(found), 1, found)
    true(found[0].startswith((group + "." if group else "") + key + ": missing"), found)


def test_the_example_is_accepted_and_defaults_are_filled_in():
    config = check(example(), Board())
    eq(config["mqtt"]["client_id"], "n1")
    eq(config["mqtt"]["clean_session"], False)
    eq(config["mqtt"]["ack_timeout"], 10)
    eq(config["wifi"]["hostname"], "steadynode")
    eq(config["devices"][1]["safe"], "OFF")
    eq(config["devices"][0]["qos"], 1)


def test_the_checked_data_is_left_alone():
    data = example()
    before = json.dumps(data)
    check(data, Board())
    eq(json.dumps(data), before)


def test_a_missing_file_says_what_to_copy():
    true("config.example.json" in raises(ConfigError, load, "/nowhere/config.json", Board()))


def test_a_file_that_is_no_json_says_so():
    with open("broken.json", "w") as file:
        file.write('node = "n1"')
    true("not JSON" in raises(ConfigError, load, "broken.json", Board()))
    with open("broken.json", "wb") as file:
        file.write(b"\xff\xfe\x00{")
    true("broken.json" in raises(ConfigError, load, "broken.json", Board()))


def test_a_good_file_is_loaded():
    with open("good.json", "w") as file:
        file.write(json.dumps(example()))
    eq(load("good.json", Board())["node"], "n1")


def test_data_that_is_no_object_is_refused():
    for data in ([], 5, "text", None, True):
        eq(len(problems(data)), 1)


def test_each_required_key_is_missed_by_name():
    for key in ("node", "wifi", "mqtt", "devices"):
        missing("", key)
    missing("wifi", "ssid")
    missing("mqtt", "brokers")


def test_wrong_types_are_refused():
    refused("node", 5, "5", "text")
    refused("wifi", [], "object")
    refused("mqtt", "broker", "object")
    refused("health", 60, "object")
    refused("devices", {}, "list")
    refused("devices.0", "dht22", "kind")
    refused("mqtt.brokers", "10.0.0.1", "list")
    refused("mqtt.brokers.0", "10.0.0.1", "host")
    refused("mqtt.keepalive", "30", "whole number", "0..65535")
    refused("mqtt.keepalive", 1.5, "whole number")
    refused("mqtt.keepalive", True, "whole number")
    refused("mqtt.clean_session", 1, "true or false")
    refused("devices.1.active_low", "no", "true or false")


def test_an_unknown_key_is_refused_with_the_nearest_name():
    refused("mqtt.keepalve", 30, "keepalive")
    refused("perfix", "x", "prefix")
    refused("devices.0.pins", 4, '"pin"')
    refused("devices.1.every", 4, "unknown", "active_low")
    refused("wifi.colour", "red", "unknown", "hostname, password, ssid")


def test_an_unknown_kind_is_refused_with_the_nearest_name():
    refused("devices.0.kind", "dht2", "dht22")
    refused("devices.0.kind", "zeppelin", "dht22, relay")
    for kind in ("../relay", "devices.relay", "", 5, None, "__init__"):
        data = example()
        data["devices"][1]["kind"] = kind
        eq(len(problems(data)), 1, kind)


def test_a_pin_used_twice_names_both_places():
    refused("devices.2.pin", 16, "devices[1].pin")


def test_pins_that_cannot_be_used_are_refused():
    refused("devices.0.pin", 7, "flash")
    refused("devices.1.pin", 35, "input")
    refused("devices.1.pin", 99, "0..39")
    refused("devices.1.pin", "16", "number")


def test_impossible_intervals_are_refused():
    refused("devices.0.every", 1, "2..535680")
    refused("devices.0.every", 0, "2..535680")
    refused("devices.0.every", 535681, "2..535680")
    refused("health.every", 0, "1..535680")
    refused("health.every", 1000000000, "1..535680")
    refused("watchdog.timeout", 5, "90..3600")
    refused("mqtt.retry_first", 61, "retry_max")
    refused("mqtt.ack_timeout", 0, "1..600")


def test_names_that_break_topics_are_refused():
    for name in ("", "a/b", "a+", "#", "a\0b", "x" * 33, 'a"b', "a\\b", "a\nb", "\ud800", 5):
        refused("node", name, "must be")
        refused("devices.0.name", name, "must be")
    for prefix in ("", "/a", "a/", "a//b", "$SYS", "a/+/b", "#", "x" * 65):
        refused("prefix", prefix, "must be")


def test_a_prefix_may_have_levels_and_names_may_have_umlauts():
    data = example()
    data["prefix"] = "site/floor 2"
    data["node"] = "Gew\u00e4chshaus"
    eq(problems(data), [])


def test_device_names_are_unique_and_leave_the_nodes_own_topics_alone():
    refused("devices.2.name", "fan", "used already")
    for name in ("status", "health", "cmd"):
        refused("devices.0.name", name, "used already")


def test_wifi_and_broker_texts_are_checked():
    refused("wifi.ssid", "", "1..32")
    refused("wifi.ssid", "x" * 33, "1..32")
    refused("wifi.hostname", "-x", "letters")
    refused("wifi.hostname", "under_score", "letters")
    refused("mqtt.brokers.0.host", "tcp://h", "without port")
    refused("mqtt.brokers.0.host", "", "without port")
    refused("mqtt.brokers.0.port", 0, "1..65535")
    refused("mqtt.brokers", [], "1 to 4")
    refused("devices.0.qos", 2, "0..1")
    refused("devices.1.safe", "off", "OFF, ON")


def test_passwords_are_never_shown():
    for key, value in (("wifi", "short"), ("mqtt", 12345)):
        data = example()
        data[key]["password"] = value
        found = problems(data)
        true("***" in found[0] and str(value) not in found[0], found)


def test_a_broker_password_needs_a_user():
    refused("mqtt.password", "x", "username")


def test_an_empty_client_id_needs_a_clean_session():
    refused("mqtt.client_id", "", "clean_session")


def test_without_name_network_or_broker_there_is_nothing_to_go_on_with():
    for group, key, value in (
        (None, "node", "a/b"),
        (None, "wifi", []),
        (None, "mqtt", "broker"),
        ("wifi", "ssid", ""),
        ("wifi", "password", "short"),  # never guessed: "" would join any open network
        ("mqtt", "brokers", []),
        ("mqtt", "brokers", [{"host": "a b"}, {"host": "b", "port": 0}]),
    ):
        data = example()
        (data[group] if group else data)[key] = value
        true(key in raises(ConfigError, check, data, Board()))


def test_a_faulty_setting_gets_its_default_and_that_is_told():
    data = example()
    data["prefix"] = "#"
    data["mqtt"]["keepalive"] = "30 s"
    data["mqtt"]["retry_frist"] = 5
    data["health"] = {"every": 0}
    data["watchdog"] = []
    config = check(data, Board())
    eq((config["prefix"], config["mqtt"]["keepalive"]), ("steadynode", 30))
    eq((config["health"]["every"], config["watchdog"]["timeout"]), (60, 120))
    eq(len(config["problems"]), 5)
    for name, default in (("keepalive", "30"), ("health.every", "60"), ("prefix", "'steadynode'")):
        told = [text for text in config["problems"] if name in text]
        true(told[0].endswith("; the default is used: " + default), told)


def test_settings_that_do_not_fit_together_are_made_to_fit():
    data = example()
    data["mqtt"]["client_id"] = ""
    data["mqtt"]["password"] = "x"
    data["mqtt"]["retry_first"] = 61
    data["watchdog"]["timeout"] = 89
    config = check(data, Board())
    mqtt = config["mqtt"]
    eq((mqtt["client_id"], mqtt["password"], mqtt["retry_first"]), ("n1", None, 60))
    eq((config["watchdog"]["timeout"], len(config["problems"])), (90, 4))


def test_a_device_or_broker_with_any_fault_is_left_out_and_the_others_stay():
    for index, key, value in (
        (0, "kind", "zeppelin"),
        (0, "every", 1),
        (1, "active_lo", True),  # what was meant is unknown, so nothing may be driven
        (2, "pin", 16),
        (2, "name", "fan"),
    ):
        data = example()
        data["devices"][index][key] = value
        data["mqtt"]["brokers"].append({"host": "second", "prot": 1})
        config = check(data, Board())
        names = [entry["name"] for entry in config["devices"]]
        wanted = ["air", "fan", "pump"]
        wanted.pop(index)
        eq(names, wanted)
        eq([entry["index"] for entry in config["devices"]], [0, 1])
        eq([broker["host"] for broker in config["mqtt"]["brokers"]], ["broker"])
        eq(len(config["problems"]), 2)
        for text in config["problems"]:
            true("is left out" in text, text)


def test_all_faults_are_told_at_once():
    data = example()
    data["node"] = ""
    data["mqtt"]["keepalive"] = -1
    data["devices"][0]["pin"] = 6
    eq(len(problems(data)), 3)


def secretive(**keys):
    """A configuration that refers to a secret, on a board that has some."""
    data = example()
    data["wifi"]["password"] = {"nvs": keys.pop("wifi", "wifi_password")}
    data["mqtt"].update({"username": "me", "password": {"nvs": "mqtt_password"}})
    board = Board()
    board.secrets = {"wifi_password": b"secret-9", "mqtt_password": b"p" * 128}
    board.secrets.update(keys)
    return data, board


def test_passwords_are_read_from_the_board_s_own_store():
    data, board = secretive()
    config = check(data, board)
    eq((config["wifi"]["password"], config["mqtt"]["password"]), ("secret-9", "p" * 128))
    eq(config["problems"], [])
    data, board = secretive(wifi_password="pässword".encode())
    eq(check(data, board)["wifi"]["password"], "pässword")


def test_a_secret_that_is_missing_is_named_with_the_way_on():
    data, board = secretive(wifi="nothing_here")
    told = raises(ConfigError, check, data, board)
    for word in ("wifi.password", '"nothing_here"', "flash it again with the secrets"):
        true(word in told, told)
    data, board = secretive(mqtt_password=None)
    config = check(data, board)
    eq(config["mqtt"]["password"], None)
    true('"mqtt_password"' in config["problems"][0], config["problems"])


def test_a_secret_follows_the_rule_of_its_key_and_is_never_told():
    for secret in (b"short", b"s3cr3t\x00s3cr3t", b"s3cr3t\xff\xff", b"s3cr3t" * 12):
        data, board = secretive(wifi_password=secret)
        told = raises(ConfigError, check, data, board)
        true("text of 8..64 bytes" in told and "s3cr3t" not in told and "short" not in told, told)


def test_a_reference_of_another_form_is_refused():
    for value in ({}, {"nvs": ""}, {"nvs": "k" * 16}, {"nvs": 5}, {"nvs": "k", "x": 1}, {"x": "k"}):
        data, board = secretive()
        data["wifi"]["password"] = value
        true('{"nvs": KEY}' in raises(ConfigError, check, data, board))


class Host:
    """A board that only knows its chip: the validator on a computer."""

    chip = "ESP32"

    def kinds(self):
        return []


def test_a_computer_takes_a_reference_by_its_form():
    data, _ = secretive()
    config = check(data, Host())
    eq((config["problems"], config["wifi"]["password"]), ([], {"nvs": "wifi_password"}))
    data["wifi"]["password"] = {"nvs": "k" * 16}
    true("1..15 characters" in raises(ConfigError, check, data, Host()))


def test_what_may_be_a_password_under_a_wrong_name_is_not_told():
    for path, value in (
        ("wifi.pasword", "s3cr3t-99"),
        ("wifi.key", ["s3cr3t-99"]),
        ("mqtt.passwd", "s3cr3t-99"),
        ("mqtt.brokers.0.pw", "s3cr3t-99"),
        ("password", "s3cr3t-99"),
        ("wifi", ["home", "s3cr3t-99"]),
        ("mqtt", "s3cr3t-99"),
        ("wifi.password", "s3cr3t\x00"),
    ):
        data = example()
        at = data
        keys = path.split(".")
        for key in keys[:-1]:
            at = at[int(key) if key.isdigit() else key]
        at[keys[-1]] = value
        found = problems(data)
        true(found and not any("s3cr3t" in text for text in found), found)


def test_safe_mode_is_configured_and_its_button_is_no_device_s():
    config = check(example(), Board())
    eq(config["safe_mode"], {"crashes": 3, "button": None})
    refused("safe_mode.crashes", 0, "1..100")
    refused("safe_mode.button", 6, "flash")
    refused("safe_mode.button", 16, "used already by devices[1].pin")
    refused("safe_mode.buton", 0, '"button"')
    refused("devices.0.name", "crash", "topic of the node itself")
