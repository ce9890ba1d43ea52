"""Dependency parsing: the reader against `conllu`, the scores against a scorer of files, and bad trees."""

from pathlib import Path

import conllu
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifest import sizes

from xlbench.contracts import Parsed
from xlbench.errors import DataError
from xlbench.readers.conllu import read_trees, tree_fault
from xlbench_tasks import dep

WORD = "{}\t{}\t_\t{}\t_\t_\t{}\t{}\t_\t_\n"


def read(path: Path, text: str, limit: int | None = None) -> list[Parsed]:
    path.write_text(text, "utf-8")
    return read_trees(path, limit, dep.RELATION_MAP)


def test_the_task() -> None:
    (task,) = dep.xlbench_tasks()
    assert len(set(task.labels)) == 37
    assert (task.kind, task.metric.name, [name for name, _ in task.metric.others]) == (
        "parsing", "LAS", ["UAS"],
    )  # fmt: skip


def test_only_syntactic_words_and_universal_relations(tmp_path: Path) -> None:
    text = (
        "# text = im _ x\n"
        + WORD.format("1-2", "im", "_", "_", "_")
        + WORD.format(1, "in", "ADP", 3, "case:loc")
        + WORD.format(2, "dem", "DET", 3, "det")
        + WORD.format("2.1", "leer", "VERB", "_", "_")
        + WORD.format(3, "_", "X", 0, "root")
        + "\n"
        + WORD.format(1, "ja", "INTJ", 0, "root")
        + "\n"
    )
    spans = ((0, 2), (0, 2), (3, 4))
    first = Parsed(("in", "dem", "_"), (3, 3, 0), ("case", "det", "root"), "im _", spans)
    assert read(tmp_path / "a", text) == [first, Parsed(("ja",), (0,), ("root",), "ja", ((0, 2),))]
    assert read(tmp_path / "a", text, 1) == [first]


def arcs(*pairs: tuple[object, str]) -> str:
    return "".join(WORD.format(i, "w", "X", h, r) for i, (h, r) in enumerate(pairs, 1)) + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (arcs((0, "root"), (3, "obj")), r"a:2: HEAD \(column 7\) is '3'; .* 1 to 2, or the root, 0"),
        (arcs((0, "root"), ("-1", "obj")), r"a:2: HEAD \(column 7\) is '-1'"),
        (arcs((0, "root"), ("_", "obj")), r"a:2: HEAD \(column 7\) is '_'"),
        (arcs((0, "root"), (1, "_")), r"a:2: DEPREL \(column 8\) is '_', no universal relation"),
        (arcs((0, "root"), (1, "subj")), r"a:2: DEPREL \(column 8\) is 'subj'"),
        (arcs((0, "root"), (0, "root")), r"a:2: HEAD \(column 7\): a second word .* hangs from the root"),
        (arcs((2, "obj"), (1, "obj")), r"a:1: HEAD \(column 7\): no word .* hangs from the root"),
        (arcs((0, "root"), (3, "obj"), (2, "obj")), r"a:2: HEAD \(column 7\): the word hangs from itself"),
        (arcs((0, "root"), (2, "obj")), r"a:2: HEAD \(column 7\): the word hangs from itself"),
        (WORD.format(1, "a", "X", 0, "root") + "2\tb\tc\n\n", r"a:2: 3 columns where CoNLL-U has 10"),
        (
            WORD.format(1, "_", "X", 0, "root")
            + WORD.format(2, "_", "X", 1, "obj")
            + WORD.format(3, ".", "PUNCT", 1, "punct")
            + "\n",
            r"a: 2 of 3 words is `_`: this treebank comes without its text",
        ),
    ],
)
def test_bad_trees_are_refused_with_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        read(tmp_path / "a", text)
    assert "\n" not in str(error.value)


@given(st.integers(1, 7).flatmap(lambda n: st.lists(st.integers(0, n), min_size=n, max_size=n)))
def test_a_fault_is_found_just_where_there_is_no_tree(heads: list[int]) -> None:
    n = len(heads)
    # A tree with one root: n arcs, one of them the root's, and all words within n steps of it.
    reach = np.eye(n + 1, dtype=bool)
    for word, head in enumerate(heads, 1):
        reach[head, word] = True
    reach = np.linalg.matrix_power(reach.astype(float), n + 1) > 0
    sound = heads.count(0) == 1 and bool(reach[0].all())
    wrong = tree_fault(heads)
    assert (wrong is None) == sound
    assert wrong is None or 0 <= wrong[0] < n


def test_the_hubs_rows_without_a_head_are_no_words() -> None:
    found = dep.decode(["im", "in", "dem"], [None, "2", "0"], ["_", "case:loc", "root"])
    assert found == Parsed(("in", "dem"), (2, 0), ("case", "root"))
    with pytest.raises(ValueError, match="a second word of the sentence hangs from the root"):
        dep.decode(["a", "b"], ["0", "0"], ["root", "root"])
    with pytest.raises(ValueError, match="head 5 in a sentence of 2 words"):
        dep.decode(["a", "b"], ["0", "5"], ["root", "obj"])
    with pytest.raises(KeyError):
        dep.decode(["a"], ["0"], ["ROOT"])


@pytest.mark.slow
def test_all_real_treebanks_against_conllu(shared_data: Path) -> None:
    data = dep.folder([shared_data / "ud"])
    found = {}
    for split in ("train", "dev", "test"):
        for language in data.languages(split):
            ours = data.examples(language, split)
            found[language, split] = len(ours)
            if split == "test":
                raw = "\n\n".join(data.files[language, split].read_text(encoding="utf-8").split("\n\n")[:60])
                theirs = [
                    [
                        (w["form"], w["head"], w["deprel"].split(":")[0])
                        for w in one
                        if isinstance(w["id"], int)
                    ]
                    for one in conllu.parse(raw)
                ]
                mine = [list(zip(x.words, x.heads, x.relations, strict=True)) for x in ours[:60]]
                assert mine == theirs, language
    assert found == sizes(shared_data, "ud/")


def conll_2018(gold: str, system: str) -> tuple[float, float]:
    """UAS and LAS of two files with the same words: F1 by head, and by head and universal relation."""

    def words(text: str) -> list[tuple[int, int, str, str]]:
        return [
            (
                number,
                *map(str, (line.split("\t")[0],)),
                line.split("\t")[6],
                line.split("\t")[7].split(":")[0],
            )
            for number, sentence in enumerate(text.split("\n\n"))
            for line in sentence.split("\n")
            if line.split("\t")[0].isdigit()
        ]

    true, guess = words(gold), words(system)
    scores = []
    for width in (3, 4):
        same = len({x[:width] for x in true} & {x[:width] for x in guess})
        precision, recall = same / len(guess), same / len(true)
        scores.append(100 * 2 * precision * recall / (precision + recall))
    return scores[0], scores[1]


@pytest.mark.parametrize("language", ["deu", "fin"])
def test_scores_equal_a_scorer_of_files_on_a_real_treebank(shared_data: Path, language: str) -> None:
    data = dep.folder([shared_data / "ud"])
    text = data.files[language, "test"].read_text(encoding="utf-8")
    rng = np.random.default_rng(0)
    lines, predicted = [], []
    for line in text.split("\n"):
        fields = line.split("\t")
        if fields[0].isdigit():
            if rng.random() < 0.3:
                fields[6] = str(rng.integers(0, 9))
            if rng.random() < 0.3:
                fields[7] = str(rng.choice(["nsubj:pass", "obl", "punct"]))
            predicted.append((int(fields[6]), fields[7]))
        lines.append("\t".join(fields))
    (task,) = dep.xlbench_tasks()
    counts, start = [], 0
    for example in data.examples(language, "test"):
        gold = tuple(zip(example.heads, example.relations, strict=True))  # type: ignore[union-attr]
        counts.append(task.metric.count(gold, predicted[start : start + len(gold)]))
        start += len(gold)
    sums = np.array(counts, np.float64).sum(0)
    assert start == len(predicted) == sums[2]
    ((_, uas),) = task.metric.others
    ours = float(uas(sums)), float(task.metric.score(sums))
    assert ours == pytest.approx(conll_2018(text, "\n".join(lines)), abs=1e-9)
    assert ours[0] > ours[1] > 30


def test_a_word_that_was_cut_off_is_wrong() -> None:
    (task,) = dep.xlbench_tasks()
    assert task.metric.count(((0, "root"), (1, "obj")), ((0, "root"), None)) == (1, 1, 2)
