"""The table of real languages, `languages.tsv`: names, families and scripts, WALS-style.

It has the languages of mBERT, XLM-R, WikiANN, XNLI, AmericasNLI, TyDiQA, XQuAD, MasakhaNER 2.0, SIB-200,
Universal Dependencies and the transfer languages of arXiv 2403.20088, whose published metadata gave most
families and genera. Macrolanguages stand for their main members, as in most sets (`ara` for `arb`, `zho` for
`cmn`, `est` for `ekk`); other members have rows of their own (`ary`, `yue`, `vro`).
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from xlbench.contracts import Language


def all_languages() -> tuple[Language, ...]:
    """In the order of the table."""
    return tuple(Language(*row[:5]) for row in _rows())


def codes() -> frozenset[str]:
    """Their ISO 639-3 codes."""
    return frozenset(row[0] for row in _rows())


def scripts() -> dict[str, str]:
    """By ISO 639-3 code: ISO 15924 code of the usual script."""
    return {row[0]: row[4] for row in _rows()}


def wikipedias() -> dict[str, str]:
    """By ISO 639-3 code: the language's Wikipedia ("zh-yue"), whose codes WikiANN uses as well."""
    return {row[0]: row[5] for row in _rows() if row[5]}


@cache
def _rows() -> tuple[tuple[str, ...], ...]:
    text = Path(__file__).with_name("languages.tsv").read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines()[1:], delimiter="\t", quoting=csv.QUOTE_NONE)
    return tuple(map(tuple, rows))
