"""Whose the files of a folder of leaderboards are, and what a page is called there.

A page's first line is a comment that says whose it is, what it is about and what was found. Without it, a
file is someone else's: it is left alone, and no page takes its name. Two pages that would have one name, as
of two checkpoints of one folder name, have a digest of what they are about in it, both of them, whichever
came first.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xlbench.files.disk import put
from xlbench.output import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PICTURES = "pictures"
_MARK = re.compile(r"<!-- xlbench (\{.*\}) -->")
_FINGERPRINT = re.compile(r"\bfingerprint ([0-9a-f]{8,})")
_NAMES = ("probe", "task", "model", "says")
_LONGEST = 120
"""Characters of a file's name before its digest."""
_FIRST = 1 << 16
_SIGNED = b"Software\0xlbench"
_SIGNED_SVG = b"<!-- Software: xlbench -->"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page is about. Pages of one subject replace each other; no others do."""

    probe: str
    task: str
    model: str
    identity: str = ""
    """Digest of what the names do not say: weights, data, text. Pages of earlier versions say none."""
    fingerprint: str = ""
    """Of the model."""

    @property
    def stem(self) -> str:
        """Name of its files where no other subject has it."""
        return slug(f"{self.probe}-{self.task}-{self.model}")[:_LONGEST].rstrip("-.")

    @property
    def short(self) -> str:
        """8 hexadecimal digits."""
        text = "\0".join((self.probe, self.task, self.model, self.identity or self.fingerprint))
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]

    @property
    def long_stem(self) -> str:
        """Name of its files where another subject would have the same."""
        return f"{self.stem}-{self.short}"

    @property
    def place(self) -> str:
        """`stem`, for file systems to which upper and lower case are one."""
        return self.stem.casefold()

    def is_(self, other: Subject) -> bool:
        """Whether both are one; of pages of earlier versions the model's fingerprint decides."""
        if (self.probe, self.task, self.model) != (other.probe, other.task, other.model):
            return False
        if self.identity and other.identity:
            return self.identity == other.identity
        return self.fingerprint == other.fingerprint


@dataclass(frozen=True, slots=True)
class Stored:
    """One of our pages."""

    path: Path
    subject: Subject
    says: str
    facts: Mapping[str, str] = field(default_factory=dict)
    """All that its first line says."""


def stored(out: Path) -> list[Stored]:
    """Our pages in a folder, sorted by name. Raises OSError where it cannot be listed."""
    return [found for path in sorted(out.glob("*.md")) if (found := _read(path)) is not None]


def stem(out: Path, subject: Subject, others: list[Subject]) -> str:
    """Name of a subject's files, beside `others` that are written now. Our own pages that are in its way, or
    that are this subject's under another name, are moved. Raises OSError.
    """
    there = stored(out)
    mine = [x for x in there if subject.is_(x.subject)]
    rivals = [x for x in there if not subject.is_(x.subject) and x.subject.place == subject.place]
    clash = bool(rivals) or any(x.place == subject.place and not subject.is_(x) for x in others)
    ours = {x.path.name.casefold() for x in there}
    if not clash:
        clash = any(
            path.name.casefold() not in ours and path.stem.casefold() == subject.place
            for path in out.glob("*.md")
        )
    if not clash:
        clash = any(not owned(path, subject.stem) for path in pictures(out, subject.stem))
    for one in rivals:
        if one.path.stem.casefold() == subject.place:
            _move(one.path, one.subject.long_stem)
    chosen = subject.long_stem if clash else subject.stem
    for one in mine:
        if one.path.stem != chosen:
            _move(one.path, chosen)
    return chosen


def pictures(out: Path, stem: str) -> Iterator[Path]:
    """Files that are called as a page's pictures are."""
    wanted = re.compile(rf"{re.escape(stem)}-(\d+)\.(png|svg)", re.IGNORECASE)
    yield from (path for path in sorted((out / PICTURES).glob("*.*")) if wanted.fullmatch(path.name))


def mark(facts: Mapping[str, str]) -> str:
    """The comment of a first line; "--" would end it early."""
    return f"<!-- xlbench {json.dumps(dict(facts)).replace('--', '-' + chr(92) + 'u002d')} -->"


def page_mark(subject: Subject, says: str, found: Mapping[str, str] | None = None) -> str:
    """The comment of a page; `found` is what the index needs besides."""
    facts = {"probe": subject.probe, "task": subject.task, "model": subject.model, "says": brief(says, 400)}
    return mark(facts | ({"identity": subject.identity} if subject.identity else {}) | dict(found or {}))


def marked(path: Path) -> dict[str, str] | None:
    """What a file's first line says, where it is ours; None otherwise, whatever it is."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            first = file.read(_FIRST).partition(b"\n")[0].decode()
        found = _MARK.fullmatch(first.rstrip("\r"))
        facts = json.loads(found[1]) if found else None
    except (OSError, ValueError, RecursionError):
        return None
    whole = isinstance(facts, dict) and all(isinstance(x, str) for x in facts.values())
    return facts if whole else None


def sign(picture: bytes) -> bytes:
    """A PNG that says who made it, right after its header; an SVG that says so first."""
    if not picture.startswith(b"\x89PNG"):
        return _SIGNED_SVG + b"\n" + picture
    end = 8 + 25
    check = struct.pack(">I", zlib.crc32(b"tEXt" + _SIGNED))
    return picture[:end] + struct.pack(">I", len(_SIGNED)) + b"tEXt" + _SIGNED + check + picture[end:]


def owned(picture: Path, stem: str) -> bool:
    """Whether a picture is that of our page of this name: it is signed, or the page shows it."""
    try:
        if not picture.is_file():
            return False
        with picture.open("rb") as file:
            start = file.read(128)
            if _SIGNED in start or start.startswith(_SIGNED_SVG):
                return True
        page = picture.parent.parent / f"{stem}.md"
        return marked(page) is not None and _link(picture) in page.read_bytes()
    except OSError:
        return False


def _link(picture: Path) -> bytes:
    return f"({PICTURES}/{picture.name})".encode()


def slug(text: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")


def _read(path: Path) -> Stored | None:
    facts = marked(path)
    if facts is None or not set(_NAMES) <= facts.keys():
        return None
    fingerprint = ""
    if "identity" not in facts:
        found = _FINGERPRINT.search(path.read_bytes().decode(errors="replace"))
        fingerprint = found[1] if found else ""
    about = Subject(facts["probe"], facts["task"], facts["model"], facts.get("identity", ""), fingerprint)
    return Stored(path, about, facts["says"], facts)


def _move(path: Path, stem: str) -> None:
    """Give a page and its pictures another name."""
    text = path.read_bytes()
    for picture in list(pictures(path.parent, path.stem)):
        if owned(picture, path.stem):
            moved = picture.with_name(f"{stem}-{picture.stem.rpartition('-')[2]}{picture.suffix}")
            text = text.replace(_link(picture), _link(moved))
            picture.replace(moved)
    put(path.with_name(f"{stem}.md"), text)
    path.unlink()
