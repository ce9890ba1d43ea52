"""Where text and test data come from, and when that cannot be told apart from whether a language was seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xlbench import plugins
from xlbench.cli import planning
from xlbench.contracts import HasDomain, Resolved, Study, TextFacts
from xlbench.data import domains
from xlbench.data.domains import coincide, labels, share
from xlbench.data.text_folder import read_folder
from xlbench.errors import DataError, StudyError
from xlbench.results.manifest import coincidence, describe, domains_of_tests, texts
from xlbench.spec.study import as_toml, command, parse
from xlbench.studies.missing_data import check_data
from xlbench.studies.resolve import resolve

WORDS = {
    "eng": "the cat",
    "fin": "kissa ja",
    "rus": "это кот",
    "wol": "muus mi",
    "jpn": "これは猫です。猫はここにいます。",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("domains")
    (folder / "text").mkdir()
    for code, start in WORDS.items():
        lines = [f"{start} {'abcdefghij'[i % 10]} {i}" if code != "jpn" else f"{start}{i}" for i in range(40)]
        (folder / "text" / f"{code}.txt").write_text("".join(f"{x}\n" for x in lines))
        (folder / "ner" / code).mkdir(parents=True)
        for split in ("train", "test"):
            (folder / "ner" / code / f"{split}.conll").write_text(f"{split}\tO\n{code}\tB-LOC\n")
    return folder


def asked(checkpoint: Path, root: Path, **changes: Any) -> Study:
    said = {
        "model": str(checkpoint), "tasks": ["ner"], "probes": ["transfer"], "targets": ["eng", "wol"],
        "transfer": ["eng", "fin", "wol"], "controls": [], "train_languages": ["eng"], "reference": "eng",
        "data": {"ner": [f"{root}/ner"]}, "text": f"{root}/text",
        "pretraining_languages": ["eng", "fin", "rus"],
        **changes,
    }  # fmt: skip
    return parse({k: v for k, v in said.items() if v is not None})


def checked(study: Study) -> Resolved:
    return check_data(resolve(study, plugins.load()))


def test_a_folder_says_it_in_a_file(root: Path, tmp_path: Path) -> None:
    for code in ("eng", "fin", "wol"):
        (tmp_path / f"{code}.txt").write_text("text\n")
    assert read_folder(tmp_path).domain("eng") is None
    (tmp_path / "domains.tsv").write_text(
        "\ufeffLanguage\tDomain\r\n\r\nwo\t news, wiki \r\n*\tprompts\r\ntur\tweb"
    )
    corpus = read_folder(tmp_path)
    assert isinstance(corpus, HasDomain)
    assert [corpus.domain(x) for x in ("wol", "eng", "fin")] == ["news, wiki", "prompts", "prompts"]
    assert corpus.fingerprint("eng") == read_folder(tmp_path).fingerprint("eng")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"eng\tnews\nfin news\n", r"domains\.tsv:2: 'fin news' is not a language and domain"),
        (b"eng\t , \n", r"domains\.tsv:1: 'eng\\t ,' is not a language and domain"),
        (b"eng\tnews\twiki\n", r"domains\.tsv:1: .* correct the line"),
        (b"eng\tnews\nen\twiki\n", r"domains\.tsv:2: en has a domain already"),
        (b"*\tnews\n*\twiki\n", r"domains\.tsv:2: \* has a domain already"),
        (b"klingonish\tnews\n", r"domains\.tsv:1: .*klingonish"),
        (b"eng\t\xff\n", r"domains\.tsv: byte 5: not UTF-8"),
    ],
)
def test_a_malformed_file_is_told_with_its_line(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "eng.txt").write_text("text\n")
    (tmp_path / "domains.tsv").write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        read_folder(tmp_path)
    assert "\n" not in str(caught.value)


def test_domains_are_compared_one_by_one() -> None:
    assert labels(" News,  web  text,") == {"news", "web text"}
    assert share("news, wiki", "Wiki")
    assert not share("news wiki", "wiki")


SEEN = {"eng": True, "fin": True, "wol": False, "bam": False, "xxx": None}


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"eng": "prompts", "fin": "prompts", "wol": "news"}, True),
        ({"eng": "prompts", "fin": "bible", "wol": "news", "bam": "web"}, True),
        ({"eng": "prompts", "wol": "news"}, True),
        ({"eng": "prompts", "fin": "news", "wol": "news"}, False),
        ({"eng": "prompts", "fin": "prompts", "wol": "news", "bam": "prompts"}, False),
        ({"eng": "prompts, news", "wol": "news"}, False),
        ({"eng": "verses", "fin": "verses", "wol": "verses"}, False),
        ({"eng": "prompts", "fin": "prompts"}, False),
        ({"wol": "news", "bam": "news", "xxx": "prompts"}, False),
        ({}, False),
    ],
)
def test_seen_and_domain_coincide(known: dict[str, str], told: bool) -> None:
    said = coincide(SEEN, known, SEEN)
    assert bool(said) is told
    if told:
        assert "cannot be told apart" in said
        assert "take text of one domain" in said
        unknown = len(SEEN) - len(known)
        assert (f"not known of {unknown})" in said) is (unknown > 0)


def test_a_study_says_it_over_what_data_say(checkpoint: Path, root: Path) -> None:
    said = {"text": "prompts", "text.wo": "news", "ner": {"eng": "wiki"}, "ner.wol": " news,wiki,"}
    found = checked(asked(checkpoint, root, domains=said))
    assert found.domains["text"] == {"eng": "prompts", "fin": "prompts", "wol": "news"}
    assert found.domains["ner"] == {"eng": "wiki", "wol": "news, wiki"}
    plain = checked(asked(checkpoint, root))
    assert plain.domains == {"text": {}, "ner": {}}
    assert found.text_identity("wol") == plain.text_identity("wol")
    described = describe(found)
    assert texts(described)["wol"] == TextFacts(40, 160, 40 * 10 + 10 * 1 + 30 * 2, "news")
    assert domains_of_tests(described) == {"ner": {"eng": "wiki", "wol": "news, wiki"}}
    assert "unseen transfer languages is news, text of seen ones prompts" in coincidence(
        described, found.study.transfer
    )
    assert coincidence(describe(plain), plain.study.transfer) == ""
    line = planning._text("wol", texts(described)["wol"], described)
    assert line.startswith("wol: unseen, domain news, 40 lines, 160 words, 4.0 words per line")


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"pos": "wiki"}, "domains.pos: 'pos' is not in the study; name one of text, ner"),
        ({"text.nolanguage": "wiki"}, "nolanguage"),
        ({"text.wo": "news", "text.wol": "wiki"}, "text.wol is given twice"),
        ({"text": ""}, "domains.text must be a text"),
        ({"text": 3}, "domains.text must be a text"),
    ],
)
def test_a_wrong_domain_is_refused(checkpoint: Path, root: Path, said: dict[str, Any], says: str) -> None:
    with pytest.raises(StudyError, match=says) as caught:
        checked(asked(checkpoint, root, domains=said))
    assert "\n" not in str(caught.value)


def test_what_a_plugin_says_must_be_a_text() -> None:
    class Odd:
        name = "odd"

        def domain(self, language: str) -> Any:
            return 3

    with pytest.raises(DataError, match="odd: the domain of eng is 3, which is no text"):
        domains.known({}, Odd(), {}, ["eng"])  # type: ignore[arg-type]


def test_matched_studies_have_their_own_identities(checkpoint: Path, root: Path) -> None:
    plain, steps, words, other = (
        checked(asked(checkpoint, root, match=match, reference=reference)).text_identity("wol")
        for match, reference in ((None, "eng"), ("steps", "eng"), ("words", "eng"), ("words", "fin"))
    )
    assert plain == steps
    assert "match" not in plain
    assert len({str(x) for x in (plain, words, other)}) == 3
    assert {k: v for k, v in words.items() if k != "match"} == plain


def test_the_reference_text_is_read_and_told_though_it_is_no_control(checkpoint: Path, root: Path) -> None:
    study = asked(checkpoint, root, match="words", transfer=["wol"])
    assert checked(study).text_languages() == ("wol", "eng")
    assert checked(replace(study, match=None)).text_languages() == ("wol",)
    setting = next(x for x in checked(study).in_force if x.key == "match")
    assert str(setting) == "fine-tuning: match words (the study)"
    assert "--match words" in command(study)
    assert 'match = "words"' in as_toml(study)
    assert "--domain text=news" in command(replace(study, domains={"text": "news"}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"match": "word"}, "unknown match 'word'; did you mean 'words'"),
        ({"match": "words", "reference": "tur"}, "no text in tur, name another with --reference"),
        ({"match": "words", "transfer": ["jpn"]}, "text in jpn is in a script without spaces .*match bytes"),
        ({"match": "words", "reference": "jpn"}, "text in jpn is in a script without spaces"),
    ],
)
def test_what_cannot_be_matched_is_refused_in_planning(
    checkpoint: Path, root: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(StudyError, match=says) as caught:
        checked(asked(checkpoint, root, **changes))
    assert "\n" not in str(caught.value)


def test_bytes_and_tokens_need_no_spaces(checkpoint: Path, root: Path) -> None:
    for match in ("bytes", "tokens"):
        found = checked(asked(checkpoint, root, match=match, transfer=["jpn"]))
        assert texts(describe(found))["jpn"].words is None
