"""Unlabelled text in a folder, for corpora of plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xlbench.data import languages
from xlbench.data.text_folder import read_folder

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.data.text_folder import FolderCorpus


def read_text_folder(path: Path, *, name: str = "", about: str = "") -> FolderCorpus:
    """A Corpus over a folder of `<code>.txt`, one sentence per line, or FLORES-200 as it is unpacked.

    `name` is what a study writes for the corpus, by default the folder; `about` is its source and licence. No
    file is opened before its lines are asked for. Raises DataError where there is no such folder, or no text
    in it; `lines` raises it for a file that is not UTF-8, naming file, line and byte.
    """
    return read_folder(path, {x.code: x for x in languages.all_languages()}, name=name, about=about)
