"""Files of a finished study that are damaged, missing, foreign or something else than files.

What is promised is docs/reference/results.md: numbers are those of the undamaged study, or what is missing is
said in a line that names the file, and `run` brings it back; nothing that holds something is deleted.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.faults.campaign import (
    RUN,
    STUDY,
    Campaign,
    Row,
    Said,
    exported,
    pages,
    rows,
    shown,
    xlbench,
)

PROMISED = "named and ignored; made again by the next run"
THOROUGH = ("a FIFO", "noise", "a folder", "flip 0", "files", "another study")
"""Ends of the names of faults at which every command is asked."""


@dataclass(eq=False)
class Fault:
    """Something that happens to a folder of results."""

    name: str
    happen: Callable[[Path], Path | None]
    """Do it; returns the file that has to be named where numbers are missing (None: any words will do)."""
    before: Callable[[Path], Callable[[], object]] = lambda _: lambda: None
    """What each command is subject to while it runs."""
    heals: bool = True
    """Whether `run` has to bring everything back."""
    unsaid: bool = False
    """Whether pages alone say what is missing."""
    blocks: bool = False
    """Whether commands may end with 2 and a line."""
    undo: Callable[[Path], object] = lambda _: None
    shaped: bool = False
    """Whether one file is of another content or shape."""


def attempt(campaign: Campaign, fault: Fault) -> str:
    """What was not as promised, in a few words."""
    folder = campaign.place / "spoil"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(campaign.whole, folder, symlinks=True)
    held = _contents(folder)
    problems: list[str] = []
    try:
        named = fault.happen(folder)
        held = _contents(folder) if named is None else held
        before = fault.before(folder)
        said = {
            "show": xlbench(folder, "show", before=before),
            "export": xlbench(folder, "export", "--format", "json", before=before),
        }
        if fault.name.endswith(THOROUGH):  # the others, which read as these do
            for words in (
                ("leaderboard", "--out", "out"),
                ("report", "--out", "out.html"),
                ("plan", *STUDY),
            ):
                said[words[0]] = xlbench(folder, *words, before=partial(_at, campaign.place, before))
        for name, one in said.items():
            problems += _judge(name, one, fault)
        found = rows(said["export"])
        problems += ["NUMBERS differ"] * any(campaign.rows.get(k) != v for k, v in found.items())
        if len(found) < len(campaign.rows) and not fault.unsaid and not _names(said["export"], named):
            problems.append("export: ROWS MISSING unsaid")
        if (
            shown(said["show"], folder) != campaign.shown
            and not fault.unsaid
            and not _names(said["show"], named)
        ):
            problems.append("show: OTHER PAGES unsaid")
        last = xlbench(folder, *RUN, before=before)
        problems += _judge("run", last, fault)
        if fault.heals and not fault.blocks:
            problems += ["run: NOT HEALED"] * (exported(folder) != campaign.rows)
            problems += ["run: PAGES DIFFER"] * (pages(folder) != campaign.pages)
            after = xlbench(folder, "show")
            problems += ["run: SHOWS ANOTHER"] * (shown(after, folder) != campaign.shown)
            problems += [f"run: STILL COMPLAINS ({after.err.strip()})"] * bool(after.err)
        lost = held - _contents(folder)
        if lost and named is None:
            problems.append(f"DELETED {sorted(lost)[:3]}")
    finally:
        fault.undo(folder)
    if problems:
        for name, one in (*said.items(), ("run", last)):
            print(f"      {name}: {one.code} {one.err.strip()[-400:]}", file=sys.stderr)
    return f"{fault.name}: {'; '.join(dict.fromkeys(problems))}" if problems else ""


def _at(place: Path, before: Callable[[], object]) -> None:
    os.chdir(place)
    before()


def _judge(name: str, said: Said, fault: Fault) -> list[str]:
    found = [f"{name}: {x}" for x in said.wrong]
    if name == "run" and said.code and not fault.blocks:
        found.append(f"run: BLOCKED ({said.err.strip()[:200]})")
    return found


def _names(said: Said, path: Path | None) -> bool:
    return bool(said.err) if path is None else path.name in said.err or path.parent.name in said.err


def _contents(folder: Path) -> set[str]:
    """Digests of what files hold."""
    return {
        f"{x.name} {hashlib.sha256(x.read_bytes()).hexdigest()[:12]}"
        for x in folder.rglob("*")
        if x.is_file() and x.parent.name in ("jobs", "foreign") and os.access(x, os.R_OK)
    }


# What happens


def kinds(folder: Path) -> dict[str, list[Path]]:
    """Files of a folder of results, by kind."""
    (adapter,) = folder.glob("adapters/*/")
    (study,) = folder.glob("studies/*/")
    found = {"job": sorted(folder.glob("jobs/*.parquet")), "schema.json": [folder / "schema.json"]}
    found |= {f"adapter {x.name}": [x] for x in sorted(adapter.iterdir())}
    found |= {x.name: [x] for x in sorted(study.iterdir())}
    return found


def _damage(kind: str, change: Callable[[Path], object], pick: int = 0) -> Callable[[Path], Path]:
    def happen(folder: Path) -> Path:
        files = kinds(folder)[kind]
        path = files[pick % len(files)]
        change(path)
        return path

    return happen


def _flip(rng: random.Random) -> Callable[[Path], None]:
    where, bit = rng.random(), rng.randrange(8)

    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(where * len(content))] ^= 1 << bit
        path.write_bytes(content)

    return change


def _replace(path: Path, by: Callable[[Path], object]) -> None:
    path.unlink()
    by(path)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def _foreign(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    _replace(path, lambda x: pq.write_table(pa.table({"a": [1]}), x))


SHAPES: dict[str, Callable[[Path], object]] = {
    "cut off": _cut,
    "empty": lambda x: x.write_bytes(b""),
    "zeros": lambda x: x.write_bytes(bytes(x.stat().st_size)),
    "noise": lambda x: x.write_bytes(random.Random(0).randbytes(x.stat().st_size)),
    "appended to": lambda x: x.write_bytes(x.read_bytes() + b"\n"),
    "missing": Path.unlink,
    "a FIFO": lambda x: _replace(x, os.mkfifo),
    "a folder": lambda x: _replace(x, Path.mkdir),
    "a dangling link": lambda x: _replace(x, lambda y: y.symlink_to("nowhere")),
    "a link to itself": lambda x: _replace(x, lambda y: y.symlink_to(y.name)),
    "a foreign Parquet": _foreign,
    "another JSON": lambda x: x.write_bytes(b'{"a": [1, null]}'),
    "deep JSON": lambda x: x.write_bytes(b"[" * 100_000),
}


def _swap(folder: Path) -> Path:
    one, other = kinds(folder)["job"]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return one


def _copies(folder: Path) -> None:
    one = kinds(folder)["job"][0]
    for name in (f"{one.stem} (1).parquet", f"copy of {one.name}", f"{one.stem.upper()}.parquet"):
        shutil.copy(one, one.with_name(name))


def _other_name(folder: Path) -> Path:
    one, _ = kinds(folder)["job"]
    key, cells = one.stem.split("-")
    copy = one.with_name(f"{key[::-1]}-{cells}.parquet")
    shutil.copy(one, copy)
    return copy


def _same_condition(folder: Path) -> Path:
    one, _ = kinds(folder)["job"]
    key, cells = one.stem.split("-")
    copy = one.with_name(f"{key}-{cells[::-1]}.parquet")
    shutil.copy(one, copy)
    one.unlink()
    return copy


def _strangers(folder: Path) -> None:
    old = time.time() - 10 * 86400
    for place in (folder, *(folder / x for x in ("jobs", "adapters", "studies")), *folder.glob("studies/*/")):
        for name in ("notes.txt", "._x", ".DS_Store", ".backup.2023", "Thumbs.db", "x.parquet", "y.json"):
            path = place / "foreign" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"mine {place.name} {name}")
            shutil.copy(path, place / name)
        hidden = place / ".archive.2024" / "foreign"
        hidden.mkdir(parents=True)
        (hidden / "thesis.txt").write_text("years of work")
        for x in (place / ".backup.2023", hidden.parent):
            os.utime(x, (old, old))


def _strange_pages(folder: Path) -> None:
    for path in sorted((folder / "leaderboard").glob("*.md")):
        path.write_bytes(b"\xff\xfe my own page \x1b[31m" + path.name.encode())


def _strange_adapters(folder: Path) -> Path:
    (adapter,) = folder.glob("adapters/*/")
    (adapter / ".DS_Store").write_bytes(b"finder")
    (adapter / "model_head.safetensors").write_bytes(b"?")
    return adapter / ".DS_Store"


def _renamed_adapter(folder: Path) -> Path:
    (adapter,) = folder.glob("adapters/*/")
    about = json.loads((adapter / "xlbench.json").read_text())
    about["identity"]["seed"] = 99
    (adapter / "xlbench.json").write_text(json.dumps(about))
    return adapter


def _other_subwords(folder: Path) -> Path:
    """Those of another study, as `cp` gives them."""
    (study,) = folder.glob("studies/*/")
    from xlbench.results import studies, subwords

    found = studies.unsealed((study / subwords.NAME).read_bytes())
    for one in found["tasks"].values():
        one["tests"] = {k: v + 1 for k, v in one["tests"].items()}
        one["text"] = {k: v + 1 for k, v in one["text"].items()}
    if "study" in found:
        found["study"] = "0123456789ab"
    (study / subwords.NAME).write_bytes(studies.sealed(found))
    return study / subwords.NAME


def _other_plan(folder: Path) -> Path:
    (study,) = folder.glob("studies/*/")
    shutil.copytree(study, study.with_name("0123456789ab"))
    return study.with_name("0123456789ab") / "plan.json"


def _unreadable(folder: Path) -> Path:
    path = kinds(folder)["job"][0]
    path.chmod(0)
    return path


def _few_files(_: Path) -> Callable[[], object]:
    def before() -> None:
        held = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(held) + 2, max(held) + 2))

    return before


def _read_only(folder: Path) -> None:
    for path in (folder, *(x for x in folder.rglob("*") if x.is_dir())):
        path.chmod(0o555)


def _writable(folder: Path) -> None:
    for path in (folder, *(x for x in folder.rglob("*") if x.is_dir())):
        path.chmod(0o755)


def faults(rounds: int, rng: random.Random, whole: Path) -> Iterator[Fault]:
    """All of them."""
    for kind in kinds(whole):
        for number in range(rounds):
            yield Fault(f"{kind}: bit flip {number}", _damage(kind, _flip(rng), number), shaped=True)
        for name, change in SHAPES.items():
            unsaid = name == "missing" and kind == "job"
            yield Fault(f"{kind}: {name}", _damage(kind, change), unsaid=unsaid, shaped=True)
    yield Fault("two job files swapped", _swap)
    yield Fault("job file: copies with names of their own", _copies)
    yield Fault("job file: a copy under another condition", _other_name)
    yield Fault("job file: under the name of other cells", _same_condition)
    yield Fault("foreign files in every folder", _strangers)
    yield Fault("pages of others in the leaderboard's folder", _strange_pages, heals=False)
    yield Fault("adapter: foreign files in its folder", _strange_adapters)
    yield Fault("adapter: of another identity", _renamed_adapter)
    yield Fault("subwords.json of another study", _other_subwords)
    yield Fault("a study under another's id", _other_plan, heals=False)
    if os.geteuid() != 0:
        yield Fault("job file: permission denied", _unreadable, blocks=True)
        yield Fault("folder: read-only", lambda x: _read_only(x), undo=_writable, heals=False)
    yield Fault("too many open files", lambda _: None, before=_few_files, blocks=True)


def measured(campaign: Campaign, rounds: int, rng: random.Random) -> Iterator[Row]:
    """Every fault, one after the other, `rounds` bit flips of each file."""
    found = list(faults(rounds, rng, campaign.whole))
    tried = dict(zip(found, campaign.each(found, attempt), strict=True))
    named = list(kinds(campaign.whole))
    shapes = f"{rounds} flipped bits, {', '.join(SHAPES)}"
    for kind in named:
        own = [x for fault, x in tried.items() if fault.name.startswith(f"{kind}: ") and fault.shaped]
        yield Row(f"{kind}: {shapes}", PROMISED, len(own), tuple(x for x in own if x))
    others = {fault: x for fault, x in tried.items() if not fault.shaped}
    names = "; ".join(x.name for x in others)
    yield Row(names, PROMISED, len(others), tuple(x for x in others.values() if x))
