"""Put into a folder what a machine with a GPU and without a network needs to run `python -m benchmarks.gpu`.

    python -m benchmarks.gpu.carry FOLDER [--checkpoint FOLDER] [--lacking NAME,...] [--python 3.12]
        [--most MB]

Wheels of the packages that the machine lacks, in the versions that are installed here, and of xlbench itself;
--checkpoint adds a copy of that checkpoint in float16. On the machine, in a copy of this repository:

    python3 -m pip install --no-index --no-deps --no-compile --target SITE FOLDER/wheels/*.whl
    PYTHONPATH=SITE USE_FLAX=0 python3 -m benchmarks.gpu OUT
"""

from __future__ import annotations

import argparse
import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import REPOSITORY

LACKING = (
    "adapters", "datasets", "dill", "huggingface-hub", "langcodes", "language-data", "marisa-trie",
    "multiprocess", "tokenizers", "tomli-w", "transformers",
)  # fmt: skip
"""Of a machine with PyTorch and the usual libraries. No report is drawn there: vl-convert is not needed."""
PLATFORMS = tuple(f"manylinux{x}_x86_64" for x in ("_2_28", "_2_24", "_2_17", "2014", "_2_5", "1"))
MEGABYTE = 1_000_000


def download(folder: Path, names: Sequence[str], python: str) -> None:
    """Wheels of these packages as installed here, for another Python on 64-bit Linux."""
    wanted = [f"{name}=={importlib.metadata.version(name)}" for name in names]
    _pip(
        "download", "--no-deps", "--only-binary=:all:", "--implementation=cp", f"--python-version={python}",
        *(f"--platform={x}" for x in PLATFORMS), f"--dest={folder}", *wanted,
    )  # fmt: skip


def own(folder: Path) -> None:
    """The wheel of xlbench as it is here."""
    _pip("wheel", "--no-deps", f"--wheel-dir={folder}", str(REPOSITORY))


def halved(checkpoint: Path, folder: Path) -> None:
    """A checkpoint's files, with its weights in float16."""
    from safetensors.torch import load_file, save_file

    folder.mkdir(parents=True)
    for path in checkpoint.iterdir():
        if path.suffix == ".safetensors":
            weights = {name: x.half() for name, x in load_file(path).items()}
            save_file(weights, folder / path.name, metadata={"format": "pt"})
        elif path.is_file():
            shutil.copyfile(path, folder / path.name)


def size(folder: Path) -> float:
    """Of all files, in MB."""
    return sum(x.stat().st_size for x in folder.rglob("*") if x.is_file()) / MEGABYTE


def _pip(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *words], check=True)


def main() -> None:
    """Fill the folder, and say how large it is."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu.carry", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lacking", default=",".join(LACKING), help="default: %(default)s")
    parser.add_argument("--python", default="3.12", help="the machine's Python (default: %(default)s)")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--most", type=float, default=60, help="MB in all (default: %(default)s)")
    said = parser.parse_args()
    wheels, weights = said.folder / "wheels", said.folder / "checkpoint"
    for old in (wheels, weights):  # two versions of one package cannot be installed together
        shutil.rmtree(old, ignore_errors=True)
    wheels.mkdir(parents=True)
    download(wheels, said.lacking.split(","), said.python)
    own(wheels)
    if said.checkpoint is not None:
        halved(said.checkpoint, weights)
    for path in sorted(said.folder.iterdir()):
        print(f"{path}: {size(path) if path.is_dir() else path.stat().st_size / MEGABYTE:.1f} MB")
    if (total := size(said.folder)) > said.most:
        sys.exit(f"{said.folder}: {total:.1f} MB, more than --most {said.most:g}; take a smaller checkpoint")


if __name__ == "__main__":
    main()
