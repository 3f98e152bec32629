"""No bytes from the network and no order of calls make lib/ raise, hang or move the heap.

Here a bounded number of inputs; `make fuzz` goes on for as long as one likes. What atheris is not
built for (anything but Linux on x86_64) is left out by name.
"""

import importlib.util
import re
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.paths import CORPUS, FOLDERS, LONGEST, ROOT, TARGETS, inputs, load
from tests.support import runtimes
from tests.support.pure_plugin import leave_out

targets = load()
RUNS = {"parser": 6000, "text": 10000, "client": 2500, "command": 15000}
TIMEOUT_S = 600

# Bytes as a program: an operation and its arguments, again and again; long ones are rare otherwise.
OPERATION = st.builds(
    lambda first, rest: bytes([first, *rest]),
    st.integers(0, 63),
    st.lists(st.integers(0, 255), max_size=3),
)
PROGRAM = st.builds(
    lambda flags, operations: bytes(flags) + b"".join(operations),
    st.lists(st.integers(0, 255), min_size=2, max_size=2),
    st.lists(OPERATION, max_size=60),
)
WORDS = st.sampled_from(
    [b"ON", b"OFF", b"TOGGLE", b'"state"', b'"for"', b":", b",", b"{", b"}", b'"', b" ", b"\n"]
    + [b"1", b"0", b"2592000", b"2592001", b"-", b".5", b"e3", b"\xff", b"\\u004f", b"null"]
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=LONGEST))
def test_any_bytes_are_the_same_packets_however_they_are_cut(data):
    targets.parser(data)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=80), st.text(alphabet="ab/+#$\0\ufeff\ud7ff", max_size=30)))
def test_any_text_filter_and_topic_is_what_the_judge_says(data):
    data = data if isinstance(data, bytes) else data.encode()
    targets.text(bytes([len(data) // 2]) + data)


@settings(max_examples=300, deadline=None)
@given(PROGRAM)
def test_any_operations_and_any_broker_leave_a_client_that_works(data):
    targets.client(data)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=100), st.lists(WORDS, max_size=12).map(b"".join)))
def test_any_command_is_refused_or_read_as_the_judge_reads_it(data):
    targets.command(data)


@pytest.mark.parametrize("target", TARGETS)
def test_a_guided_search_finds_nothing(target, tmp_path):
    if importlib.util.find_spec("atheris") is None:
        leave_out("the search guided by coverage: atheris has wheels for Linux x86_64 only")
    command = [sys.executable, "-m", "tests.fuzz.one", target, f"-runs={RUNS[target]}"]
    command += [f"-max_len={LONGEST}", "-timeout=10", "-seed=1", f"-artifact_prefix={tmp_path}/"]
    command += [str(tmp_path / "found"), str(CORPUS / target)]
    (tmp_path / "found").mkdir()
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, errors="replace"
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert re.search(rf"Done {RUNS[target]} runs", done.stderr), done.stderr[-2000:]


def replayed(runtime, lib, tmp_path, every=1):
    """What tests/fuzz/replay.py printed about the corpus (each `every`-th of it) with that lib/."""
    corpus = [(target, name, data) for target in TARGETS for name, data in inputs(target)][::every]
    (tmp_path / "corpus_data.py").write_text(f"INPUTS = {corpus!r}\n")
    folders = [tmp_path, FOLDERS[0], FOLDERS[1], lib]
    code = "import corpus_data, replay\nreplay.run(corpus_data.INPUTS)"
    finished = runtimes.run_code(runtime, code, folders, TIMEOUT_S)
    return len(corpus), finished.output.strip().splitlines()


@pytest.mark.parametrize("runtime", runtimes.NAMES)
def test_no_input_of_the_corpus_raises_or_moves_the_heap(runtime, tmp_path):
    try:  # a share of it on the slow 32-bit build, where looking at the heap takes its time
        count, said = replayed(runtime, ROOT / "lib", tmp_path, 3 if runtime == "wasm" else 1)
    except runtimes.Missing as missing:
        leave_out(f"the corpus on {runtime}: {missing}")
    assert count > 60
    assert said[-1] == f"replayed {count}, failed 0, grown 0", "\n".join(said[-20:])


# One line of lib/mqtt each; the corpus alone has to notice.
BROKEN = (
    ("parser.py", "if n > p.total - p.got:", "if False:"),
    ("parser.py", "(buf[_STAGE + at] & 127)", "buf[_STAGE + at]"),
    ("parser.py", "length <= p.short and", ""),
    ("receiving.py", "c.acks_to <= c.acks_full", "c.acks_to <= c.acks_full + 99"),
    ("delivery.py", "m.judged = topic_ok(m.buf, m.topic_start, m.topic_end)", "m.judged = True"),
    ("message.py", "if length < 3:", "if length < 0:"),
    ("makeroom.py", "if at > o.at[j] and len(o.buf) - at < own:", "if False:"),
    ("outbox.py", "o.inflight -= 1", "pass"),
    ("events.py", "lost(c.outbox)", "pass"),
    ("publishing.py", "packet_id and o.inflight >= c.max_inflight", "False"),
    ("sending.py", "c.state == _UP and c.outbox.passed == c.outbox.count", "c.state == _UP"),
    ("sending.py", "        _cut(c, o, i)\n", "        pass\n"),
    ("subscriptions.py", "self.ids[i] = 0\n                self.awaiting -= 1", "self.ids[i] = 0"),
    ("topics.py", "if start < end and buf[start] == c:", "if buf[start] == c:"),
)


@pytest.mark.parametrize(("file", "old", "new"), BROKEN)
def test_the_corpus_alone_notices_a_broken_line(file, old, new, tmp_path):
    lib = tmp_path / "lib"
    shutil.copytree(ROOT / "lib", lib, ignore=shutil.ignore_patterns("__pycache__"))
    source = (lib / "mqtt" / file).read_text()
    assert old in source, f"{file} has no {old!r} any more"
    (lib / "mqtt" / file).write_text(source.replace(old, new))
    _, said = replayed("cpython", lib, tmp_path)
    assert not said or not said[-1].endswith("failed 0, grown 0"), said[-1:]


@pytest.mark.parametrize("runtime", ["unix", "wasm"])
def test_the_corpus_alone_notices_an_allocation(runtime, tmp_path):
    lib = tmp_path / "lib"
    shutil.copytree(ROOT / "lib", lib, ignore=shutil.ignore_patterns("__pycache__"))
    source = (lib / "mqtt/receiving.py").read_text()
    assert source.count("c.heard = c.now") == 1
    (lib / "mqtt/receiving.py").write_text(
        source.replace("c.heard = c.now", "c.heard = [c.now][0]")
    )
    try:
        count, said = replayed(runtime, lib, tmp_path, 40)
    except runtimes.Missing as missing:
        leave_out(f"the corpus on {runtime}: {missing}")
    assert re.fullmatch(rf"replayed {count}, failed 0, grown [1-9]\d*", said[-1]), said[-3:]
