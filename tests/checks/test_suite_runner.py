"""The three-runtime runner reports failures for what they are, on every runtime."""

import os
import subprocess
import sys

import pytest

from tests.support import runtimes
from tests.support.pure_plugin import leave_out

pytestmark = pytest.mark.parametrize("runtime", runtimes.NAMES)


def run(runtime, folder, source, tests, timeout=60):
    path = folder / "test_sample.py"
    path.write_text(source)
    try:
        return runtimes.run_file(runtime, path, tests, timeout)
    except runtimes.Missing as missing:
        return leave_out(f"the suite's own tests on {runtime}: {missing}")


def test_a_failing_assertion_fails_its_own_test_only_and_shows_the_traceback(runtime, tmp_path):
    source = "def test_a():\n    assert 1 == 2\ndef test_b():\n    print('fine')\n"
    results = run(runtime, tmp_path, source, ("test_a", "test_b"))
    assert "AssertionError" in results.failure_of("test_a")
    assert "line 2" in results.failure_of("test_a")
    assert results.failure_of("test_b") is None


def test_what_a_failing_test_printed_is_kept_even_without_a_newline(runtime, tmp_path):
    source = "def test_a():\n    print('seen', end='')\n    raise ValueError('why')\n"
    why = run(runtime, tmp_path, source, ("test_a",)).failure_of("test_a")
    assert "seen" in why and "ValueError: why" in why


def test_a_file_that_cannot_be_imported_fails_every_test(runtime, tmp_path):
    source = "import no_such_module\ndef test_a():\n    pass\n"
    why = run(runtime, tmp_path, source, ("test_a",)).failure_of("test_a")
    assert "no_such_module" in why


DEATHS = {
    "cpython": "import os; os._exit(0)",  # an exit code of 0 must not deceive
    "unix": "import os; os.system('kill -9 $PPID')",
    "wasm": "import js; js.process.exit(0)",
}


def test_a_file_that_dies_half_way_fails_every_test(runtime, tmp_path):
    source = f"def test_a():\n    pass\ndef test_b():\n    print('last')\n    {DEATHS[runtime]}\n"
    results = run(runtime, tmp_path, source, ("test_a", "test_b"))
    for test in ("test_a", "test_b"):
        assert "died with exit code" in results.failure_of(test)
        assert "last" in results.failure_of(test)


def test_a_file_that_hangs_fails_every_test(runtime, tmp_path):
    source = "def test_a():\n    pass\ndef test_b():\n    while True:\n        pass\n"
    results = run(runtime, tmp_path, source, ("test_a", "test_b"), timeout=1)
    for test in ("test_a", "test_b"):
        assert "ended after 1 s" in results.failure_of(test)


def test_a_test_that_is_named_but_absent_fails(runtime, tmp_path):
    results = run(runtime, tmp_path, "def test_a():\n    pass\n", ("test_a", "test_ghost"))
    assert results.failure_of("test_a") is None
    assert "test_ghost" in results.failure_of("test_ghost")


def test_pytest_reports_each_runtime_as_its_own_test(runtime, tmp_path):
    folder = tmp_path / "pure"
    folder.mkdir()
    (folder / "test_sample.py").write_text(
        "def test_good():\n    pass\ndef test_bad():\n    raise ValueError('shown')\n"
    )
    done = run_pytest(folder, {"CI": "true"})
    assert done.returncode == 1, done.stdout
    assert f"test_sample.py::test_good[{runtime}] PASSED" in done.stdout
    assert f"test_sample.py::test_bad[{runtime}] FAILED" in done.stdout
    assert f"on {runtime}:" in done.stdout and "ValueError: shown" in done.stdout
    assert "3 failed, 3 passed" in done.stdout


def test_an_absent_runtime_is_a_failure_in_ci_and_a_named_skip_elsewhere(
    runtime, tmp_path, monkeypatch
):
    if runtime == "cpython":
        assert run(runtime, tmp_path, "def test_a():\n    pass\n", ("test_a",)).passed
        return  # the host's own Python cannot be absent
    monkeypatch.setenv("MICROPYTHON", str(tmp_path / "nowhere"))
    monkeypatch.setattr(runtimes, "WASM", tmp_path)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="missing with CI=true"):
        run(runtime, tmp_path, "def test_a():\n    pass\n", ("test_a",))
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="left out"):
        run(runtime, tmp_path, "def test_a():\n    pass\n", ("test_a",))


def test_what_was_left_out_is_named_at_the_end(runtime, tmp_path):
    folder = tmp_path / "pure"
    folder.mkdir()
    (folder / "test_sample.py").write_text("def test_good():\n    pass\n")
    missing = {"CI": "", "MICROPYTHON": str(tmp_path / "nowhere")}
    done = run_pytest(folder, missing)
    assert done.returncode == 0, done.stdout
    left_out = f"LEFT OUT: the suite on {runtime}: no MicroPython Unix port at "
    assert (left_out in done.stdout) == (runtime == "unix")


def run_pytest(folder, environment):
    command = [sys.executable, "-m", "pytest", "-v", "-c", str(runtimes.ROOT / "pyproject.toml")]
    command += ["-p", "tests.support.pure_plugin", "-p", "no:cacheprovider", str(folder)]
    environment = {**os.environ, **environment}
    return subprocess.run(
        command, cwd=runtimes.ROOT, capture_output=True, text=True, env=environment
    )
