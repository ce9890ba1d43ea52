"""Unlabelled text in a folder of `<code>.txt`, one sentence per line, or as FLORES-200 is unpacked."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench.data import domains
from xlbench.data.codes import to_iso639_3
from xlbench.errors import DataError, UnknownNameError
from xlbench.files import content

if TYPE_CHECKING:
    from xlbench.contracts import Language

CR_ALONE = (
    "a CR without LF: lines end in CR alone (classic Mac OS), or a stray one is within a line; "
    "convert the file, such as with tr '\\r' '\\n'"
)
"""What is wrong with a line, after its place: read on, lines would be one line in silence."""


_PAGE = re.compile(r"\s*(<!doctype html|<html\b|<\?xml\b)", re.IGNORECASE)


def stand_in(text: str) -> str:
    """What is in a file instead of its data, determined from its beginning; empty where nothing says so."""
    if text.startswith("version https://git-lfs.github.com/spec/"):
        return "a pointer of Git LFS, not the data (git lfs pull)"
    return "a web page, not the data" if _PAGE.match(text) else ""


def utf16(raw: bytes) -> str:
    """Says so where bytes begin as UTF-16 does."""
    return "UTF-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ""


@dataclass(frozen=True)
class FolderCorpus:
    """A Corpus over text files; `read_folder` makes it."""

    folder: Path
    files: Mapping[str, Path]
    """By ISO 639-3 code."""
    unknown: Mapping[str, Path]
    """Files whose name is not a language code, by that name."""
    several: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    """By ISO 639-3 code: files between which nothing decides. They are an error of whoever asks for them."""
    domains: Mapping[str, str] = field(default_factory=dict)
    """By ISO 639-3 code, or `domains.OTHERS`: where the text comes from."""
    called: str = ""
    """Its name where it is not the folder's path."""
    about: str = ""
    """Where the text is from, one line, where it is not the folder's name."""
    _digests: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What a study writes for it: `called`, otherwise the folder's path."""
        return self.called or str(self.folder)

    @property
    def source(self) -> str:
        """For provenance, one line: `about`, otherwise the folder's name."""
        return self.about or f"text folder {self.folder.resolve().name}"

    def languages(self) -> Collection[str]:
        """ISO 639-3 codes of the files, sorted."""
        return tuple(sorted({*self.files, *self.several}))

    def domain(self, language: str) -> str | None:
        """What the folder's `domains.tsv` says."""
        return self.domains.get(language, self.domains.get(domains.OTHERS))

    def fingerprint(self, language: str) -> str:
        """32 hexadecimal digits of the SHA-256 of the file, read once. Raises DataError if absent."""
        if language not in self._digests:
            self._digests[language] = content.file_digest(self._file(language))[:32]
        return self._digests[language]

    def lines(self, language: str, limit: int) -> Sequence[str]:
        """The first `limit` non-empty lines, stripped; fewer where there are no more.

        Raises DataError, naming file, line and byte, for text that is not UTF-8 or has a NUL, and for a file
        without text, no file, or one that changed since it was fingerprinted.
        """
        path = self._file(language)
        with content.unchanged(path, self.fingerprint(language)):
            return self._lines(path, limit)

    @staticmethod
    def _lines(path: Path, limit: int) -> Sequence[str]:
        found: list[str] = []
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if len(found) == limit:
                    break
                try:
                    line = raw.decode().removeprefix("\ufeff" if number == 1 else "").strip()
                except UnicodeDecodeError as error:
                    why = (number == 1 and utf16(raw)) or error.reason
                    raise DataError(
                        f"{path}:{number}: byte {error.start + 1}: not UTF-8 ({why}); convert the file"
                    ) from None
                if number == 1 and (what := stand_in(line)):
                    raise DataError(f"{path}: {what}; fetch the file itself")
                if "\0" in line:
                    raise DataError(
                        f"{path}:{number}: byte {raw.index(0) + 1}: a NUL, so this is no text; "
                        "fetch the file again"
                    )
                if "\r" in line:
                    raise DataError(f"{path}:{number}: {CR_ALONE}")
                if line:
                    found.append(line)
        if not found and limit > 0:
            raise DataError(f"{path}: no text in it; put one sentence a line, or remove the file")
        return found

    def _file(self, language: str) -> Path:
        if language in self.files:
            return self.files[language]
        if language in self.several:
            both = " and ".join(map(str, self.several[language]))
            raise DataError(f"{both} are both {language}; keep one of them")
        if language in self.unknown:
            raise DataError(
                f"{self.unknown[language]}: its name is not a language code; rename it to <ISO 639-3>.txt"
            )
        raise DataError(f"no text for {language} in {self.folder}; put {language}.txt there")


def read_folder(
    path: Path | str,
    known: Collection[str] | Mapping[str, Language] = (),
    *,
    name: str = "",
    about: str = "",
) -> FolderCorpus:
    """The corpus of a folder of `<code>.txt`, or of `<code>_<Script>.dev` as FLORES-200 has them: in the
    folder itself, otherwise in its folder `dev`; codes as `to_iso639_3` understands them.

    `known` are registered languages, whose codes are taken as they are. Of several files of a language that
    are named after scripts, the one of its usual script is taken. No file of text is opened; `domains.tsv` is
    read where there is one (`domains.read`). A file whose name is not a language is left out, and named
    when it is asked for. `name` is what a study writes for the corpus, by default the folder; `about` is its
    source and licence, one line. Raises DataError where there is no such folder, no such file in it, or
    `domains.tsv` is malformed.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder; --text takes a corpus name or a folder of <ISO 639-3>.txt"
        )
    found: dict[str, list[Path]] = {}
    unknown: dict[str, Path] = {}
    for file in _text_files(folder):
        try:
            code = to_iso639_3(file.stem, known)
        except UnknownNameError:
            unknown[file.stem] = file
            continue
        found.setdefault(code, []).append(file)
    if not found:
        packed = next(
            (x.name for x in sorted(folder.glob("*")) if x.suffix in (".gz", ".xz", ".zip", ".bz2")), ""
        )
        hint = f"; unpack {packed} and the like" if packed else ""
        raise DataError(f"{folder}: no <ISO 639-3>.txt in it, such as eng.txt{hint}")
    files, several = {}, {}
    for code, paths in found.items():
        if (one := _usual(paths, code, known)) is not None:
            files[code] = one
        else:
            several[code] = tuple(paths)
    table = folder / domains.FILE
    said = domains.read(table, known) if table.is_file() else {}
    return FolderCorpus(folder, files, unknown, several, said, name, about)


def _text_files(folder: Path) -> list[Path]:
    """Hidden files, such as `._x` of macOS, are no text."""
    files = [x for x in (*folder.glob("*"), *folder.glob("dev/*")) if x.name[:1] != "." and not x.is_dir()]
    here = sorted(x for x in files if x.parent == folder)
    for suffix, among in (
        (".txt", here),
        (".dev", here),
        (".dev", sorted({*files} - {*here})),
        (".devtest", here),
    ):
        of_flores = suffix != ".txt"
        found = [x for x in among if x.suffix.lower() == suffix and ("_" in x.stem or not of_flores)]
        if found:
            return found
    return []


def _usual(paths: Sequence[Path], code: str, known: Collection[str] | Mapping[str, Language]) -> Path | None:
    """The only file, or the only one in the language's usual script where all names have scripts."""
    if len(paths) == 1:
        return paths[0]
    script = known[code].script if isinstance(known, Mapping) and code in known else ""
    ends = [x.stem.rpartition("_")[2] for x in paths]
    if script and ends.count(script) == 1 and all(len(x) == 4 and x.istitle() for x in ends):
        return paths[ends.index(script)]
    return None
