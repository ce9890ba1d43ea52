"""Text on the hub, as far as it needs no network: names and languages."""

import pytest

from xlbench.contracts import Corpus, CorpusFamily, Language, Revised
from xlbench.errors import DataError
from xlbench_tasks.text import xlbench_corpora

WIKIPEDIA, ANY = xlbench_corpora()
LANGUAGES = {
    code: Language(code, "", "", "", script)
    for code, script in (("deu", "Latn"), ("mhr", "Cyrl"), ("qaa", "Latn"))
}


def test_languages_of_wikipedia_need_no_network() -> None:
    assert isinstance(WIKIPEDIA, Corpus)
    assert isinstance(WIKIPEDIA, Revised)
    assert {"eng", "deu", "zho", "kmr", "pms"} <= set(WIKIPEDIA.languages())


def test_a_language_without_an_edition() -> None:
    with pytest.raises(DataError, match="wikipedia has no text in gub; use --text FOLDER"):
        WIKIPEDIA.lines("gub", 1)


def test_a_template_is_filled_in_by_language() -> None:
    assert isinstance(ANY, CorpusFamily)
    made = ANY.member("a/b:text:{iso639_1}-{iso639_3}_{script}", LANGUAGES)
    assert made.configs == {"deu": "de-deu_Latn", "mhr": "mhr-mhr_Cyrl", "qaa": "qaa-qaa_Latn"}
    assert (made.repo, made.column, made.name) == (
        "a/b",
        "text",
        "hub:a/b:text:{iso639_1}-{iso639_3}_{script}",
    )
    assert ANY.member("a/b:text:deu=default", LANGUAGES).configs == {"deu": "default"}


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("a:text:x", "is named as hub:OWNER/NAME:COLUMN:CONFIG"),
        ("a/b:text", "is named as hub:OWNER/NAME:COLUMN:CONFIG"),
        ("a/b::x", "is named as hub:OWNER/NAME:COLUMN:CONFIG"),
        ("a/b:text:{iso}", r"only \{iso639_3\}, \{iso639_1\} and \{script\}"),
        ("a/b:text:{", r"only \{iso639_3\}"),
        ("a/b:text:default", "the same for all languages; name one as LANG=default"),
        ("a/b:text:german=default", "'german' is not a language in ISO 639-3"),
    ],
)
def test_a_name_that_makes_no_sense(argument: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ANY.member(argument, LANGUAGES)


def test_a_seed_is_a_number() -> None:
    assert WIKIPEDIA.member("12", LANGUAGES).seed == 12
    with pytest.raises(DataError, match="the seed must be a whole number"):
        WIKIPEDIA.member("x", LANGUAGES)


def test_the_bare_hub_has_no_text() -> None:
    assert ANY.languages() == ()
    with pytest.raises(DataError, match="names no set"):
        ANY.lines("deu", 1)
