"""MicroPython images from the download site, by board and version, kept in a cache.

The site's page of a board (BASE/download/ESP32_GENERIC/) links its images by name, board, variant,
date and version: ESP32_GENERIC-SPIRAM-20260824-v1.29.0.bin. So the date need not be known. Where
the page also links NAME.sha256, that checksum is compared; every image carries its own hashes as
well (image.py). Nothing unchecked gets into the cache, and what is in it needs no network.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import platformdirs

from tools.deploy import Trouble

from . import image

BASE = "https://micropython.org"
TIMEOUT_S = 30
LARGEST = 32 << 20
_CHUNK = 1 << 16

Progress = Callable[[int, int], None]  # bytes so far, bytes in all (0: not told)


def cache_folder() -> Path:
    """Where images are kept: the user's cache folder (XDG_CACHE_HOME on Linux)."""
    return Path(platformdirs.user_cache_dir("steadynode")) / "firmware"


class Site:
    """The download site at `base`, and the folder `cache` in front of it."""

    def __init__(self, base: str = BASE, cache: Path | None = None) -> None:
        self.base = base.rstrip("/")
        self.cache = cache or cache_folder()

    def get(self, board: str, variant: str, version: str, progress: Progress) -> Path:
        """The image as a checked file of the cache. Trouble if it cannot be had."""
        stem = f"{board}-{variant}" if variant else board
        pattern = re.compile(rf"{re.escape(stem)}-(\d{{8}})-v{re.escape(version)}\.bin")
        kept = self._kept(pattern)
        if kept is not None:
            return kept
        page = f"{self.base}/download/{board}/"
        try:
            links = self._links(page)
            url = _newest(links, pattern)
            if url is None:
                raise Trouble(_not_there(stem, version, links, page))
            data = self._fetch(url, progress)
            self._compare(url, links, data)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Trouble(
                f"{stem} {version} cannot be downloaded from {self.base}: {_reason(error)}. Try "
                f"again later, or download it elsewhere from {page} and name the file: "
                f"FIRMWARE=/path/to/{stem}-<date>-v{version}.bin"
            ) from None
        try:
            return self._keep(url, data)
        except OSError as error:
            raise Trouble(
                f"the image cannot be kept in {self.cache}: {error.strerror}. Make room or mend "
                "the rights there, or name another folder: ARGS='--cache FOLDER'"
            ) from None

    def _kept(self, pattern: re.Pattern) -> Path | None:
        for path in sorted(self.cache.glob("*.bin"), reverse=True):
            if pattern.fullmatch(path.name):
                try:
                    image.load(path)
                    return path
                except Trouble:  # damaged on the disk: as good as not there
                    path.unlink()
        return None

    def _links(self, page: str) -> list[str]:
        text = self._fetch(page, lambda done, total: None).decode("utf-8", "replace")
        return [urllib.parse.urljoin(page, link) for link in re.findall(r'href="([^"]+)"', text)]

    def _fetch(self, url: str, progress: Progress) -> bytes:
        request = urllib.request.Request(url, headers={"User-Agent": "steadynode-flash"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            data = bytearray()
            while chunk := answer.read(_CHUNK):
                data += chunk
                if len(data) > LARGEST:
                    raise ValueError(f"{url} is larger than {LARGEST >> 20} MB")
                progress(len(data), total)
        if total and len(data) != total:
            raise ValueError(f"the transfer ended after {len(data)} of {total} bytes")
        return bytes(data)

    def _compare(self, url: str, links: list[str], data: bytes) -> None:
        if url + ".sha256" not in links:
            return
        text = self._fetch(url + ".sha256", lambda done, total: None).decode("ascii", "replace")
        told = re.search(r"\b[0-9a-fA-F]{64}\b", text)
        if told is None or told[0].lower() != hashlib.sha256(data).hexdigest():
            raise ValueError("it is not the file of the site's SHA-256")

    def _keep(self, url: str, data: bytes) -> Path:
        name = url.rsplit("/", 1)[1]
        image.check(data, name)
        self.cache.mkdir(parents=True, exist_ok=True)
        path = self.cache / name
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(data)
        part.replace(path)
        return path


def _newest(links: list[str], pattern: re.Pattern) -> str | None:
    right = [link for link in links if pattern.fullmatch(link.rsplit("/", 1)[1])]
    return max(right, key=lambda link: link.rsplit("/", 1)[1], default=None)


def _not_there(stem: str, version: str, links: list[str], page: str) -> str:
    pattern = re.compile(rf"{re.escape(stem)}-\d{{8}}-v(\d+(?:\.\d+)+)\.bin")
    found = {match[1] for link in links if (match := pattern.search(link))}
    newest = sorted(found, key=lambda text: [int(part) for part in text.split(".")], reverse=True)
    there = f"It has {', '.join(newest[:5])}." if newest else "It has none of this name at all."
    return f"{page} has no {stem} of version {version}. {there} Choose one with FIRMWARE=."


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.url} answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    if isinstance(error, http.client.IncompleteRead):
        return f"the transfer broke off after {len(error.partial)} bytes"
    return str(error) or type(error).__name__
