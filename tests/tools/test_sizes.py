"""`make check` sees what grows, and docs/sizes.md says what a program's own sizes cost."""

import ast
import re
from dataclasses import replace

import pytest

from tests.support.pure_plugin import leave_out
from tests.support.runtimes import Missing
from tools.build import mpy
from tools.sizes import __main__ as command
from tools.sizes import page
from tools.sizes.code import bytecode
from tools.sizes.measuring import FLASH, HEAP, Account, Measures, compile_lib, heap

TEXT = page.PAGE.read_text(encoding="utf-8")
NODE = "the whole node, after 50 minutes"


def measures(**other):
    """Such as the page might have: each size is 20,000."""
    account = Account(total=20000, code=9000, names=2000, functions=100)
    return Measures(dict.fromkeys(FLASH + HEAP, 20000) | other, {"lib/mqtt imported": account})


@pytest.fixture
def a_page(tmp_path, monkeypatch):
    """docs/sizes.md with the figures of measures(); the place where the command finds it."""
    path = tmp_path / "sizes.md"
    path.write_text(page.written(TEXT, measures(), measures()), encoding="utf-8")
    monkeypatch.setattr(command, "PAGE", path)
    monkeypatch.setattr(command, "ROOT", tmp_path)
    return path


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """A folder with lib/ compiled module by module."""
    folder = tmp_path_factory.mktemp("lib")
    compile_lib(folder)
    return folder


def held(modules, *stages):
    """Bytes of heap after the last of `stages`, calls of probe.py."""
    try:
        return heap([(stage, "") for stage in stages], modules)[-1]
    except Missing as missing:
        return leave_out(f"sizes on 32 bits: {missing}")


def test_the_page_has_every_size_and_what_is_wanted():
    assert list(page.said(TEXT))[: len(FLASH + HEAP)] == list(FLASH + HEAP)
    for text, wanted in page.AIMS.items():
        assert re.search(rf"^\| {re.escape(text)} \|.*\| {wanted:,} \|$", TEXT, re.MULTILINE)


def test_what_is_written_is_read_again():
    changed = page.written(TEXT, measures(), measures(**{NODE: 12345}))
    assert page.said(changed)[NODE] == (20000, 12345)
    assert page.said(changed)["lib/mqtt"] == (20000, 20000)
    assert "| lib/mqtt imported, as built | 100 | 9,000 | 2,000 | 9,000 | 20,000 |" in changed
    with pytest.raises(ValueError, match=r"must have the line '<!-- measured: sizes -->' once"):
        page.written("nothing", measures(), measures())


@pytest.mark.parametrize("by", [101, -101, 4000])
def test_a_size_that_moved_is_told_with_both_figures_and_the_way_on(a_page, capsys, by):
    assert command.check(measures(), measures(**{NODE: 20000 + by})) == 1
    said = capsys.readouterr().err
    assert f"{NODE}, as built: {20000 + by:,} instead of 20,000: {by:+,} bytes" in said
    assert "make sizes ARGS=--write" in said


def test_what_is_within_half_a_percent_or_64_bytes_passes(a_page, capsys):
    assert command.check(measures(), measures(**{NODE: 20100, "lib/mqtt": 19900})) == 0
    assert "as they are" in capsys.readouterr().out
    assert page.tolerance(1000) == 64 and page.tolerance(40000) == 200


def test_a_size_that_the_page_does_not_have_is_told(a_page, capsys):
    a_page.write_text(a_page.read_text().replace("| lib/mqtt's fronts |", "| fronts |"))
    assert command.check(measures(), measures()) == 1
    assert "lib/mqtt's fronts, as built: 20,000; the page does not have it" in (
        capsys.readouterr().err
    )


def test_a_node_too_large_for_the_first_segment_fails_whatever_the_page_says(a_page, capsys):
    large = measures(**{NODE: 50001})
    a_page.write_text(page.written(TEXT, measures(), large), encoding="utf-8")
    assert command.check(measures(), large) == 1
    assert "must shrink by 1:" in capsys.readouterr().err


def test_an_account_is_whole():
    account = Account(total=100, code=40, names=25, functions=3)
    assert account.rest == 35
    assert replace(account, total=200).rest == 135


def test_the_bytecode_of_a_file_is_that_of_its_functions(tmp_path):
    source = (
        "X = 1000000\n\n\ndef f(a):\n    return a, b'text', 1.5, (1, 'two')\n\n\n"
        "class C:\n    def m(self):\n        return lambda: self\n"
    )
    mpy.compile_file(source, tmp_path / "one.mpy", "one.py")
    data = (tmp_path / "one.mpy").read_bytes()
    functions, size = bytecode(data)
    defined = (ast.FunctionDef, ast.ClassDef, ast.Lambda)
    assert functions == 1 + sum(isinstance(n, defined) for n in ast.walk(ast.parse(source)))
    assert sum(each for _, each in mpy.frames(source)) < size < len(data)
    with pytest.raises(ValueError, match="2 bytes behind the code"):
        bytecode(data + b"xx")


def test_every_module_of_lib_is_read_to_its_last_byte(modules):
    files = list(modules.rglob("*.mpy"))
    assert len(files) > 40
    assert all(bytecode(path.read_bytes())[1] > 0 for path in files)


def test_set_up_modules_that_are_forgotten_are_given_back(modules):
    connected, _, before = held(modules, "run_client()")
    forgotten, _, after = held(modules, "run_client()", "forget()")
    assert set(before) - set(after) == {"mqtt.options"}
    assert forgotten < connected - 1000


# The arguments of run_client(), more of one of them, and what docs/sizes.md says of it.
USUAL = {"rx_size": 512, "tx_size": 512, "inflight": 8, "subscriptions": 8, "held": 32}


@pytest.mark.parametrize(
    "name, more, each",
    [
        ("rx_size", 1024, 1),
        ("tx_size", 1024, 1 + 32 / 64),
        ("inflight", 64, 32),
        ("subscriptions", 64, 28),
        ("held", 256, 4),
    ],
)
def test_a_size_costs_what_the_page_says(modules, name, more, each):
    call = "run_client(" + "{rx_size}, {tx_size}, {inflight}, {subscriptions}, {held})"
    usual, _, _ = held(modules, call.format(**USUAL))
    larger, _, _ = held(modules, call.format(**USUAL | {name: USUAL[name] + more}))
    # Each list ends in a block of 16 bytes.
    assert abs(larger - usual - more * each) <= 8 * 16, (larger - usual) / more
