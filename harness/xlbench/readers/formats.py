"""What `read_folders` needs of each format: ends of names, the reader, and what says the languages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from xlbench.readers.conll import read_conll
from xlbench.readers.conllu import VERSION, has_text, read_conllu, read_trees
from xlbench.readers.folders import Read, Reader
from xlbench.readers.squad import read_squad
from xlbench.readers.tables import TABLES, members, read_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from xlbench.readers.forms import TableForm

COLUMNS = (".conll", ".iob2", ".iob", ".bio", ".txt", ".tsv", "")
"""Ends of names of files with words and tags in columns."""
TREEBANKS = (".conllu",)
QUESTIONS = (".json",)


def table_files(task: str, form: TableForm[Any]) -> Reader:
    """Tables, tab-separated or comma-separated, as `read_table` reads them by a form."""
    return Reader(task, TABLES, partial(read_table, form=form), members=members, marks=True)


def conll_files(task: str, labels: Mapping[str, str], preferred: Mapping[str, str] | None = None) -> Reader:
    """Words and entity tags in columns, as `read_conll` reads them. `preferred`: see `Reader`."""
    return Reader(task, COLUMNS, partial(read_conll, labels=labels), marks=True, preferred=preferred or {})


def conllu_files(task: str, labels: Mapping[str, str], preferred: Mapping[str, str] | None = None) -> Reader:
    """Words and universal tags of CoNLL-U, as `read_conllu` reads them. `preferred`: see `Reader`."""
    return _treebanks(task, partial(read_conllu, labels=labels), preferred)


def tree_files(task: str, relations: Collection[str], preferred: Mapping[str, str] | None = None) -> Reader:
    """Words and dependency trees of CoNLL-U, as `read_trees` reads them. `preferred`: see `Reader`."""
    return _treebanks(task, partial(read_trees, relations=relations), preferred)


def squad_files(task: str) -> Reader:
    """Questions about paragraphs in SQuAD 1.1's JSON, as `read_squad` reads them."""
    return Reader(task, QUESTIONS, read_squad)


def _treebanks(task: str, read: Read, preferred: Mapping[str, str] | None) -> Reader:
    return Reader(task, TREEBANKS, read, version=VERSION, preferred=preferred or {}, usable=has_text)
