"""Operations on files below a folder, counted in a process, so that one of them may fail or be the last."""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

WRITES = ("open to write", "write", "fsync", "rename", "replace", "mkdir", "unlink")
READS = ("open", "scandir", "listdir")


class Counter:
    """Calls `happen` with the name of the operation, before those from number `first` on, `times` of them.

    Counted is what Python does: what libraries write below it (weights as safetensors) is not.
    """

    def __init__(
        self,
        folder: Path,
        happen: Callable[[str], object] | None,
        *,
        of: tuple[str, ...] = WRITES,
        first: int = 1,
        times: float = float("inf"),
    ) -> None:
        self._folder, self._happen, self._of = str(folder), happen, of
        self._first, self._times, self._count = first, times, 0
        self._total: Path | None = None
        self._open = io.open
        self._numbers: dict[int, str] = {}

    def start(self, total: Path | None = None) -> None:
        """Count from now on, in this process; `total` is where to write the number at the end."""
        self._total = total
        for module, name, what in (
            (os, "open", ""), (os, "fsync", "fsync"), (os, "rename", "rename"), (os, "replace", "replace"),
            (os, "mkdir", "mkdir"), (os, "unlink", "unlink"), (os, "scandir", "scandir"),
            (os, "listdir", "listdir"),
        ):  # fmt: skip
            setattr(module, name, self._counted(getattr(module, name), what))
        io.open = builtins.open = self._opened  # type: ignore[assignment]

    def count(self, what: str) -> None:
        """One more."""
        if what not in self._of:
            return
        self._count += 1
        if self._total is not None:
            with self._open(self._total, "w") as file:
                file.write(str(self._count))
        if self._happen is not None and self._first <= self._count < self._first + self._times:
            self._happen(what)

    def _is_ours(self, path: Any) -> bool:
        if isinstance(path, int):
            with suppress(OSError):
                return os.readlink(f"/proc/self/fd/{path}").startswith(self._folder)  # noqa: PTH115
            return False
        with suppress(TypeError):
            return str(os.fspath(path)).startswith(self._folder)
        return False

    def _counted(self, call: Callable[..., Any], what: str) -> Callable[..., Any]:
        def counted(path: Any = ".", *others: Any, **named: Any) -> Any:
            if self._is_ours(path):
                flags = others[0] if others else named.get("flags", 0)
                self.count(what or ("open to write" if flags & (os.O_WRONLY | os.O_RDWR) else "open"))
            return call(path, *others, **named)

        return counted

    def _opened(self, path: Any, mode: str = "r", *others: Any, **named: Any) -> Any:
        if not self._is_ours(path):
            return self._open(path, mode, *others, **named)
        writes = any(x in mode for x in "wax+")
        self.count("open to write" if writes else "open")
        file = self._open(path, mode, *others, **named)
        return _Written(file, self) if writes else file


class _Written:
    """A file whose first writing is counted."""

    def __init__(self, file: Any, counter: Counter) -> None:
        self._file, self._counter, self._written = file, counter, False

    def write(self, content: Any) -> Any:
        if not self._written:  # some write piece by piece
            self._written = True
            self._counter.count("write")
        return self._file.write(content)

    def __enter__(self) -> _Written:
        self._file.__enter__()
        return self

    def __exit__(self, *how: object) -> Any:
        return self._file.__exit__(*how)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def failing(code: int) -> Callable[[str], object]:
    """What raises the operating system's error."""

    def fail(what: str) -> None:
        raise OSError(code, os.strerror(code))

    return fail
