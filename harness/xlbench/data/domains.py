"""Where text and test data come from ("news", "verses"), and whether that can be told apart from what else
differs between transfer languages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from xlbench.contracts import domain_of
from xlbench.data.codes import to_iso639_3
from xlbench.data.held_out import HeldOut
from xlbench.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from xlbench.contracts import Corpus, Language, TaskData

FILE = "domains.tsv"
"""What says it of a folder of text: lines of a language and a domain, with a tab between."""
HEADER = ("language", "domain")
OTHERS = "*"
"""Stands for all languages that have no line of their own."""
TEXT = "text"
"""What is said of text, beside tasks."""


def labels(domain: str) -> frozenset[str]:
    """The domains that a text names, with commas between; case and repeated spaces make no difference."""
    return frozenset(y for x in domain.split(",") if (y := " ".join(x.casefold().split())))


def share(one: str, other: str) -> bool:
    """Whether two have a domain in common."""
    return not labels(one).isdisjoint(labels(other))


def read(path: Path, known: Collection[str] | Mapping[str, Language] = ()) -> dict[str, str]:
    """Domains by ISO 639-3 code or `OTHERS`, of a file such as `FILE`; codes as `to_iso639_3` understands
    them.

    A first line "language, domain" is a header; empty lines make no difference. Raises DataError with file
    and line.
    """
    found: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start + 1}: not UTF-8; save the file as UTF-8") from None
    for number, line in enumerate(lines, 1):
        cells = tuple(x.strip() for x in line.split("\t"))
        if not any(cells) or (number == 1 and tuple(map(str.casefold, cells)) == HEADER):
            continue
        where = f"{path}:{number}"
        if len(cells) != 2 or not labels(cells[1]):
            raise DataError(
                f"{where}: {line.strip()!r} is not a language and domain with a tab between, such as "
                f"'wol<tab>news'; correct the line"
            )
        try:
            code = OTHERS if cells[0] == OTHERS else to_iso639_3(cells[0], known)
        except UnknownNameError as error:
            raise DataError(f"{where}: {error}") from None
        if code in found:
            raise DataError(f"{where}: {cells[0]} has a domain already; leave one of the lines out")
        found[code] = cells[1]
    return found


def known(
    said: Mapping[str, str], corpus: Corpus, data: Mapping[str, TaskData], languages: Iterable[str]
) -> dict[str, dict[str, str]]:
    """By task, or `TEXT`, and language: where its test data, or its text, come from, as far as is known.

    `said` is what the study says (`Study.domains`), which goes before what data say themselves; lines held
    out of the study's own text are of that text's domain. Raises DataError.
    """
    sources: dict[str, object] = {TEXT: corpus, **data}
    found: dict[str, dict[str, str]] = {what: {} for what in sources}
    for language in languages:
        for what, one in sources.items():
            of_text = isinstance(one, HeldOut) and one.corpus is corpus
            domain = said.get(f"{what}.{language}", said.get(what))
            if domain is None:
                domain = found[TEXT].get(language) if of_text else domain_of(one, language)
            if domain is None:
                continue
            if not isinstance(domain, str) or not labels(domain):
                name = getattr(one, "name", what)
                raise DataError(
                    f"{name}: the domain of {language} is {domain!r}, which is no text; give None"
                )
            found[what][language] = ", ".join(y for x in domain.split(",") if (y := " ".join(x.split())))
    return found


def coincide(seen: Mapping[str, bool | None], domains: Mapping[str, str], transfer: Iterable[str]) -> str:
    """What to say where no unseen transfer language has text of a domain that a seen one has, so that nobody
    can tell what is due to which; "" elsewhere. `seen` and `domains` are by language, as far as is known.
    """
    kinds: dict[bool, dict[str, None]] = {True: {}, False: {}}
    unknown = 0
    for language in transfer:
        side = seen.get(language)
        if side is None or language not in domains:
            unknown += 1
            continue
        kinds[side] |= dict.fromkeys(sorted(labels(domains[language])))
    if not kinds[True] or not kinds[False] or not kinds[True].keys().isdisjoint(kinds[False]):
        return ""
    ours, theirs = (", ".join(kinds[side]) for side in (False, True))
    but = f" (not known of {unknown})" if unknown else ""
    return (
        f"text of unseen transfer languages is {ours}, text of seen ones {theirs}{but}: what comes of being "
        "unseen and what comes of the domain cannot be told apart; take text of one domain for all, such as "
        "a parallel text, or unseen and seen languages that share a domain"
    )
