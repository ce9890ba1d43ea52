"""Text files, with errors that name file and line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xlbench.data.text_folder import CR_ALONE, stand_in, utf16
from xlbench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sized
    from pathlib import Path

LINE_END = re.compile(r"\r*\n")


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
        why = utf16(raw) or error.reason
        raise DataError(f"{where}: not UTF-8 ({why}); convert the file") from None
    if "\0" in text:
        raise DataError(f"{_place(path, raw, raw.index(0))}: a NUL, so this is no text; fetch the file again")
    if what := stand_in(text):
        raise DataError(f"{path}: {what}; fetch the file itself")
    if not text.strip():
        raise DataError(f"{path}: empty file; fetch it again, or remove it")
    return text


def read_lines(path: Path) -> list[str]:
    """All lines of a UTF-8 file, without their ends; the last one need not be ended.

    Only LF and CR LF end a line: U+2028 and the like occur within words. Raises DataError as `read_text`, and
    for a CR elsewhere, since lines that end in CR alone would be one line.
    """
    lines = LINE_END.split(read_text(path))
    if not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        if "\r" in line:
            raise DataError(f"{path}:{number}: {CR_ALONE}")
    return lines


def check_some(path: Path, found: Sized, limit: int | None) -> None:
    """Raise DataError where a file has no sentence though some were asked for."""
    if not found and limit != 0:
        raise DataError(f"{path}: no sentence in it; fetch it again, or remove it")


def _place(path: Path, raw: bytes, start: int) -> str:
    """File, line, and place in the line in bytes, both from 1."""
    end = b"\n"
    return f"{path}:{raw.count(end, 0, start) + 1}: byte {start - raw.rfind(end, 0, start)}"
