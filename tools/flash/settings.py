"""The node's config.json on its way to the board: checked by the node's own code, secrets apart.

A secret goes into the board's key-value store (NVS) instead of the file when the node can read it
from there; in the file then stands {"nvs": KEY} in its place. Namespace and keys are below; values
are blobs, which is all that MicroPython's esp32.NVS reads.
"""

from __future__ import annotations

import copy
import io
from pathlib import Path

from esp_idf_nvs_partition_gen import nvs_partition_gen

from tools.deploy import Trouble
from tools.deploy.settings import faults, faults_anywhere, parse

from .chips import Chip

NAMESPACE = "steadynode"
SECRETS = {("wifi", "password"): "wifi_password", ("mqtt", "password"): "mqtt_password"}


def read(path: Path) -> dict:
    """The configuration as it stands in the file. Trouble with every fault that the node would find
    in it on any chip."""
    try:
        data = parse(path.read_bytes(), str(path))
    except OSError as error:
        raise Trouble(
            f"{path} cannot be read: {error.strerror}. Copy config.example.json to it, put in your "
            "Wi-Fi and broker, and name it: CONFIG=config.json"
        ) from None
    _refuse(path, faults_anywhere(data))
    return data


def check(data: dict, path: Path, chip: Chip) -> None:
    """Trouble with every fault that the node would find in `data`, read from `path`, on this
    chip."""
    _refuse(path, faults(data, chip.machine)[0])


def _refuse(path: Path, problems: list[str]) -> None:
    if problems:
        lines = "".join(f"\n    {problem}" for problem in problems)
        raise Trouble(
            f"{path} has {len(problems)} fault(s); nothing was written:{lines}\nEvery key, its "
            "range and default: docs/configuration.md"
        )


def node_reads_nvs(data: dict, chip: Chip) -> bool:
    """Whether the node accepts {"nvs": KEY} for the secrets of this (faultless) configuration."""
    public, secrets = split(data)
    return not secrets or not faults(public, chip.machine)[0]


def split(data: dict) -> tuple[dict, dict[str, bytes]]:
    """(the configuration with references in place of its secrets, key -> secret)."""
    public = copy.deepcopy(data)
    secrets = {}
    for (group, name), key in SECRETS.items():
        value = public.get(group, {}).get(name)
        if isinstance(value, dict):
            raise Trouble(
                f"{group}.{name} refers to a secret on the board, but flashing writes the board's "
                "secrets anew. Put the secret itself into the file; it is moved for you."
            )
        if isinstance(value, str) and value:
            secrets[key] = value.encode()
            public[group][name] = {"nvs": key}
    return public, secrets


def nvs_image(secrets: dict[str, bytes], size: int) -> bytes:
    """An NVS partition of `size` bytes that holds these and nothing else."""
    file = io.BytesIO()
    # One page less: closing adds the empty one that NVS needs to write to.
    store = nvs_partition_gen.nvs_open(file, size - 4096, version=nvs_partition_gen.Page.VERSION2)
    nvs_partition_gen.write_entry(store, NAMESPACE, "namespace", "", "")
    for key, value in secrets.items():
        nvs_partition_gen.write_entry(store, key, "data", "hex2bin", value.hex())
    nvs_partition_gen.nvs_close(store)
    return file.getvalue().ljust(size, b"\xff")
