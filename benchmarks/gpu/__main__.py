"""What a GPU gives, in one command without a network: prints its table last and keeps all in one folder.

    python -m benchmarks.gpu OUT [--device auto] [--minutes 8] [--quick]
        [--checkpoint FOLDER --data FOLDER... --text FOLDER --language ISO --train ISO --targets ISO,ISO,...]

One study's scores on the CPU and on the device; tokens per second of the engine beside a bare PyTorch loop
and the device's matrix rate; peaks of memory; the time of a study of the size of arXiv 2403.20088 by
extrapolation. Without a checkpoint, a 12 x 384 model of random weights is made; a 12 x 768 model with a
vocabulary of 250,002 always is. What does not fit in --minutes is left out, and the table says so. `--quick`
is for seeing that it runs, on a CPU too. For a machine without the libraries and without a network, see
`python -m benchmarks.gpu.carry --help`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks import made, overhead
from benchmarks.gpu import agreement, paper, speed
from benchmarks.gpu.material import Material, Size
from benchmarks.machine import describe
from benchmarks.tables import table
from xlbench.lab.hardware import choose_device, hardware

WHOLE = Size(limit=400, chunk=512, steps=20, train=480, rounds=3, matrix=8192)
QUICK = Size(limit=8, chunk=32, steps=2)


class Report:
    """Parts measured one after the other, written as they come."""

    def __init__(self, out: Path, minutes: float) -> None:
        self._out, self._end, self._start = out, time.monotonic() + 60 * minutes, time.monotonic()
        self.figures: dict[str, Any] = {}
        out.mkdir(parents=True, exist_ok=True)

    def left(self) -> float:
        """Seconds."""
        return self._end - time.monotonic()

    def part(self, name: str, needs: float, work: Callable[[], dict[str, Any]]) -> None:
        """Do it where `needs` seconds are left, and keep what it gives, or why it gave nothing."""
        if self.left() < needs:
            found: dict[str, Any] = {"left out": f"{needs:.0f} s were not left"}
        else:
            start = time.monotonic()
            try:
                found = work()
            except Exception as error:  # a machine is lent for minutes: the other parts are worth having
                traceback.print_exc()
                found = {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}
            found["seconds to measure"] = round(time.monotonic() - start)
        self.figures[name] = found
        print(f"{time.monotonic() - self._start:.0f} s: {name}", file=sys.stderr, flush=True)
        (self._out / "gpu.json").write_text(json.dumps(self.figures, indent=2) + "\n", "utf-8")
        (self._out / "gpu.md").write_text(self.text(), "utf-8")

    def text(self) -> str:
        """All tables."""
        return "\n".join(table(name, found) for name, found in self.figures.items()).lstrip() + "\n"

    @property
    def failed(self) -> bool:
        """Whether a part failed."""
        return any("failed" in found for found in self.figures.values())


def measure(report: Report, folder: Path, given: Material | None, device: str, *, quick: bool) -> None:
    """All parts; those that others need come first."""
    here = choose_device(device)
    report.part("machine", 0, lambda: {**describe(torch.get_num_threads()), "device": _named(here)})
    size = QUICK if quick else WHOLE
    small = given or Material.at_random(
        folder / "small", made.shape("2x64" if quick else "12x384"), size.limit
    )
    fewer = size._replace(limit=min(size.limit, 40), chunk=min(size.chunk, 128), steps=min(size.steps, 10))
    report.part(
        "agreement", 90, lambda: agreement.measure(folder / "agreement", small, here.type, fewer)
    )  # fmt: skip
    each: dict[str, float] = {}
    report.part("bookkeeping", 10, lambda: _overhead(folder / "overhead", each))

    def speeds(model: str, material: Material, name: str) -> dict[str, Any]:
        found, costs = speed.measure(folder / model, material, device, name, size)
        return {
            **found,
            "paper-sized study": paper.extrapolated(costs, each.get("overhead"), size.chunk),
        }

    for name in speed.ARITHMETIC:
        report.part(f"{_said(small)}, {name}", 40, partial(speeds, "small speed", small, name))
    report.part(
        f"{_said(small)}, evaluation", 30,
        lambda: speed.budgets(folder / "small speed", small, device, size),
    )  # fmt: skip
    if report.left() > 60:
        shape = made.shape("2x96x300" if quick else "12x768x250002")
        large = Material.at_random(folder / "large", shape, size.limit)
        for name in ("bfloat16", "TF32", "float32"):
            report.part(f"{_said(large)}, {name}", 50, partial(speeds, "large", large, name))


def _overhead(folder: Path, each: dict[str, float]) -> dict[str, Any]:
    found = overhead.measure(folder, part=38, store_every=10)
    each["overhead"] = found["overhead_ms_a_cell"] / 1000
    return found


def _said(material: Material) -> str:
    shape = material.shape
    return f"{shape.layers} x {shape.hidden}, vocabulary {shape.vocabulary:,}"


def _named(device: torch.device) -> str:
    return f"{device}: {hardware(device)['processor']}"


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("out", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--data", nargs="+", default=[])
    parser.add_argument("--text", type=Path)
    parser.add_argument("--language", help="the transfer language, ISO 639-3")
    parser.add_argument("--train", help="the language that the task adapter is trained on")
    parser.add_argument("--targets", help="with commas between them")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--quick", action="store_true")
    said = parser.parse_args()
    parts = (said.checkpoint, said.data, said.text, said.language, said.train, said.targets)
    if any(parts) and not all(parts):
        parser.error("--checkpoint, --data, --text, --language, --train and --targets go together")
    given = Material.given(*parts) if all(parts) else None
    report = Report(said.out, said.minutes)
    with tempfile.TemporaryDirectory() as folder:
        measure(report, Path(folder), given, said.device, quick=said.quick)
    print(report.text(), end="")
    sys.exit(report.failed)


if __name__ == "__main__":
    main()
