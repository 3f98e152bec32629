"""docs/hardware.md says of each pin what the node does with it; the drawing shows the example."""

import json
import re
import xml.etree.ElementTree as ET

import pytest

from node.pins import pin_caution, pin_problem
from tests.tools.board import ROOT
from tools.deploy.settings import CHIPS

PAGE = (ROOT / "docs" / "hardware.md").read_text()


def rows():
    """chip -> its four cells."""
    found = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0] in CHIPS:
            found[cells[0]] = cells[1:]
    return found


def pins(text):
    """The numbers and ranges in a cell."""
    found = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", text):
        found.update(range(int(first), int(last or first) + 1))
    return found


@pytest.mark.parametrize("chip", CHIPS)
def test_the_page_tells_of_each_pin_what_the_node_does_with_it(chip):
    good, strapping, console, refused = map(pins, rows()[chip])
    assert len(good) >= 8
    for pin in good:
        assert (pin_problem(chip, pin, True), pin_caution(chip, pin)) == ("", ""), pin
    for pin in strapping:
        assert pin_problem(chip, pin, True) == "" and "at reset" in pin_caution(chip, pin), pin
    for pin in console:
        assert pin_problem(chip, pin, True) == "" and "console" in pin_caution(chip, pin), pin
    every = {pin for pin in range(64) if "0.." not in pin_problem(chip, pin, True)}
    assert {pin for pin in every if pin_problem(chip, pin, True)} <= refused
    assert all(pin_problem(chip, pin, True) for pin in refused)
    warned = {pin for pin in every if pin_caution(chip, pin) and not pin_problem(chip, pin, True)}
    assert warned == strapping | console


def test_the_pins_it_suggests_are_good_ones():
    sentence = re.search(r"For sensor and two relays, say: (.*)\.", PAGE)[1]
    suggested = 0
    for numbers, chips in re.findall(r"([\d, ]+) \(([^)]+)\)", sentence):
        for chip in chips.split(", "):
            good = pins(rows()["ESP32" + chip.removeprefix("ESP32")][0])
            suggested += len(pins(numbers) & good)
    assert suggested == 3 * len(CHIPS)


def test_the_drawing_is_well_formed_shows_the_pins_of_the_example_and_has_a_dark_dress():
    drawing = ROOT / "docs" / "wiring.svg"
    said = " ".join(ET.parse(drawing).getroot().itertext())
    for device in json.loads((ROOT / "config.example.json").read_text())["devices"]:
        assert f"GPIO {device['pin']}" in said
    style = re.search(r"<style>(.*?)</style>", drawing.read_text(), re.DOTALL)[1]
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for name in re.findall(r"(?m)^\.([\w.]+)", light):
        assert name == "wire" or f".{name}" in dark, f".{name} has no colour in the dark"
    assert "](wiring.svg)" in PAGE
