"""The first program a reader sees, in README.md and docs/mqtt.md, run as it stands there."""

import os
import re
import subprocess

import pytest

from tests.support.runtimes import ROOT


@pytest.mark.parametrize("page", ["README.md", "docs/mqtt.md"])
def test_the_first_program_on_the_page_publishes_and_obeys(
    page, make_broker, make_judge, micropython
):
    broker = make_broker("mosquitto")
    judge = make_judge(broker.port)
    judge.subscribe("porch/hello")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    program = next(block for block in blocks if "porch/hello" in block)
    assert '"192.168.1.10", 1883' in program
    program = program.replace('"192.168.1.10", 1883', f'"127.0.0.1", {broker.port}')
    process = subprocess.Popen(
        [micropython, "-c", program],
        env={"PATH": os.environ["PATH"], "MICROPYPATH": f"{ROOT / 'lib'}:.frozen"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        judge.wait("porch/hello", "I am here")
        judge.publish("porch/lamp/set", "ON")
        assert process.stdout.readline() == b"b'ON'\n"
        assert process.poll() is None, "it runs on"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
