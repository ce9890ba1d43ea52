"""Names of weights in PyTorch's pickled files, read without unpickling anything."""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from importlib.metadata import version
from pathlib import Path

from xlbench.errors import ModelError

SAFE_SINCE = "2.6"
"""The torch whose `weights_only` runs no code of a file (CVE-2025-32434)."""
PARTS = 4
"""Pickles at the start of files before torch 1.6; the fourth has the names."""


def names(path: Path, where: str) -> list[str]:
    """All text in a file's pickles, names of weights among it, in order.

    Nothing is run: operations are looked at, not done. Raises ModelError for a file that is none of torch's,
    and where the installed torch is too old to read it safely.
    """
    from packaging.version import Version

    if Version(version("torch")) < Version(SAFE_SINCE):
        raise ModelError(
            f"{where}: {path.name} is pickled, which torch {version('torch')} cannot read safely; install "
            "torch "
            f"{SAFE_SINCE} or newer, or save the adapter as safetensors"
        )
    found: list[str] = []
    try:
        for part in _pickles(path):
            for operation, argument, _ in pickletools.genops(part):
                if "UNICODE" in operation.name and isinstance(argument, str):
                    found.append(argument)
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        zipfile.BadZipFile,
        pickle.UnpicklingError,
        NotImplementedError,
    ):
        raise ModelError(f"{where}: {path.name} is not a file of torch, or truncated; get it again") from None
    return found


def _pickles(path: Path) -> list[io.BytesIO]:
    """What has to be looked at, one after the other; of old files a stream that goes on where one ended."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            inside = next((x for x in archive.namelist() if x.endswith("data.pkl")), None)
            if inside is None:
                raise ValueError("no data.pkl")
            return [io.BytesIO(archive.read(inside))]
    stream = io.BytesIO(path.read_bytes())
    return [stream] * PARTS
