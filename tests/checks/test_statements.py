"""Every normative statement of MQTT 3.1.1 that binds a client is named by a test.

Numbers of the OASIS standard; a test names one as `MQTT-3.1.0-1` or as a bare `3.1.0-1` after it.
WebSocket statements bind once that transport exists.
"""

import re

from tests.checks.sources import ROOT

STATEMENTS = """
1.5.3-1 1.5.3-2 1.5.3-3 2.2.2-1 2.2.2-2 2.3.1-1 2.3.1-2 2.3.1-3 2.3.1-4 2.3.1-5 2.3.1-6 2.3.1-7
3.1.0-1 3.1.0-2 3.1.2-4 3.1.2-6 3.1.2-8 3.1.2-9 3.1.2-11 3.1.2-13 3.1.2-14 3.1.2-15 3.1.2-18
3.1.2-19 3.1.2-20 3.1.2-21 3.1.2-22 3.1.2-23 3.1.3-1 3.1.3-2 3.1.3-3 3.1.3-4 3.1.3-6 3.1.3-7
3.1.3-10 3.1.3-11 3.2.0-1 3.2.2-2 3.2.2-4 3.3.1-1 3.3.1-2 3.3.1-4 3.3.2-1 3.3.2-2 3.3.4-1 3.6.1-1
3.8.1-1 3.8.3-1 3.8.3-3 3.8.3-4 3.8.4-6 3.9.3-2 3.10.1-1 3.10.3-1 3.10.3-2 3.14.1-1 3.14.4-1
3.14.4-2 4.1.0-1 4.1.0-2 4.3.1-1 4.3.2-1 4.3.2-2 4.3.3-1 4.3.3-2 4.4.0-1 4.5.0-2 4.6.0-1 4.6.0-2
4.6.0-3 4.6.0-4 4.7.1-1 4.7.1-2 4.7.1-3 4.7.3-1 4.7.3-2 4.7.3-3 4.7.3-4 4.8.0-1 4.8.0-2 7.0.0-2
7.1.2-1
"""


def test_every_statement_that_binds_a_client_is_named_by_a_test():
    folders = (ROOT / "tests/pure", ROOT / "tests/broker", ROOT / "tests/support/pure")
    text = "".join(path.read_text() for folder in folders for path in folder.glob("*.py"))
    named = set(re.findall(r"\b\d\.\d{1,2}\.\d-\d{1,2}\b", text))
    assert set(STATEMENTS.split()) - named == set()


def test_no_test_names_a_statement_that_does_not_bind_a_client():
    text = "".join(path.read_text() for path in (ROOT / "tests/pure").glob("test_mqtt_*.py"))
    named = set(re.findall(r"\b[1-7]\.\d{1,2}\.\d-\d{1,2}\b", text))
    assert named - set(STATEMENTS.split()) == set()
