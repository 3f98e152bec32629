"""Images from the download site, here a server on the loopback: by version, checked, cached."""

import hashlib
import http.server
import threading

import pytest

from tests.support.flashboard import Board, firmware, flash
from tools.deploy import Trouble
from tools.flash.download import Site

BOARD = "ESP32_GENERIC"
NAME = f"{BOARD}-20260824-v1.29.0.bin"
IMAGE = firmware()


class Web:
    """A site on the loopback. `pages`: path -> content, or (content, length that is promised)."""

    def __init__(self):
        self.pages = {}
        self.asked = []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                web.asked.append(self.path)
                if self.path not in web.pages:
                    self.send_error(404)
                    return
                found = web.pages[self.path]
                data, promised = found if isinstance(found, tuple) else (found, len(found))
                self.send_response(200)
                self.send_header("Content-Length", str(promised))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def base(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def offer(self, *names, data=IMAGE):
        links = "".join(f'<li><a href="/resources/firmware/{name}">it</a></li>' for name in names)
        self.pages[f"/download/{BOARD}/"] = f"<html><ul>{links}</ul></html>".encode()
        for name in names:
            self.pages[f"/resources/firmware/{name}"] = data

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def web():
    site = Web()
    yield site
    site.stop()


def get(web, cache, version="1.29.0", variant=""):
    seen = []
    path = Site(web.base, cache).get(BOARD, variant, version, lambda *done: seen.append(done))
    return path, seen


def test_an_image_is_found_by_board_and_version_and_its_progress_is_told(web, tmp_path):
    web.offer(f"{BOARD}-20260406-v1.28.0.bin", f"{BOARD}-SPIRAM-20260824-v1.29.0.bin", NAME)
    path, seen = get(web, tmp_path)
    assert path == tmp_path / NAME
    assert path.read_bytes() == IMAGE
    assert seen[-1] == (len(IMAGE), len(IMAGE))
    assert get(web, tmp_path, variant="SPIRAM")[0].name == f"{BOARD}-SPIRAM-20260824-v1.29.0.bin"


def test_make_flash_takes_the_version_for_the_chip_that_it_finds(web):
    web.offer(NAME)
    with Board() as board:
        code, said = flash(board, None, "--firmware", "v1.29.0", "--site", web.base)
        assert code == 0, said
        assert "MicroPython 1.29.0 for ESP32: " in said and NAME in said
        assert board.flash.data[0x1000 : 0x1000 + len(IMAGE)] == IMAGE
        asked = len(board.commands)
        code, said = flash(board, None, "--firmware", "1.0.0", "--site", web.base)
        assert code == 1 and "no ESP32_GENERIC of version 1.0.0" in said
        assert "FLASH_DEFL_BEGIN" not in board.commands[asked:]


def test_what_was_downloaded_once_needs_no_network(web, tmp_path):
    web.offer(NAME)
    get(web, tmp_path)
    asked = list(web.asked)
    path, seen = get(web, tmp_path)
    assert (path.name, seen, web.asked) == (NAME, [], asked)


def test_a_file_that_was_damaged_in_the_cache_is_downloaded_again(web, tmp_path):
    web.offer(NAME)
    (tmp_path / NAME).write_bytes(IMAGE[:-1])
    path, seen = get(web, tmp_path)
    assert path.read_bytes() == IMAGE
    assert seen


def test_the_checksum_is_compared_where_the_site_gives_one(web, tmp_path):
    web.offer(NAME, NAME + ".sha256")
    sums = f"/resources/firmware/{NAME}.sha256"
    web.pages[sums] = hashlib.sha256(b"another").hexdigest().encode()
    with pytest.raises(Trouble, match="not the file of the site's SHA-256"):
        get(web, tmp_path)
    assert list(tmp_path.iterdir()) == []
    web.pages[sums] = f"{hashlib.sha256(IMAGE).hexdigest()}  {NAME}\n".encode()
    assert get(web, tmp_path)[0].is_file()


def test_a_transfer_that_breaks_off_leaves_nothing_in_the_cache(web, tmp_path):
    web.offer(NAME)
    web.pages[f"/resources/firmware/{NAME}"] = (IMAGE[:5000], len(IMAGE))
    with pytest.raises(Trouble, match=r"cannot be downloaded .* 5000 .*FIRMWARE=/path/to/ESP32"):
        get(web, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_page_instead_of_an_image_is_refused_and_not_kept(web, tmp_path):
    web.offer(NAME, data=b"<html>come back later</html>")
    with pytest.raises(Trouble, match="no ESP32 image"):
        get(web, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_told_with_the_way_round(web, tmp_path):
    (tmp_path / "file").write_text("")
    web.offer(NAME)
    with pytest.raises(Trouble, match=r"(?s)cannot be kept in .*ARGS='--cache FOLDER'"):
        get(web, tmp_path / "file" / "cache")


def test_a_version_that_is_not_there_is_told_with_those_that_are(web, tmp_path):
    web.offer(f"{BOARD}-20250415-v1.25.0.bin", NAME)
    with pytest.raises(Trouble, match=r"no ESP32_GENERIC of version 1.99.0. It has 1.29.0, 1.25.0"):
        get(web, tmp_path, "1.99.0")
    with pytest.raises(Trouble, match="It has none of this name"):
        get(web, tmp_path, variant="XYZ")


def test_without_the_site_it_says_how_to_go_on_by_hand(web, tmp_path):
    with pytest.raises(Trouble, match=r"answers 404 .*elsewhere from http.*/download/ESP32_GEN"):
        get(web, tmp_path)
    web.server.server_close()
    web.server.shutdown()
    with pytest.raises(Trouble, match="(?i)cannot be downloaded .*refused.* FIRMWARE="):
        get(web, tmp_path)
