"""The Wikipedia corpus, without a network."""

import pytest

from xlbench.contracts import Corpus
from xlbench.errors import DataError
from xlbench_tasks.text import xlbench_corpora


def test_languages_need_no_network() -> None:
    (wikipedia,) = xlbench_corpora()
    assert isinstance(wikipedia, Corpus)
    assert {"eng", "deu", "zho", "kmr", "pms"} <= set(wikipedia.languages())


def test_a_language_without_an_edition() -> None:
    (wikipedia,) = xlbench_corpora()
    with pytest.raises(DataError, match="no edition in gub; use --text FOLDER"):
        wikipedia.lines("gub", 1)
