"""Unlabelled text in a folder of `<code>.txt`, one sentence a line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xlbench import content
from xlbench.codes import to_iso639_3
from xlbench.errors import DataError, UnknownNameError

CR_ALONE = (
    "a CR without LF: lines end in CR alone (classic Mac OS), or a stray one is within a line; "
    "convert the file, such as with tr '\\r' '\\n'"
)
"""What is wrong with a line, after its place: read on, lines would be one line in silence."""


@dataclass(frozen=True)
class FolderCorpus:
    """A Corpus over text files; `read_folder` makes it."""

    folder: Path
    files: Mapping[str, Path]
    """By ISO 639-3 code."""
    unknown: Mapping[str, Path]
    """Files whose name is no language code, by that name."""
    _digests: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self.folder)

    @property
    def source(self) -> str:
        """For provenance, one line: the folder's name."""
        return f"text folder {self.folder.resolve().name}"

    def languages(self) -> Collection[str]:
        """ISO 639-3 codes of the files, sorted."""
        return tuple(sorted(self.files))

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
                    raise DataError(
                        f"{path}:{number}: byte {error.start + 1}: not UTF-8 ({error.reason}); "
                        "convert the file"
                    ) from None
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
        if language in self.unknown:
            raise DataError(
                f"{self.unknown[language]}: its name is no language code; rename it to <ISO 639-3>.txt"
            )
        raise DataError(f"no text for {language} in {self.folder}; put {language}.txt there")


def read_folder(path: Path | str, known: Collection[str] = ()) -> FolderCorpus:
    """The corpus of a folder of `<code>.txt`; codes as `to_iso639_3` understands them.

    `known` are registered languages, whose codes are taken as they are. No file is opened. A file whose
    name is no language is left out, and named when it is asked for.
    Raises DataError where there is no such folder, no text file, or two files of one language.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder; --text takes a corpus name or a folder of <ISO 639-3>.txt"
        )
    files: dict[str, Path] = {}
    unknown: dict[str, Path] = {}
    for file in sorted(folder.glob("*.txt")):
        try:
            code = to_iso639_3(file.stem, known)
        except UnknownNameError:
            unknown[file.stem] = file
            continue
        if code in files:
            raise DataError(f"{files[code]} and {file} are both {code}; keep one of them")
        files[code] = file
    if not files:
        raise DataError(f"{folder}: no <ISO 639-3>.txt in it, such as eng.txt")
    return FolderCorpus(folder, files, unknown)
