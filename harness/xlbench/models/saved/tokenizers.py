"""Tokenizers on disk: the numbers they give, and what 4.57 has to be told of one that transformers 5
saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlbench.errors import ModelError
from xlbench.models.saved import documents
from xlbench.models.saved.documents import quoted

TOKENIZERS = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "spm.model",
)
"""One of them makes a tokenizer."""
EXTRA = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt")
"""Files that change a tokenizer."""
FAST = "tokenizer.json"
CONFIG = "tokenizer_config.json"
READ = (CONFIG, "special_tokens_map.json", "added_tokens.json")
"""JSON beside `tokenizer.json` that transformers reads for a tokenizer."""
NEWER = "TokenizersBackend"
"""What transformers 5 calls a tokenizer that is all in `tokenizer.json`."""
TEXTUAL = ("PythonBackend", "SentencePieceBackend", "MistralCommonBackend")
"""What it calls the others."""
PLACES = ("tokenizer_file", "vocab_file", "merges_file", "spm_file")
"""Settings that name a file anywhere, in place of the one beside them."""


def check(folder: Path) -> None:
    """Raise ModelError where the files of a tokenizer cannot be used or ask for code."""
    for name in READ:
        if (folder / name).is_file():
            documents.refuse_code(documents.read(folder / name), str(folder / name))
    how(folder)


def settings(folder: Path) -> Mapping[str, Any]:
    """What `tokenizer_config.json` says; empty where there is none."""
    return documents.read(folder / CONFIG) if (folder / CONFIG).is_file() else {}


def how(folder: Path) -> dict[str, Any]:
    """What transformers is told besides, so that it reads what is there: settings by name.

    A list of `extra_special_tokens` is what transformers 5 calls `additional_special_tokens`; places of files
    elsewhere become those beside. Raises ModelError where there is nothing that means the same.
    """
    said, where = settings(folder), str(folder / CONFIG)
    found: dict[str, Any] = {}
    extra = said.get("extra_special_tokens")
    if isinstance(extra, list):
        named = [x.get("content") if isinstance(x, Mapping) else x for x in extra]
        if not all(isinstance(x, str) and x for x in named):
            raise ModelError(f"{where}: extra_special_tokens {quoted(extra)} is no list of tokens")
        before = said.get("additional_special_tokens") or []
        if before and before != extra:
            raise ModelError(f"{where}: both extra_special_tokens and additional_special_tokens; keep one")
        found |= {"extra_special_tokens": {}, "additional_special_tokens": named}
    elif extra is not None and not isinstance(extra, Mapping):
        raise ModelError(f"{where}: extra_special_tokens {quoted(extra)} is neither a list nor a table")
    for key in PLACES:
        if isinstance(place := said.get(key), str):
            beside = folder / Path(place.replace("\\", "/")).name
            known = beside.name in (*TOKENIZERS, *EXTRA) and beside.is_file()
            found[key] = str(beside) if known else None
    if (others := said.get("fast_tokenizer_files")) and others != [FAST]:
        raise ModelError(
            f"{where}: fast_tokenizer_files {quoted(others)}: only {FAST} is read; delete the setting"
        )
    if said.get("tokenizer_class") == NEWER and not (folder / FAST).is_file():
        raise ModelError(f"{where}: tokenizer_class {NEWER} without {FAST}; {saved_again()}")
    if said.get("tokenizer_class") in TEXTUAL:
        raise ModelError(f"{where}: tokenizer_class {said['tokenizer_class']} is not fast; {saved_again()}")
    longest = said.get("model_max_length")
    if longest is not None and (type(longest) not in (int, float) or longest < 1):
        raise ModelError(f"{where}: model_max_length is {quoted(longest)}; a positive number is needed")
    return found


def saved_again() -> str:
    """What to do with a tokenizer of a newer transformers."""
    return "it was saved by transformers 5 or newer; save the tokenizer again with transformers 4.57"


def largest(folder: Path) -> tuple[int, str] | None:
    """The largest number that the tokenizer can give, and its token; None where it is in no readable file."""
    if not (tokens := numbers(folder)):
        return None
    token = max(tokens, key=lambda x: tokens[x])
    return tokens[token], token


def numbers(folder: Path) -> Mapping[str, int]:
    """The numbers of all tokens, as the files have them; empty where no readable file has them.

    Raises ModelError for a file that is not a tokenizer's.
    """
    tokens: dict[str, int] = {}
    path = folder / FAST
    if path.is_file():
        content = documents.read(path)
        model, added = content.get("model"), content.get("added_tokens", [])
        vocabulary = model.get("vocab") if isinstance(model, Mapping) else None
        try:
            if isinstance(vocabulary, Mapping):
                tokens |= vocabulary
            else:
                tokens |= {entry[0]: i for i, entry in enumerate(vocabulary or [])}
            tokens |= {entry["content"]: entry["id"] for entry in added or []}
        except (TypeError, KeyError, IndexError):
            tokens = {}
        if not tokens or any(type(x) is not int or x < 0 for x in tokens.values()):
            raise ModelError(f"{path}: not a tokenizer; save it again, or get it again")
    elif (folder / "vocab.txt").is_file():
        try:
            # Other marks of line ends are tokens, which splitlines would cut.
            lines = (folder / "vocab.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
        except UnicodeDecodeError as error:
            raise ModelError(
                f"{folder / 'vocab.txt'}: byte {error.start + 1} is not UTF-8; get the file again"
            ) from None
        if lines == [""]:
            raise ModelError(f"{folder / 'vocab.txt'}: no tokens; get the file again")
        tokens = {line: i for i, line in enumerate(lines)}
    elif (folder / "vocab.json").is_file():
        tokens = {k: v for k, v in documents.read(folder / "vocab.json").items() if type(v) is int}
    return tokens
