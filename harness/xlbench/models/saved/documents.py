"""JSON that came with a checkpoint or an adapter: read with care, and refused where it could run code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from xlbench.errors import ModelError
from xlbench.files.disk import why_unreadable

DEEPEST = 24
"""Levels of nesting; published files have five."""
MOST_DIGITS = 40
"""Digits of an integer; a tokenizer without a limit says 10^30."""
MOST_BYTES = 512 << 20
"""Bytes of a file; the largest published tokenizers have a tenth of it."""
ATTENTION = (None, "eager", "sdpa")
"""Values that a choice of implementation may have: everything else is code of a repository, or becomes it."""
NEVER = frozenset(
    {
        "auto_map",
        "custom_generate",
        "custom_pipelines",
        "kernel_config",
        "kernel_mapping",
        "trust_remote_code",
        "use_kernels",
    }
)
"""Keys with which a file asks for code; false and empty values ask for none."""
CLASS_NAMES = re.compile(r"(^|_)class$|^(feature_extractor|image_processor|processor|video_processor)_type$")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
ELSEWHERE = re.compile(r"[^\s/]+/[^\s/]+--\S+")
"""A class of a repository, as transformers writes it."""
POINTER = b"version https://git-lfs.github.com/"
SURROGATE = re.compile(r"[\ud800-\udfff]")


def read(path: Path, where: str | None = None) -> dict[str, Any]:
    """The object in a JSON file. `where` names it in errors; default: its path.

    Raises ModelError for what is no JSON object in UTF-8, and for what the libraries would stumble over or
    read differently: not-a-number constants, integers of more than 40 digits, a key twice in one object,
    deep nesting, text that cannot be encoded.
    """
    where = where or str(path)

    def bad(why: str) -> NoReturn:
        raise ModelError(f"{where}: cannot be read: {why}; get the file again, or save the checkpoint again")

    try:
        if path.stat().st_size > MOST_BYTES:
            bad(f"{path.stat().st_size} bytes are too many")
        content = path.read_bytes()
        refuse_pointer(content, where)
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        bad(f"byte {error.start + 1} is not UTF-8")
    except OSError as error:
        raise ModelError(f"{where}: cannot be read: {why_unreadable(error)}") from error
    return parse(text, bad)


def refuse_pointer(content: bytes, where: str) -> None:
    """Raise ModelError where a file begins as what git leaves in its place until it is asked for it."""
    if content.startswith(POINTER):
        raise ModelError(
            f"{where}: a pointer of Git LFS, not the file itself; run `git lfs pull` in its folder"
        )


def parse(text: str, bad: Any) -> dict[str, Any]:
    """The object that a text is. Calls `bad`, which raises, with the reason where it is none."""

    def integer(digits: str) -> int:
        if len(digits) > MOST_DIGITS:
            bad(f"an integer of {len(digits)} digits")
        return int(digits)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for key in found if sum(x == key for x, _ in pairs) > 1)
            bad(f"the key {quoted(twice)} stands there twice")
        return found

    def constant(name: str) -> Any:
        bad(f"{name} is no number")

    try:
        found = json.loads(text, parse_int=integer, parse_constant=constant, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        bad(f"line {error.lineno}, column {error.colno}: {error.msg}")
    except RecursionError:
        bad("nested too deeply")
    if not isinstance(found, dict):
        bad("it holds no JSON object")
    for depth, leaf in _leaves(found):
        if depth > DEEPEST:
            bad("nested too deeply")
        if isinstance(leaf, str) and SURROGATE.search(leaf):
            bad(f"{quoted(leaf)} cannot be encoded")
        if isinstance(leaf, float) and leaf in (float("inf"), float("-inf")):
            bad("a number beyond all bounds")
    return dict(found)


def _leaves(value: Any) -> Iterator[tuple[int, Any]]:
    """Every key and every value that is no container, with its depth; no recursion, whatever the nesting."""
    waiting: list[tuple[int, Any]] = [(0, value)]
    while waiting:
        depth, one = waiting.pop()
        if isinstance(one, dict):
            for key, inner in one.items():
                yield depth, key
                waiting.append((depth + 1, inner))
        elif isinstance(one, list):
            waiting += [(depth + 1, inner) for inner in one]
        yield depth, one


@contextmanager
def readable(where: str) -> Iterator[None]:
    """A net under code that reads files: an operating system's error is one line, which names the file."""
    try:
        yield
    except OSError as error:
        file = f"{shown(Path(error.filename).name)} " if isinstance(error.filename, str) else ""
        raise ModelError(f"{shown(where, 400)}: {file}cannot be read: {why_unreadable(error)}") from error


@contextmanager
def understood(where: str) -> Iterator[None]:
    """A net under code that goes by what a file says: a value of an unexpected kind is one line."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ModelError(
            f"{where}: a value is not of the kind that belongs there ({type(error).__name__}: "
            f"{shown(str(error))}); save it again"
        ) from error


def quoted(value: Any, most: int = 60) -> str:
    """A value for a message: on one line, printable in any encoding, cut to `most` characters."""
    text = json.dumps(value, default=str)
    return text if len(text) <= most else text[: most - 3] + "..."


def shown(value: Any, most: int = 60) -> str:
    """As `quoted`, text without its quotation marks: for names."""
    text = quoted(value, most)
    return text[1:].removesuffix('"') if isinstance(value, str) else text


def refuse_code(document: Mapping[str, Any], where: str) -> None:
    """Raise ModelError where a document asks, at any depth, for code of a repository."""
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        place, one = waiting.pop()
        if isinstance(one, Mapping):
            for key, inner in one.items():
                inside = f"{place}.{key}" if place else str(key)
                if why := _why_code(str(key), inner):
                    raise ModelError(
                        f"{where}: {shown(inside)} is {quoted(inner)}, {why}, which is never run; "
                        "delete the setting if the model works without it"
                    )
                waiting.append((inside, inner))
        elif isinstance(one, list):
            waiting += [(f"{place}[{i}]", inner) for i, inner in enumerate(one)]
        elif isinstance(one, str) and ELSEWHERE.fullmatch(one):
            raise ModelError(
                f"{where}: {shown(place)} is {quoted(one)}, code of a repository, which is never run"
            )


def _why_code(key: str, value: Any) -> str:
    """What a setting asks for that is never run; empty where it asks for nothing."""
    name = key.lower()
    if name in NEVER:
        return "code of its own" if value else ""
    if "_implementation" in name or name == "implementation":
        if "autoset" in name and isinstance(value, bool):
            return ""
        allowed = all(leaf in ATTENTION for leaf in _values(value))
        return "" if allowed else "not null, eager or sdpa but an implementation that may be code elsewhere"
    if CLASS_NAMES.search(name):
        named = [leaf for leaf in _values(value) if leaf is not None]
        plain = all(isinstance(x, str) and IDENTIFIER.fullmatch(x) for x in named)
        return "" if plain else "not the plain name of a class but code elsewhere"
    return ""


def _values(value: Any) -> Iterator[Any]:
    """The values that are no container; an empty container has none."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        else:
            yield one
