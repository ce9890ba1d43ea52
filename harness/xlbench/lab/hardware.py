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


ACCELERATORS = {"cuda": torch.cuda, "xpu": torch.xpu, "mps": torch.backends.mps}
"""What `auto` looks for, in this order, before the processor; each says whether it is here."""


def choose_device(wanted: str) -> torch.device:
    """`auto` is the first accelerator that torch can use, or else the processor.

    Raises XlbenchError for a device that is not there.
    """
    if wanted == "auto":
        wanted = next((name for name, one in ACCELERATORS.items() if one.is_available()), "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise XlbenchError(f"device {wanted!r} cannot be used here; try --device cpu") from error
    return device


def hardware(device: torch.device) -> dict[str, Json]:
    """Processor, cores, threads and system, as plain data."""
    named = device.type in ("cuda", "xpu")
    return {
        "processor": getattr(torch, device.type).get_device_name(device) if named else _processor(),
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
