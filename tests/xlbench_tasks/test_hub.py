"""Published data: from a hub on this machine, from the cache, and from nowhere.

Each try is a process of its own, since address and cache are read when the libraries are imported.
"""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value, disable_progress_bars
from hub_server import COMMIT, serving

from xlbench.contracts import Answered, Parsed, Tagged, TaskData
from xlbench_tasks import dep, languages, ner, nli, pos, qa

DATA = {x.name: x for module in (ner, pos, nli) for x in module.xlbench_task_data()}
TYDIQA, XQUAD = qa.xlbench_task_data()
READ = """
from xlbench_tasks import dep, ner, nli, pos, qa, text
try:
    {}
except Exception as error:
    print(type(error).__name__, error)
"""
NER = """d, = ner.xlbench_task_data()
    print(d.fingerprint('eng', 'test'), d.examples('eng', 'test'), d.examples('eng', 'test', 1))"""
POS = "d, = pos.xlbench_task_data(); print(d.examples('eng', 'test'))"
DEP = "d, = dep.xlbench_task_data(); print(d.examples('eng', 'test'))"
TYDI = """d, _ = qa.xlbench_task_data()
    print(d.examples('fin', 'test'), d.examples('eng', 'test', 1), d.fingerprint('eng', 'test'))"""
XQUAD_ZHO = "_, d = qa.xlbench_task_data(); print(d.examples('zho', 'test'))"
NLI = "d, = nli.xlbench_task_data(); print(d.examples('eng', 'test'))"
TEXT = "d, = text.xlbench_corpora(); print(d.fingerprint('eng'), d.lines('eng', 3))"


def parquet(features: dict[str, Any], rows: list[dict[str, Any]]) -> bytes:
    disable_progress_bars()
    file = io.BytesIO()
    Dataset.from_list(rows, features=Features(features)).to_parquet(file)
    return file.getvalue()


def repository(
    config: str, split: str, features: dict[str, Any], rows: list[dict[str, Any]]
) -> dict[str, bytes]:
    card = f"---\nconfigs:\n- config_name: {config}\n  data_files:\n"
    card += f"  - split: {split}\n    path: {config}/{split}-*\n---\n"
    return {"README.md": card.encode(), f"{config}/{split}-00000-of-00001.parquet": parquet(features, rows)}


def run(code: str, home: Path, url: str, **more: str) -> tuple[str, str]:
    env = {**os.environ, "HF_ENDPOINT": url, "HF_HOME": str(home), **more}
    done = subprocess.run(
        [sys.executable, "-c", READ.format(code)],
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip(), done.stderr


NOWHERE = "http://127.0.0.1:1"
ORDER = ["O", "B-ORG", "I-ORG", "B-PER", "I-PER", "B-LOC", "I-LOC"]
"""Not the task's own order: only names may count."""


def test_labels_go_by_name_and_the_cache_serves_without_a_network(tmp_path: Path) -> None:
    features = {"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=ORDER))}
    rows = [{"tokens": ["Ada", "in", "Rom"], "ner_tags": [3, 0, 5]}, {"tokens": ["x"], "ner_tags": [0]}]
    both = [Tagged(("Ada", "in", "Rom"), ("B-PER", "O", "B-LOC")), Tagged(("x",), ("O",))]
    said = f"en@{COMMIT} {both} {both[:1]}"
    with serving("unimelb-nlp/wikiann", repository("en", "test", features, rows)) as url:
        assert run(NER, tmp_path, url) == (said, "")
    assert run(NER, tmp_path, NOWHERE) == (said, "")
    assert run(NER, tmp_path, NOWHERE, HF_HUB_OFFLINE="1") == (said, "")


def test_another_commit_in_the_cache_is_not_taken_for_the_right_one(tmp_path: Path) -> None:
    features = {"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=ORDER))}
    files = repository("en", "test", features, [{"tokens": ["x"], "ner_tags": [0]}])
    with serving("unimelb-nlp/wikiann", files) as url:
        run(NER, tmp_path, url)
    other = {"README.md": b"changed " + files["README.md"]}
    with serving("unimelb-nlp/wikiann", other, commit="f" * 40) as url:
        out, _ = run("d, = ner.xlbench_task_data(); print(d.fingerprint('eng', 'test'))", tmp_path, url)
        assert out == f"en@{'f' * 40}"
    out, _ = run(NER, tmp_path, NOWHERE)
    assert out.startswith("DataError unimelb-nlp/wikiann: not to be had")


def test_a_label_outside_the_set(tmp_path: Path) -> None:
    features = {"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=["O", "B-FOO"]))}
    files = repository(
        "en", "test", features, [{"tokens": ["a"], "ner_tags": [0]}, {"tokens": ["b"], "ner_tags": [1]}]
    )
    with serving("unimelb-nlp/wikiann", files) as url:
        out, _ = run(NER, tmp_path, url)
    assert out == "DataError unimelb-nlp/wikiann (en, test) row 1: unknown label 'B-FOO'; take other data"


def test_treebanks_leave_ranges_out(tmp_path: Path) -> None:
    features = {"tokens": List(Value("string")), "upos": List(ClassLabel(names=["_", "DET", "ADP"]))}
    rows = [{"tokens": ["im", "in", "dem"], "upos": [0, 2, 1]}]
    with serving("commul/universal_dependencies", repository("en_ewt", "test", features, rows)) as url:
        out, _ = run(POS, tmp_path, url)
    assert out == str([Tagged(("in", "dem"), ("ADP", "DET"))])


TREES = {"tokens": List(Value("string")), "head": List(Value("string")), "deprel": List(Value("string"))}


def test_trees_leave_ranges_and_subtypes_out(tmp_path: Path) -> None:
    rows = [{"tokens": ["im", "in", "dem"], "head": [None, "2", "0"], "deprel": ["_", "case:loc", "root"]}]
    with serving("commul/universal_dependencies", repository("en_ewt", "test", TREES, rows)) as url:
        out, _ = run(DEP, tmp_path, url)
    assert out == str([Parsed(("in", "dem"), (2, 0), ("case", "root"))])


@pytest.mark.parametrize(
    ("head", "relation", "said"),
    [
        ("1", "root", "row 0: word 1: no word of the sentence hangs from the root, 0; take other data"),
        ("0", "ROOT", "row 0: unknown label 'ROOT'; take other data"),
    ],
)
def test_a_bad_tree_names_its_row(tmp_path: Path, head: str, relation: str, said: str) -> None:
    rows = [{"tokens": ["a"], "head": [head], "deprel": [relation]}]
    with serving("commul/universal_dependencies", repository("en_ewt", "test", TREES, rows)) as url:
        out, _ = run(DEP, tmp_path, url)
    assert out == f"DataError commul/universal_dependencies (en_ewt, test) {said}"


ANSWERS = {"text": List(Value("string")), "answer_start": List(Value("int32"))}
QUESTIONS = {
    "id": Value("string"),
    "question": Value("string"),
    "context": Value("string"),
    "answers": ANSWERS,
}


def row(number: str, start: int = 3) -> dict[str, Any]:
    found = {"text": ["Rom"], "answer_start": [start]}
    return {"id": number, "question": "Wo?", "context": "In Rom.", "answers": found}


def test_questions_of_a_language_are_found_by_their_ids(tmp_path: Path) -> None:
    one = Answered("Wo?", "In Rom.", ("Rom",), (3,))
    rows = [row("english-1"), row("finnish-2"), row("english-3"), row("finnish-4")]
    files = repository("secondary_task", "validation", QUESTIONS, rows)
    with serving("google-research-datasets/tydiqa", files) as url:
        out, _ = run(TYDI, tmp_path, url)
    assert out == f"{[one, one]} {[one]} secondary_task@{COMMIT}"


def test_an_answer_that_is_elsewhere_names_its_row(tmp_path: Path) -> None:
    files = repository("xquad.zh", "validation", QUESTIONS, [row("a"), row("b", 4)])
    with serving("google/xquad", files) as url:
        out, _ = run(XQUAD_ZHO, tmp_path, url)
    assert out == (
        "DataError google/xquad (xquad.zh, validation) row 1: answer_start 4 does not match the answer "
        "'Rom'; it is at 3; take other data"
    )


def test_what_is_tested_on_and_what_can_be_trained_on() -> None:
    assert set(TYDIQA.languages("train")) == set(TYDIQA.languages("test"))
    assert len(TYDIQA.languages("test")) == 9
    assert not TYDIQA.languages("dev")
    assert len(XQUAD.languages("test")) == 12
    assert not XQUAD.languages("train")
    assert set(XQUAD.languages("test")) <= languages.codes()
    (trees,) = dep.xlbench_task_data()
    assert trees.languages("train") == DATA["ud"].languages("train")


def test_inference_pairs(tmp_path: Path) -> None:
    label = ClassLabel(names=["contradiction", "entailment", "neutral"])
    features = {"premise": Value("string"), "hypothesis": Value("string"), "label": label}
    rows = [{"premise": "p", "hypothesis": "h", "label": 1}]
    with serving("facebook/xnli", repository("en", "test", features, rows)) as url:
        out, _ = run(NLI, tmp_path, url)
    assert out == "[Classified(texts=('p', 'h'), label='entailment')]"


def test_wikipedia_is_streamed_line_by_line(tmp_path: Path) -> None:
    rows = [{"text": "Title\n\n One. \nTwo."}, {"text": "Three."}]
    files = repository("20231101.en", "train", {"text": Value("string")}, rows)
    with serving("wikimedia/wikipedia", files) as url:
        out, _ = run(TEXT, tmp_path, url)
    assert out == f"20231101.en@{COMMIT} ['Title', 'One.', 'Two.']"


@pytest.mark.parametrize(
    ("code", "repo", "instead"),
    [
        (NER, "unimelb-nlp/wikiann", "--data ner=FOLDER"),
        (POS, "commul/universal_dependencies", "--data pos=FOLDER"),
        (NLI, "facebook/xnli", "--data nli=FOLDER"),
        (TEXT, "wikimedia/wikipedia", "--text FOLDER"),
    ],
)
def test_no_network_and_nothing_cached_is_one_line(
    tmp_path: Path, code: str, repo: str, instead: str
) -> None:
    out, err = run(code, tmp_path, NOWHERE)
    assert out.startswith(f"DataError {repo}: not to be had")
    assert instead in out
    assert len(out.splitlines()) == 1
    assert err == ""


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_languages_are_known_without_a_network(data: Any) -> None:
    assert isinstance(data, TaskData)
    assert set(data.languages("dev")) <= set(data.languages("test")) <= languages.codes()
    assert "eng" in data.languages("train")


def test_every_configuration_of_wikiann_is_used() -> None:
    assert set(DATA["wikiann"].configs.values()) == ner.WIKIANN
    assert len(ner.WIKIANN) == 176 - 3
