"""What is written to a board, made and checked without one: images, tables, files, secrets."""

import json

import pytest
from esptool.targets import CHIP_DEFS
from littlefs import LittleFS

from tests.support import flashboard
from tests.support.flashboard import APPLICATION, STANDARD, firmware, nvs_blobs, partition_table
from tools.deploy import Trouble
from tools.flash import chips, image, nodefiles, partitions, plan, settings
from tools.sizes.__main__ import SEGMENT

MB = 1 << 20


def table(*rows):
    return partitions.parse(partition_table((*STANDARD, *rows)), "it")


@pytest.mark.parametrize("key", chips.CHIPS)
def test_the_table_of_chips_agrees_with_esptool(key):
    row, theirs = chips.CHIPS[key], CHIP_DEFS[key]
    assert row.name == theirs.CHIP_NAME
    assert (row.offset, row.image) == (theirs.BOOTLOADER_FLASH_OFFSET, theirs.IMAGE_CHIP_ID)
    assert row.machine == key.upper()


def test_the_published_heap_segment_is_the_table_s_less_the_collector_s_own_part():
    assert 0.97 < SEGMENT / chips.CHIPS["esp32"].heap < 0.98


@pytest.mark.parametrize("key", chips.CHIPS)
def test_an_image_of_each_chip_is_known_by_what_is_in_it(key):
    found = image.check(firmware(key), "x.bin")
    assert (found.chip, found.version) == (chips.CHIPS[key], "1.29.0")
    assert [row.label for row in found.table] == ["nvs", "phy_init", "factory"]


def test_a_real_image_of_the_esp32_is_read():
    found = image.load(flashboard.ESP32_IMAGE)
    assert (found.chip.name, found.version) == ("ESP32", "1.25.0")
    files = partitions.files(list(found.table), 4 * MB)
    assert (files.offset, files.size) == (2 * MB, 2 * MB)


@pytest.mark.parametrize("size", [0, 10, 100, 3000, 0x7100, 0x7C00, 0x10000, 0x20000])
def test_an_image_that_was_cut_short_is_refused_wherever_it_ends(size):
    whole = flashboard.ESP32_IMAGE.read_bytes()
    with pytest.raises(Trouble, match="damaged or cut short|cut short, or|no ESP32 image"):
        image.check(whole[:size], "x.bin")
    with pytest.raises(Trouble, match="cut short: application"):
        image.check(whole[: -1 - size], "x.bin")


@pytest.mark.parametrize("at", [0x400, 0x7008, 0xF400, -1])
def test_a_single_wrong_bit_in_an_image_is_found(at):
    data = bytearray(firmware())
    data[at] ^= 4
    with pytest.raises(Trouble, match="damaged"):
        image.check(bytes(data), "x.bin")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<html>404</html>" * 9, "no ESP32 image"),
        (b"UF2\n" * 20, "UF2 file; take the .bin"),
        (firmware()[0xF000:], "application alone .*ESP32_GENERIC-<date>-v<version>.bin"),
        (firmware(banner="Tasmota "), "not MicroPython"),
        (firmware(version="1.23.0"), r"MicroPython 1.23.0; the node needs 1.24 or later"),
        (firmware()[:12] + b"\x10\x00" + firmware()[14:], "chip with id 16, .* It runs on ESP32,"),
    ],
)
def test_what_is_no_image_for_the_node_is_refused_with_the_way_on(data, says):
    with pytest.raises(Trouble, match=says):
        image.check(data, "x.bin")


def test_a_preview_has_a_version_too():
    assert image.check(firmware(version="1.30.0-preview.12.g0123abc"), "x").version[:6] == "1.30.0"


@pytest.mark.parametrize(
    ("flash", "rows", "offset", "size"),
    [
        (4 * MB, [APPLICATION], 2 * MB, 2 * MB),
        (8 * MB, [APPLICATION], 2 * MB, 6 * MB),
        (4 * MB, [("a", 0, 16, 0x10000, 0x180000), ("b", 0, 17, 0x190000, 0x180000)], 0x310000,
         0xF0000),
        (2 * MB, [("factory", 0, 0, 0x10000, 0x160000)], 0x170000, 0x90000),
        (16 * MB, [APPLICATION, ("vfs", 1, 0x81, 2 * MB, 2 * MB)], 2 * MB, 2 * MB),
    ],
)  # fmt: skip
def test_the_files_lie_in_their_row_or_else_from_the_last_partition_to_the_end(
    flash, rows, offset, size
):
    files = partitions.files(table(*rows), flash)
    assert (files.offset, files.size) == (offset, size)


@pytest.mark.parametrize(
    ("flash", "rows", "says"),
    [
        (MB, [APPLICATION], r'\(1 MB\) is too small: .*"factory" ends at 2 MB'),
        (2 * MB, [APPLICATION], "leaves 0 bytes for files"),
        (4 * MB, [APPLICATION, ("vfs", 1, 0x81, 2 * MB, 6 * MB)], '"vfs" ends at 8 MB'),
        (4 * MB, [APPLICATION, ("ffat", 1, 0x81, 2 * MB, 2 * MB)], "FAT"),
    ],
)
def test_a_flash_that_the_files_do_not_fit_on_is_refused(flash, rows, says):
    with pytest.raises(Trouble, match=says):
        partitions.files(table(*rows), flash)


def test_a_damaged_partition_table_is_not_believed():
    raw = bytearray(partition_table([*STANDARD, APPLICATION]))
    raw[40] ^= 1
    with pytest.raises(Trouble, match="it: its partition table is damaged"):
        partitions.parse(bytes(raw), "it")
    with pytest.raises(Trouble, match="no partition table at 0x8000"):
        partitions.parse(b"\xff" * partitions.SIZE, "it")


def test_the_littlefs_image_is_as_large_as_its_partition_and_holds_the_files():
    files = {"main.py": b"print(1)\n", "lib/node/app.mpy": bytes(range(256)) * 40, "empty": b""}
    data = nodefiles.littlefs(files, 64 * 4096)
    assert len(data) == 64 * 4096
    system = LittleFS(block_size=4096, block_count=64, mount=False)
    system.context.buffer = bytearray(data)
    system.mount()
    for name, content in files.items():
        with system.open(name, "rb") as file:
            assert file.read() == content
    assert nodefiles.state(data[:4096], 64 * 4096) == nodefiles.KEPT
    assert nodefiles.state(data[:4096], 128 * 4096) == nodefiles.FOREIGN


def test_files_that_do_not_fit_are_told_with_their_size_and_the_room():
    with pytest.raises(Trouble, match=r"1 files, 70,000 bytes\) does not fit into the 64 KB"):
        nodefiles.littlefs({"big": b"x" * 70000}, 64 << 10)


def test_secrets_are_taken_out_of_the_configuration_and_read_back_from_the_nvs_image():
    data = {
        "node": "a",
        "wifi": {"ssid": "home", "password": "pässword"},
        "mqtt": {"password": "x" * 128},
    }
    before = json.dumps(data)
    public, secrets = settings.split(data)
    assert json.dumps(data) == before
    assert public["wifi"] == {"ssid": "home", "password": {"nvs": "wifi_password"}}
    assert public["mqtt"] == {"password": {"nvs": "mqtt_password"}}
    raw = settings.nvs_image(secrets, 0x6000)
    assert len(raw) == 0x6000
    assert nvs_blobs(raw) == {
        ("steadynode", "wifi_password"): "pässword".encode(),
        ("steadynode", "mqtt_password"): b"x" * 128,
    }


def test_an_open_network_and_no_broker_password_leave_nothing_to_hide():
    data = {"wifi": {"password": ""}, "mqtt": {"password": None}}
    assert settings.split(data) == (data, {})
    assert nvs_blobs(settings.nvs_image({}, 0x6000)) == {}


def test_a_reference_without_its_secret_is_refused():
    with pytest.raises(Trouble, match="wifi.password refers to a secret .* Put the secret itself"):
        settings.split({"wifi": {"password": {"nvs": "wifi_password"}}})


def test_secrets_go_to_the_nvs_only_if_the_node_accepts_their_references(monkeypatch):
    asked = []

    def faults(data, chip):
        asked.append((data["wifi"]["password"], chip))
        return (["wifi.password: no"] if chip == "ESP32C3" else []), True

    monkeypatch.setattr(settings, "faults", faults)
    data = {"wifi": {"password": "change-me"}}
    assert settings.node_reads_nvs(data, chips.CHIPS["esp32"])
    assert not settings.node_reads_nvs(data, chips.CHIPS["esp32c3"])
    assert asked[0] == ({"nvs": "wifi_password"}, "ESP32")


def test_pieces_that_overlap_are_refused():
    rows = (*STANDARD, APPLICATION, ("vfs", 1, 0x81, 0x20000, MB))
    found = image.check(firmware(rows=rows), "x.bin")
    with pytest.raises(Trouble, match=r"firmware \(to 0x\w+\) would reach into files"):
        plan.pieces(found, plan.Node({"main.py": b""}, None), list(found.table), 4 * MB)
