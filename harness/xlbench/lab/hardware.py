"""What the Lab runs on: chosen, and described for provenance."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from xlbench.errors import XlbenchError

if TYPE_CHECKING:
    from xlbench.contracts import Json


def choose_device(wanted: str) -> torch.device:
    """`auto` is the best there is. Raises XlbenchError for one that is not there."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise XlbenchError(f"device {wanted!r} cannot be used here; try --device cpu") from error
    return device


def hardware(device: torch.device) -> dict[str, Json]:
    """Processor, cores, threads and system, as plain data."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (x.split(":", 1)[1].strip() for x in lines if x.startswith("model name"))
    return next(names, platform.machine())
