"""Text files, with errors that name file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sized
    from pathlib import Path


def read_text(path: Path) -> str:
    """A UTF-8 file, without a byte order mark. Raises DataError, naming line and byte, for one that cannot be
    read, is empty, is not UTF-8 or has a NUL.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    try:
        text = raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        where = _place(path, raw, error.start)
        raise DataError(f"{where}: not UTF-8 ({error.reason}); convert the file") from None
    if "\0" in text:
        raise DataError(f"{_place(path, raw, raw.index(0))}: a NUL, so this is no text; fetch the file again")
    if not text.strip():
        raise DataError(f"{path}: empty file; fetch it again, or remove it")
    return text


def read_lines(path: Path) -> list[str]:
    """All lines of a UTF-8 file, without their ends.

    Only LF and CR LF end a line: U+2028 and the like occur within words. Raises DataError as `read_text`, and
    for a file that breaks off within a line.
    """
    lines = read_text(path).replace("\r\n", "\n").split("\n")
    if lines.pop():
        raise DataError(
            f"{path}:{len(lines) + 1}: breaks off without a line end, so the file looks truncated; "
            "fetch it again (or end the line, if nothing is missing)"
        )
    return lines


def check_some(path: Path, found: Sized, limit: int | None) -> None:
    """Raise DataError where a file has no sentence though some were asked for."""
    if not found and limit != 0:
        raise DataError(f"{path}: no sentence in it; fetch it again, or remove it")


def _place(path: Path, raw: bytes, start: int) -> str:
    """File, line, and place in the line in bytes, both from 1."""
    end = b"\n"
    return f"{path}:{raw.count(end, 0, start) + 1}: byte {start - raw.rfind(end, 0, start)}"
