"""`xlbench.readers` as an author uses it: one file of a plugin with data in every format."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from xlbench import plugins, readers
from xlbench.contracts import Answered, Classified, Parsed, Rated, Tagged, Translated
from xlbench.errors import DataError
from xlbench.plugins import Registry

PLUGIN = '''
from functools import partial
from pathlib import Path

from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Classified, Task
from xlbench.errors import DataError
from xlbench.metrics import accuracy, answer_f1, attachment, precision_at_1, span_f1, spearman
from xlbench.readers import (
    HubData, HubText, LabelledTexts, RatedPairs, Reader, Reading, Translations, conll_files, conllu_files,
    read_folders, read_lines, read_text_folder, squad_files, table_files, tree_files,
)

DATA = Path("FOLDER")
TAGS = ("O", "B-SHIP", "I-SHIP")


def read_words(path, limit):
    """A format of its own: a label, a colon, a text."""
    found = []
    for number, line in enumerate(read_lines(path)[:limit], 1):
        label, colon, text = line.partition(": ")
        if not colon:
            raise DataError(f"{path}:{number}: no colon; write label: text")
        found.append(Classified((text,), label))
    return Reading(found, notes=("read by the author",))


READERS = {
    "mood": table_files("mood", LabelledTexts(
        texts={"text": ("text",)}, label=("mood",), labels={"+": "good", "-": "bad"})),
    "alike": table_files("alike", RatedPairs(
        texts={"first": ("first",), "second": ("second",)}, label=("rating",))),
    "sense": table_files("sense", Translations(texts={"text": ("text",)}, label=("english",))),
    "ships": conll_files("ships", {x: x for x in TAGS}),
    "words": conllu_files("words", {"NOUN": "NOUN", "VERB": "VERB"}),
    "trees": tree_files("trees", ("root", "nsubj")),
    "quiz": squad_files("quiz"),
    "plain": Reader("plain", (".words",), read_words),
}
KINDS = {
    "mood": ("classification", ("good", "bad"), accuracy()),
    "alike": ("pair-similarity", (), spearman()),
    "sense": ("retrieval", (), precision_at_1()),
    "ships": ("tagging", TAGS, span_f1()),
    "words": ("tagging", ("NOUN", "VERB"), accuracy()),
    "trees": ("parsing", ("root", "nsubj"), attachment()),
    "quiz": ("span", (), answer_f1()),
    "plain": ("classification", ("good", "bad"), accuracy()),
}


@hookimpl
def xlbench_tasks():
    for name, (kind, labels, metric) in KINDS.items():
        training = None if kind == "retrieval" else AdapterTraining()
        yield Task(name, 1, f"The task {name}", kind, labels, metric, training, 64, "mine",
                   partial(read_folders, reader=READERS[name]))


@hookimpl
def xlbench_task_data():
    for name, reader in READERS.items():
        yield read_folders([DATA / name], reader, name="mine", about="made for this test")
    yield HubData(name="far", task="mood", repo="me/moods", about="moods on the hub", configs={"eng": "en"},
                  columns=("text", "mood"), decode=lambda text, mood: Classified((text,), mood))


@hookimpl
def xlbench_corpora():
    yield read_text_folder(DATA / "texts", name="lines", about="made for this test")
    yield HubText("far-text", "text on the hub", "me/texts", "text", {"eng": "en"})
'''

WORD = "1\tFische\tFisch\tNOUN\t_\t_\t2\tnsubj\t_\t_\n2\tschlafen\tschlafen\tVERB\t_\t_\t0\troot\t_\t_\n\n"
SQUAD = (
    '{"data": [{"paragraphs": [{"context": "Der Hecht ruht.", "qas": [{"id": "q1", "question": "Wer ruht?",'
    ' "answers": [{"text": "Der Hecht", "answer_start": 0}]}]}]}]}'
)
FILES = {
    "mood/deu.test.tsv": "text\tmood\nSchön.\t+\nÖde.\t-\n",
    "alike/deu/test.csv": "rating,first,second\n4.5,Ein Hecht,Ein Fisch\n",
    "sense/deu.test.tsv": "text\tenglish\nEin Hecht\ta pike\n",
    "ships/deu_fleet/test.conll": "Die\tO\nGorch\tB-SHIP\nFock\tI-SHIP\n\n",
    "words/deu.test.conllu": WORD,
    "trees/deu.test.conllu": WORD,
    "quiz/deu.test.json": SQUAD,
    "plain/deu.test.words": "good: Schön.\nbad: Öde.\n",
    "texts/deu.txt": "Ein Hecht ruht.\n\nEin Barsch auch.\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def registered(folder: Path) -> Registry:
    file = folder / "mine.py"
    file.write_text(PLUGIN.replace("FOLDER", str(folder)), "utf-8")
    return plugins.load(given=plugins.give([file]))


SPANS = ((0, 6), (7, 15))
FISH = ("Fische", "schlafen")
EXPECTED = {
    "mood": [Classified(("Schön.",), "good"), Classified(("Öde.",), "bad")],
    "alike": [Rated(("Ein Hecht", "Ein Fisch"), 4.5)],
    "sense": [Translated("Ein Hecht", "a pike")],
    "ships": [Tagged(("Die", "Gorch", "Fock"), ("O", "B-SHIP", "I-SHIP"))],
    "words": [Tagged(FISH, ("NOUN", "VERB"), "Fische schlafen", SPANS)],
    "trees": [Parsed(FISH, (2, 0), ("nsubj", "root"), "Fische schlafen", SPANS)],
    "quiz": [Answered("Wer ruht?", "Der Hecht ruht.", ("Der Hecht",), (0,))],
    "plain": [Classified(("Schön.",), "good"), Classified(("Öde.",), "bad")],
}


def test_data_in_every_format_are_registered_and_read(folder: Path) -> None:
    registry = registered(folder)
    assert not registry.failed
    for task, examples in EXPECTED.items():
        data = registry.data[f"{task}:mine"]
        assert (data.name, data.source) == ("mine", "made for this test")
        assert data.languages("test") == ("deu",)
        assert data.languages("train") == ()
        assert list(data.examples("deu", "test")) == examples
        assert list(data.examples("deu", "test", 1)) == examples[:1]
        given = registry.tasks[task].folder([folder / task])  # `--data TASK=FOLDER`
        assert list(given.examples("deu", "test")) == examples
        assert given.fingerprint("deu", "test") == data.fingerprint("deu", "test")
    assert registry.data["plain:mine"].notes("deu", "test") == ("read by the author",)
    text = registry.corpora["lines"]
    assert (text.source, list(text.lines("deu", 5))) == (
        "made for this test",
        ["Ein Hecht ruht.", "Ein Barsch auch."],
    )
    assert registry.data["mood:far"].languages("test") == ("eng",)  # without the network
    assert registry.corpora["far-text"].source == "text on the hub; hub: me/texts"


WRONG = {
    "mood/deu.test.tsv": (
        "text\tmood\nSchön.\t+\nÖde.\t?\n",
        ":3: column 2: unknown label '[?]'; .* good, bad",
    ),
    "alike/deu/test.csv": (
        "rating,first,second\nmuch,Ein Hecht,Ein Fisch\n",
        ":2: column 1: 'much' is not a",
    ),
    "sense/deu.test.tsv": ("text\tenglish\nEin Hecht\t \n", ":2: column 2: an empty translation"),
    "ships/deu_fleet/test.conll": ("Die\tO\nFock\tI-BOAT\n\n", ":2: column 2: unknown label 'I-BOAT'"),
    "words/deu.test.conllu": (WORD.replace("VERB", "VB"), ":2: column 4: 'VB' is no UPOS tag"),
    "trees/deu.test.conllu": (
        WORD.replace("\t2\tn", "\t1\tn"),
        r":1: HEAD \(column 7\): the word hangs from",
    ),
    "quiz/deu.test.json": (
        SQUAD.replace('t": 0', 't": 3'),
        ": article 1 paragraph 1 question q1: answer_start 3",
    ),
    "plain/deu.test.words": ("good: Schön.\nÖde\n", ":2: no colon; write label: text"),
    "texts/deu.txt": ("Gut.\rÜbel.\n", ":1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_file_is_one_line_with_its_place(folder: Path, name: str) -> None:
    text, says = WRONG[name]
    (folder / name).write_text(text, "utf-8", newline="")
    registry, task = registered(folder), name.partition("/")[0]
    read: Any = partial(registry.corpora["lines"].lines, "deu", 5)
    if task != "texts":
        read = partial(registry.data[f"{task}:mine"].examples, "deu", "test")
    with pytest.raises(DataError, match=f"^{re.escape(str(folder / name))}{says}") as caught:
        read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [b"", b"\xff\xfea\0", b"a\0b\n", b"  \n\n", b"x\n" * 2])
def test_no_reader_takes_what_is_not_its_format(tmp_path: Path, bad: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(bad)
    form = readers.LabelledTexts(texts={"text": ("text",)}, label=("label",), labels={"a": "a"})
    for read in (
        lambda: readers.read_table(path, None, form=form),
        lambda: readers.read_conll(path, None, {"O": "O"}),
        lambda: readers.read_conllu(path, None, {"X": "X"}),
        lambda: readers.read_trees(path, None, ("root",)),
        lambda: readers.read_squad(path, None),
    ):
        with pytest.raises(DataError, match=re.escape(str(path))) as caught:
            read()
        assert "\n" not in str(caught.value)


def test_everything_that_is_public_is_documented_and_nothing_else_is_needed() -> None:
    table = readers.__doc__ or ""
    for name in readers.__all__:
        assert getattr(readers, name).__doc__ or name == "CONLLU_VERSION"
    for name in re.findall(r"`([a-zA-Z_]+)`", table):
        assert name in {*readers.__all__, "TaskData", "xlbench"}, name
    tasks = Path(__file__).parents[2] / "plugins" / "tasks" / "xlbench_tasks"
    for path in tasks.glob("*.py"):
        assert "xlbench.readers." not in path.read_text("utf-8"), path


def test_the_example_of_the_guide_reads_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "writing-a-plugin.md"
    (code,) = re.findall(r"```python\n(# my_moods\.py\n.*?)```", guide.read_text("utf-8"), re.DOTALL)
    (tmp_path / "moods").mkdir()
    (tmp_path / "moods" / "eng.test.tsv").write_text("sentence\tmood\nNice.\t1\nDull.\tbad\n", "utf-8")
    (tmp_path / "my_moods.py").write_text(code, "utf-8")
    monkeypatch.chdir(tmp_path)
    registry = plugins.load(given=plugins.give(["my_moods.py"]))
    found = registry.data["mood:moods"].examples("eng", "test")
    assert [x.label for x in found] == ["good", "bad"]
