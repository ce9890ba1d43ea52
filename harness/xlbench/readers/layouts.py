"""Where the files of a set are: folders of sets, and releases as they are unpacked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench.data import languages
from xlbench.data.codes import to_iso639_3
from xlbench.errors import UnknownNameError

if TYPE_CHECKING:
    from xlbench.contracts import Split

PACKED = (".gz", ".zip", ".bz2", ".xz", ".zst", ".7z")
"""Ends of names of compressed files."""
DEEPEST = 4
"""Folders below the one that is given."""
NAMES: dict[str, Split] = {
    "train": "train", "training": "train", "trn": "train",
    "dev": "dev", "valid": "dev", "validation": "dev", "val": "dev", "devel": "dev",
    "test": "test", "testing": "test", "tst": "test",
}  # fmt: skip
"""What files and folders call the splits, in any case."""
PASSED = ("__MACOSX", "not-to-release")
"""Folders that unpacking leaves behind, and what treebanks keep apart; hidden ones (`.git`) and files (`._x`)
are passed over as well.
"""
TREEBANK = re.compile(r"(?P<bank>[a-z]{2,8}_[a-z0-9]+)-ud-(?P<split>train|dev|test)(?P<part>-[\w-]+)?")


@dataclass(frozen=True)
class Found:
    """A file that may be of a set."""

    path: Path
    split: Split
    language: str
    """ISO 639-3; empty where the names say none."""
    set: str
    """Name of its set, among the others of its place."""
    place: Path
    """The set's folder."""
    other: str = ""
    """Another name of the set."""
    part: bool = False
    """Whether the split comes in several files, of which this is one."""
    unknown: bool = False
    """Whether the names say something that is not a language."""


def find_files(top: Path, suffixes: Sequence[str]) -> Iterator[Found]:
    """Files with one of the suffixes whose names say of which split they are, in order.

    | layout | language | set |
    |---|---|---|
    | `<code>_<name>/{train,dev,test}.*`, `<name>_<code>/`, `<code>/`, `<code>_<Script>/` | folder | folder |
    | `UD_*/<code>_<name>-ud-{train,dev,test}.*` | file | folder |
    | `<code>_<name>-ud-{train,dev,test}.*` | file | `<code>_<name>` |
    | `{train,dev,test}/<code>.*`, `<code>_<name>.*` | file | what is above the folder |
    | `<name>.<split>.<code>.*`, `<split>-<code>.*` | file | the rest |
    | `<name>.<split>.*` | in the file | the rest |
    """
    for folder, files in _walk(top):
        stems = [(place, stem, x) for x in files for place, stem in _stems(x, suffixes)]
        for _, stem, name in sorted(stems):
            if (one := _found(folder / name, stem)) is not None:
                yield one


def packed(top: Path) -> str:
    """The name of a compressed file in a folder; empty where there is none."""
    names = (name for _, files in _walk(top) for name in files)
    return next((x for x in names if x.lower().endswith(PACKED)), "")


def _walk(top: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders, with the names of their files, down to `DEEPEST`."""
    depth = len(top.parts)
    for here, folders, files in os.walk(top, followlinks=True):
        folder = Path(here)
        folders[:] = sorted(x for x in folders if not x.startswith(".") and x not in PASSED)
        if len(folder.parts) - depth >= DEEPEST:
            folders.clear()
        yield folder, sorted(x for x in files if not x.startswith("."))


def _stems(name: str, suffixes: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Which suffix a file's name has, and the name without it; nothing where it has none of them."""
    for place, suffix in enumerate(suffixes):
        if suffix and name.lower().endswith(suffix):
            yield place, name[: -len(suffix)]
        elif not suffix and name in NAMES:
            yield place, name


def _found(path: Path, stem: str) -> Found | None:
    folder = path.parent
    if treebank := TREEBANK.fullmatch(stem):
        return _of_treebank(path, treebank)
    if stem.lower() in NAMES:
        return _of_folder(path, NAMES[stem.lower()])
    tokens = [x for x in re.split(r"[.\-_]", stem) if x]
    splits = [x for x in tokens if x.lower() in NAMES]
    if len(splits) == 1:
        split = NAMES[splits[0].lower()]
        rest = [x for x in tokens if x.lower() not in NAMES]
        place = folder
    elif not splits and folder.resolve().name.lower() in NAMES:
        split, rest, place = NAMES[folder.resolve().name.lower()], tokens, folder.resolve().parent
    elif not splits and len(tokens) == 2 and path.suffix == ".json" and code_in(tokens[1:]):
        split, rest, place = "test", tokens, folder  # `xquad.de.json`
    else:
        return None
    code, own = code_in(rest), _code_of_folder(place)
    if own in languages.codes() and own != code:
        return None  # in a language's own folder, the split alone names its files
    if code:
        rest = [x for x in rest if code_in([x]) != code and not _is_script(x)]
    elif len(rest) == 1 and len(rest[0]) <= 3 and not splits:
        return Found(path, split, "", stem, place, unknown=True)
    return Found(path, split, code, ".".join(rest) or place.resolve().name, place)


def _of_treebank(path: Path, match: re.Match[str]) -> Found:
    """Of a file as Universal Dependencies name it."""
    bank, folder = match["bank"], path.parent
    own = folder.resolve().name
    name = own if own.startswith(("UD_", "UNER_")) else bank
    split = NAMES[match["split"]]
    try:
        code = to_iso639_3(f"ud-treebank:{bank}", languages.codes())
    except UnknownNameError:
        return Found(path, split, "", bank, folder, unknown=True)
    return Found(path, split, code, name, folder, bank, part=match["part"] is not None)


def is_whole(path: Path) -> bool:
    """Whether a file is a whole split of a treebank, by its name."""
    match = TREEBANK.fullmatch(path.stem)
    return match is not None and match["part"] is None


def _of_folder(path: Path, split: Split) -> Found | None:
    """Of a file that is called like its split."""
    folder = path.parent
    name = folder.resolve().name
    code = _code_of_folder(folder)
    return Found(path, split, code, name, folder, unknown=not code)


def _code_of_folder(folder: Path) -> str:
    """The language that a set's folder is named after; empty where it is none."""
    name = folder.resolve().name
    first, _, rest = name.partition("_")
    for text in (first, name, rest.rpartition("_")[2], name.rpartition("-")[2]):
        if code := _code(text):
            return code
    return ""


def code_in(tokens: Sequence[str]) -> str:
    """The one language that parts of a file's name say; empty where they say none or several.

    Whole codes only, and of three letters those of languages that are listed: `old` and `sample` are words.
    """
    found = {}
    for token in tokens:
        low = token.lower()
        code = _code(low) if token == low and re.fullmatch("[a-z]{2,3}", low) else ""
        if code and (len(low) == 2 or code in languages.codes()):
            found[code] = True
    return next(iter(found)) if len(found) == 1 else ""


def _is_script(token: str) -> bool:
    return re.fullmatch("[A-Z][a-z]{3}", token) is not None


@cache
def _code(text: str) -> str:
    try:
        return to_iso639_3(text, languages.codes())
    except UnknownNameError:
        return ""


def unquoted_name(name: str) -> str:
    """A name as it stands in a message, on one line."""
    return "".join(x if x.isprintable() else "?" for x in name)
