"""Text less repeated lines and test sentences, and the training sentences as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlbench import plugins
from xlbench.contracts import (
    Answered,
    Classified,
    Corpus,
    Dropped,
    Example,
    Parsed,
    Split,
    Study,
    Tagged,
    Text,
)
from xlbench.data.clean_text import CleanText, TrainingSentences, key
from xlbench.data.text_folder import read_folder
from xlbench.errors import DataError, StudyError
from xlbench.plugins import Registry
from xlbench.results.manifest import describe, near_duplicates
from xlbench.studies.resolve import resolve


@dataclass
class Few:
    """Labelled data, given outright."""

    given: dict[tuple[str, str], list[Example]]
    name: str = "few"
    task: str = "few"
    source: str = "made by the tests"

    def languages(self, split: Split) -> Sequence[str]:
        return [x for x, one in self.given if one == split]

    def fingerprint(self, language: str, split: Split) -> str:
        return f"{language} {split}"

    def examples(self, language: str, split: Split, limit: int | None = None) -> Sequence[Example]:
        return self.given[language, split][:limit]


def corpus(folder: Path, *lines: str) -> Corpus:
    (folder / "deu.txt").write_text("".join(f"{x}\n" for x in lines))
    return read_folder(folder)


TESTS = Few(
    {
        ("deu", "test"): [
            Tagged(("Das", "ist", "es", ",", "Straße", "!"), ("X",) * 6),
            Classified(("Eins zwei", "Drei."), "x"),
        ],
        ("fin", "test"): [Classified(("Neljä 4",), "x")],
        ("swe", "test"): [Tagged((":", "-)"), ("X", "X")), Tagged(("!",), ("X",), "!", ((0, 1),))],
        ("deu", "train"): [Tagged(("nur", "Training"), ("X", "X"))],
    }
)


def test_repeated_and_test_lines_go_and_the_rest_stays_in_order(tmp_path: Path) -> None:
    raw = corpus(
        tmp_path, "a", "b", "a", "DAS IST ES STRASSE", "drei", "neljä4", "nur Training", "b", "c", "!"
    )
    text = CleanText(raw, {"few": (TESTS, ("deu", "fin"))})
    assert isinstance(text, Text)
    assert text.lines("deu", 99) == ["a", "b", "nur Training", "c", "!"]
    assert text.dropped("deu", 99) == Dropped(repeated=(2, 7), tested=(3, 4, 5))
    # Of the first lines only, and nothing comes in for what is dropped.
    assert text.lines("deu", 4) == ["a", "b"]
    assert text.dropped("deu", 2) == Dropped()
    assert (text.name, text.source, text.fingerprint("deu")) == (raw.name, raw.source, raw.fingerprint("deu"))


def test_a_context_is_tested_whole_and_by_sentence(tmp_path: Path) -> None:
    context = "Helsinki liegt am Meer. Es ist die Hauptstadt!"
    one = Answered("Wo liegt Helsinki?", context, ("am Meer",), (15,))
    data = Few({("deu", "test"): [one], ("deu", "train"): [one]})
    raw = corpus(tmp_path, context, "es ist die hauptstadt", "wo liegt Helsinki", "Helsinki liegt", "am Meer")
    assert CleanText(raw, {"few": (data, ("deu",))}).lines("deu", 9) == ["Helsinki liegt", "am Meer"]
    assert TrainingSentences("few", data, "").lines("deu", 9) == ["Wo liegt Helsinki?", context]


def test_only_test_sets_of_the_study_count(tmp_path: Path) -> None:
    raw = corpus(tmp_path, "Drei!", "Neljä (4)")
    assert CleanText(raw, {"few": (TESTS, ("deu",))}).lines("deu", 9) == ["Neljä (4)"]
    assert CleanText(raw, {"few": (TESTS, ("deu",))}, {"few": 1}).lines("deu", 9) == ["Drei!", "Neljä (4)"]
    assert CleanText(raw, {}).lines("deu", 9) == ["Drei!", "Neljä (4)"]


def test_what_has_no_letter_is_compared_as_it_is(tmp_path: Path) -> None:
    raw = corpus(tmp_path, ":-)", ":-(", "! !", "!", "Ja !")
    assert CleanText(raw, {"few": (TESTS, ("swe",))}).lines("deu", 9) == [":-(", "! !", "Ja !"]


def test_nothing_left_is_said(tmp_path: Path) -> None:
    text = CleanText(corpus(tmp_path, "Drei"), {"few": (TESTS, ("deu",))})
    with pytest.raises(DataError, match=r"no text for deu .* every line of it is in a test set"):
        text.lines("deu", 9)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ein Satz .", "ein satz"), ("n\u0303", "ñ"), ("हिन्दी", "हिन्दी!"), ("GROẞ", "gross"), ("½ l", "½l")],
)
def test_spacing_case_and_punctuation_make_no_difference(one: str, other: str) -> None:
    assert key(one) == key(other) != ""


def test_marks_and_digits_do_make_one() -> None:
    assert len({key(x) for x in ("हन", "हिन", "a1", "a2", "a", "á")}) == 6


@settings(deadline=None)
@given(st.text(max_size=20), st.sampled_from([" ", ".", "\u2028", "–", "…"]), st.integers(0, 20))
def test_the_key_forgets_punctuation_wherever_it_is(text: str, mark: str, place: int) -> None:
    whole = key(text)
    assert key(whole) == whole
    if any(x.isalnum() for x in text) and not any(
        ord(x) > 0x2FF for x in text
    ):  # else it may stand between letter and mark
        assert key(text[:place] + mark + text[place:]) == whole


def test_training_sentences_are_never_those_of_the_test_set() -> None:
    text = TrainingSentences("few", TESTS, "training-sentences")
    assert isinstance(text, Corpus)
    assert text.languages() == ["deu"]
    assert text.lines("deu", 9) == ["nur Training"]
    assert text.fingerprint("deu") == "training sentences of few: deu train"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return plugins.load()


def study(checkpoint: Path, root: Path, **changes: object) -> Study:
    said = {
        "model": str(checkpoint),
        "tasks": ("ner",),
        "transfer": ("deu",),
        "targets": ("deu",),
        "controls": (),
        "train_languages": ("deu",),
        "data": {"ner": (f"{root}/ner",)},
        "text": f"{root}/text",
        **changes,
    }
    return Study(**said)  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "deu.txt").write_text("Ein Satz.\nNoch einer.\n")
    folder = tmp_path / "ner" / "deu_made"
    folder.mkdir(parents=True)
    for split in ("train", "test"):
        (folder / f"{split}.conll").write_text(f"Ana\tB-PER\n{split}\tO\n\n")
    return tmp_path


def test_clean_text_keeps_its_identity_and_other_text_has_one_of_its_own(
    checkpoint: Path, root: Path, registry: Registry
) -> None:
    clean = resolve(study(checkpoint, root), registry)
    identity = clean.text_identity("deu")
    assert set(identity) == {
        "language", "text", "learning_rate", "batch_size", "chunk", "lines", "mask_probability", "schedule",
    }  # fmt: skip
    assert clean.dropped() == {}
    (root / "text" / "deu.txt").write_text("Ein Satz.\nAna test\nNoch einer.\n")
    found = resolve(study(checkpoint, root), registry)
    assert found.text_identity("deu")["dropped"]
    assert found.dropped() == {"deu": Dropped(tested=(1,))}
    # The line is dropped for a test set that has it, not for its own sake.
    (root / "ner" / "deu_made" / "test.conll").write_text("Eva\tB-PER\n\n")
    assert "dropped" not in resolve(study(checkpoint, root), registry).text_identity("deu")


def test_a_language_adapter_has_the_text_in_its_identity_too(
    checkpoint: Path, root: Path, registry: Registry
) -> None:
    (root / "text" / "deu.txt").write_text("Ein Satz.\nEin Satz.\nAna test\n")
    of_adapters = {"probes": ("stacking",)}
    found = resolve(study(checkpoint, root, language_training={"lines": 1}, **of_adapters), registry)
    one = found.language_adapter("deu", 0)
    assert "dropped" not in found.language_adapter_identity(one)  # within one line nothing is repeated
    more = resolve(study(checkpoint, root, **of_adapters), registry)
    assert more.language_adapter_identity(more.language_adapter("deu", 0))["dropped"]


def test_training_sentences_by_name(checkpoint: Path, root: Path, registry: Registry) -> None:
    found = resolve(study(checkpoint, root, text="training-sentences"), registry)
    assert found.corpus.lines("deu", 9) == ["Ana train"]
    named = resolve(study(checkpoint, root, text="training-sentences:ner"), registry)
    assert named.text_identity("deu") == found.text_identity("deu")
    with pytest.raises(StudyError, match=r"name one of the study's tasks .* training-sentences:ner"):
        resolve(study(checkpoint, root, text="training-sentences:pos"), registry)


def test_shared_text_is_clean(shared_data: Path) -> None:
    """No line of the real text is in a test set or twice in its file, so its identity is the file's."""
    from xlbench_tasks import ner, topic

    sets = {
        "ner": ner.folder([shared_data / "ner"]),
        "topic": topic.folder([shared_data / "topic"]),
    }
    tests = {name: (data, data.languages("test")) for name, data in sets.items()}
    text = CleanText(read_folder(shared_data / "text"), tests)
    assert not any(text.dropped(x, 10_000) for x in ("eng", "deu", "fin", "bam", "hau", "zho"))


CONTRACTED = Few(
    {
        ("ita", "test"): [
            Tagged(
                ("Le", "case", "di", "le", "donne", "."),
                ("X",) * 6,
                "Le case delle donne.",
                ((0, 2), (3, 7), (8, 13), (8, 13), (14, 19), (19, 20)),
            )
        ],
        ("ita", "train"): [
            Parsed(
                ("di", "il", "mare"), (3, 3, 0), ("case", "det", "root"), "del mare", ((0, 3), (0, 3), (4, 8))
            )
        ],
    }
)


def test_test_sentences_with_contractions_go_as_written_and_as_words(tmp_path: Path) -> None:
    raw = corpus(
        tmp_path, "Le case delle donne", "Le case di le donne!", "le case delle donne nuove", "del mare"
    )
    text = CleanText(raw, {"few": (CONTRACTED, ("ita",))})
    assert text.dropped("deu", 9) == Dropped(tested=(0, 1))
    assert text.lines("deu", 9) == ["le case delle donne nuove", "del mare"]
    assert text.near_duplicates("deu", 9) == 1
    assert TrainingSentences("few", CONTRACTED, "").lines("ita", 9) == ["del mare"]


def test_near_duplicates_change_no_identity_and_are_said(
    checkpoint: Path, root: Path, registry: Registry
) -> None:
    before = resolve(study(checkpoint, root), registry)
    assert before.near_duplicates() == {}
    assert near_duplicates(describe(before)) == ""
    words = ["Ana", "kam", "heute", "nicht", "mehr"]
    test = root / "ner" / "deu_made" / "test.conll"
    test.write_text("".join(f"{x}\tO\n" for x in words) + "\n")
    (root / "text" / "deu.txt").write_text("Ein Satz.\nEva kam heute nicht mehr!\nNoch einer.\n")
    found = resolve(study(checkpoint, root), registry)
    assert found.dropped() == {}
    assert found.near_duplicates() == {"deu": 1}
    assert "dropped" not in found.text_identity("deu")
    assert near_duplicates(describe(found)) == "deu 1"


def test_no_line_of_a_real_test_set_stays_in_the_text(shared_data: Path, tmp_path: Path) -> None:
    from xlbench_tasks import pos

    data = pos.folder([shared_data / "ud"])
    for language in ("fra", "heb", "spa", "tam", "wol"):
        said = [
            x[9:]
            for x in data.files[language, "test"].read_text("utf-8").split("\n")
            if x.startswith("# text = ")
        ]
        raw = corpus(tmp_path, *said, "ein anderer Satz")
        assert CleanText(raw, {"pos": (data, (language,))}).lines("deu", 9999) == ["ein anderer Satz"]
