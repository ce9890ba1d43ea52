"""Parsing and answer spans in the Lab: learned, stored, cut off, and against computations of another kind."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made import Made, study_over

from xlbench.contracts import (
    Answered,
    Composition,
    Fusion,
    LanguageAdapter,
    LanguageTraining,
    Parsed,
    Resolved,
    Tagged,
)
from xlbench.errors import DataError, JobError
from xlbench.lab import Lab
from xlbench.lab.encode import Tokenization
from xlbench.lab.kinds import span
from xlbench.lab.kinds.tree import best_tree

Make = Callable[..., Lab]
KINDS = ("trees", "questions")


@pytest.fixture
def study(checkpoint: Path) -> Resolved:
    return study_over(checkpoint, KINDS)


@pytest.fixture
def make(study: Resolved, checkpoint: Path, tmp_path: Path) -> Make:
    def build(one: Resolved = study, **options: object) -> Lab:
        return Lab(one, str(checkpoint), tmp_path / "adapters", device="cpu", threads=1, **options)  # type: ignore[arg-type]

    return build


def trained(study: Resolved, task: str, **how: object) -> Resolved:
    changed = dataclasses.replace(study.training[task], **how)  # type: ignore[arg-type]
    return dataclasses.replace(study, training={**study.training, task: changed})


def changed(study: Resolved, task: str, **what: object) -> Resolved:
    one = dataclasses.replace(study.tasks[task], **what)  # type: ignore[arg-type]
    return dataclasses.replace(study, tasks={**study.tasks, task: one})


def is_tree(heads: tuple[int, ...]) -> bool:
    """Every word reaches the root, and one alone at once."""

    def reaches(word: int) -> bool:
        for _ in heads:
            word = heads[word - 1]
            if word == 0:
                return True
        return False

    return heads.count(0) == 1 and all(reaches(word) for word in range(1, len(heads) + 1))


SCORES = st.one_of(st.floats(-50, 50, width=32), st.integers(-2, 2).map(float))


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 4).flatmap(lambda n: arrays(np.float32, (n, n + 1), elements=SCORES)))
def test_the_best_tree_is_the_best_of_all_trees(scores: np.ndarray) -> None:
    n = len(scores)
    trees = [x for x in itertools.product(range(n + 1), repeat=n) if is_tree(x)]
    assert len(trees) == n ** (n - 1)  # Cayley: labelled rooted trees
    worth = {x: float(scores.astype(np.float64)[range(n), x].sum()) for x in trees}
    found = tuple(best_tree(scores).tolist())
    assert worth[found] == pytest.approx(max(worth.values()), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(0, 10**6), st.booleans())
def test_whatever_the_scores_it_is_a_tree_with_one_root(n: int, seed: int, wild: bool) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, n + 1)) * (1e6 if wild else 1)
    scores[:, 0] += rng.choice([-10.0, 10.0])  # all words want the root, or none does
    assert is_tree(tuple(best_tree(scores).tolist()))


@pytest.mark.parametrize("task", KINDS)
def test_training_beats_the_baseline_and_what_is_stored_predicts_the_same(
    make: Make, study: Resolved, task: str
) -> None:
    longer = trained(study, task, epochs=25 if task == "trees" else 40, learning_rate=1e-2)
    lab = make(longer)
    folder = lab.task_adapter(task)
    cells = study.cells(task)
    metric = study.tasks[task].metric
    for evaluation, majority in zip(lab.evaluate(cells), lab.majority(cells), strict=True):
        assert float(metric.score(evaluation.counts.sum(0))) > majority + 15
    again = make(longer)
    assert again.task_adapter(task) == folder
    assert "train adapter" not in again.take_seconds()  # it was read from disk
    assert again.predict(cells) == lab.predict(cells)
    assert {x.name for x in folder.iterdir()} >= {"adapter_config.json", "head_config.json"}


@pytest.mark.parametrize("task", KINDS)
def test_predictions_do_not_depend_on_the_batch(make: Make, study: Resolved, task: str) -> None:
    briefly = trained(study, task, epochs=6, learning_rate=5e-3)
    wide, narrow = make(briefly, batch_tokens=5000), make(briefly, batch_tokens=1)
    wide.task_adapter(task)
    narrow.task_adapter(task)
    cells = study.cells(task)
    assert len(narrow.stream(cells)[1]) > 4 * len(wide.stream(cells)[1])
    predicted = wide.predict(cells)
    assert narrow.predict(cells) == predicted
    assert len({str(x) for one in predicted for x in one}) > 5


def test_every_predicted_parse_is_a_tree(make: Make, study: Resolved) -> None:
    lab = make()
    lab.task_adapter("trees")
    for language in lab.predict(study.cells("trees")):
        whole = [arcs for arcs in language if None not in arcs]
        assert len(whole) > 10
        for arcs in whole:
            assert is_tree(tuple(head for head, _ in arcs))
            assert {relation for _, relation in arcs} <= set(study.tasks["trees"].labels)


def test_arcs_and_relations_are_those_of_the_librarys_own_head(
    make: Make, study: Resolved, checkpoint: Path
) -> None:
    """What is saved is a head of `adapters`, which scores the same when the library runs it."""
    from adapters import AutoAdapterModel

    lab = make(trained(study, "trees", epochs=5, learning_rate=5e-3))
    folder = lab.task_adapter("trees")
    model = AutoAdapterModel.from_pretrained(checkpoint)
    name = model.load_adapter(str(folder), use_safetensors=True, set_active=True)
    model.set_active_adapters(name)
    model.active_head = name
    model.eval()
    model.heads[name].model_config.pad_token_id = -1  # where it looks for padding in `word_starts`
    (predicted, _) = lab.predict(study.cells("trees"))
    compared = 0
    for example, arcs in zip(study.data["trees"].examples("qaa", "test"), predicted, strict=True):
        assert isinstance(example, Parsed)
        lengths = [len(lab.encoder.tokenizer.tokenize(w)) for w in example.words]
        if sum(lengths) > 46:
            continue
        starts = 1 + np.concatenate([[0], np.cumsum(lengths)])
        ids = lab.encoder.tokenizer(list(example.words), is_split_into_words=True, return_tensors="pt")
        with torch.inference_mode():
            output = model(input_ids=ids["input_ids"], word_starts=torch.from_numpy(starts)[None])
        n = len(example.words)
        scores = output.arc_preds.reshape(-1, output.arc_preds.shape[-1])[:n, : n + 1].numpy()
        heads = best_tree(scores)
        relations = output.rel_preds[0, range(n), heads].argmax(-1)
        assert arcs == tuple(
            (int(h), study.tasks["trees"].labels[r]) for h, r in zip(heads, relations, strict=True)
        )
        compared += 1
    assert compared > 10


def test_words_that_are_cut_off_have_no_arc(make: Make, study: Resolved) -> None:
    lab = make(changed(study, "trees", max_length=12))
    lab.task_adapter("trees")
    cells = study.cells("trees")
    for evaluation, predicted in zip(lab.evaluate(cells), lab.predict(cells), strict=True):
        missing = sum(arc is None for arcs in predicted for arc in arcs)
        assert 0 < missing == evaluation.truncated
        assert evaluation.counts[:, 2].sum() == sum(len(arcs) for arcs in predicted)
        for arcs in predicted:  # what is left is a tree of its own, numbered as the whole sentence
            kept = [i for i, arc in enumerate(arcs, 1) if arc is not None]
            heads = tuple(0 if arc[0] == 0 else kept.index(arc[0]) + 1 for arc in arcs if arc is not None)
            assert is_tree(heads)


def test_a_head_that_is_cut_off_is_not_learned(make: Make, study: Resolved) -> None:
    """The word whose head is beyond the end adds nothing to the loss; nor does a batch of only such words."""
    words = ("ana",) * 20
    last = Parsed(words, (*[20] * 19, 0), (*["obj"] * 19, "root"))
    lab = make(changed(study, "trees", max_length=12))
    kind = lab.inputs.kind(study.tasks["trees"])
    encoded = kind.encode([last], Tokenization(lab.encoder.tokenizer, 12, frozenset()))
    targets = kind.targets(study.tasks["trees"], [encoded])
    assert set(targets[:19, 0]) == {-100}
    assert targets[19].tolist() == [0, 0]


def test_the_parsing_baseline_hangs_words_from_the_better_side(study: Resolved, make: Make) -> None:
    lab, task = make(), study.tasks["trees"]
    kind, how = lab.inputs.kind(task), Tokenization(lab.encoder.tokenizer, 48, frozenset())
    train = [
        Parsed(("ana", "beka", "koli"), (2, 3, 0), ("obl", "obl", "root")),
        Parsed(("ana", "beka"), (0, 1), ("root", "amod")),
    ]
    test = [Parsed(("pim", "zan", "oru", "ana"), (0, 1, 1, 1), ("root", "obj", "obj", "obj"))]
    train_set, test_set = (kind.encode(x, how) for x in (train, test))
    # To the right: three arcs of the first sentence; to the left: two of the second.
    assert kind.baseline(task, [train_set], test_set) == [
        ((2, "obl"), (3, "obl"), (4, "obl"), (0, "root")),
    ]


def windows(make: Make, study: Resolved, examples: list[Answered], length: int = 48) -> span.Windows:
    lab = make()
    how = Tokenization(lab.encoder.tokenizer, length, frozenset())
    encoded = lab.inputs.kind(study.tasks["questions"]).encode(examples, how)
    assert isinstance(encoded, span.Windows)
    return encoded


def test_windows_cover_the_context_and_point_at_the_answer(make: Make, study: Resolved) -> None:
    examples = list(study.data["questions"].examples("qaa", "test"))
    encoded = windows(make, study, examples)  # type: ignore[arg-type]
    assert len(encoded) > 2 * len(examples)
    assert max(len(x) for x in encoded.ids) <= 48
    for number, example in enumerate(examples):
        assert isinstance(example, Answered)
        mine = np.flatnonzero(encoded.example == number)
        covered = np.zeros(len(example.context), bool)
        told = 0
        for window in mine:
            for begin, end in encoded.offsets[window][encoded.places[window]]:
                covered[begin:end] = True
            first, last = encoded.spans[window]
            if last:
                begin, end = encoded.offsets[window][first][0], encoded.offsets[window][last][1]
                assert example.context[begin:end].strip() == "lakomi"
                told += 1
        assert told >= 1  # no answer falls between windows
        assert covered[[i for i, c in enumerate(example.context) if c != " "]].all()


def test_the_best_span_of_all_windows_is_taken(make: Make, study: Resolved) -> None:
    """Against every pair of pieces of every window, one by one, over plain softmax probabilities."""
    lab = make(trained(study, "questions", epochs=6, learning_rate=5e-3))
    lab.task_adapter("questions")
    cells = study.cells("questions")[:1]
    encoded = lab.encoded("questions", "qaa", "test")
    assert isinstance(encoded, span.Windows)
    assert encoded.types is not None
    (predicted,) = lab.predict(cells)
    best: dict[int, tuple[float, str]] = {}
    for number, ids in enumerate(encoded.ids):
        pieces, types = (torch.from_numpy(x).long()[None] for x in (ids, encoded.types[number]))
        with torch.inference_mode():
            output = lab.encoder.model(input_ids=pieces, token_type_ids=types)
        allowed = [0, *encoded.places[number].tolist()]
        start, end = (
            dict(zip(allowed, torch.softmax(x[0, allowed].double(), 0).tolist(), strict=True))
            for x in (output.start_logits, output.end_logits)
        )
        owner = int(encoded.example[number])
        for a in allowed[1:]:
            for b in allowed[1:]:
                if a <= b < a + span.ANSWER:
                    begin, stop = encoded.offsets[number][a][0], encoded.offsets[number][b][1]
                    text = encoded.contexts[owner][begin:stop].strip()
                    best[owner] = max(best.get(owner, (-1.0, "")), (start[a] * end[b], text))
    assert [x[0] for x in predicted] == [best[i][1] for i in range(len(encoded.contexts))]


def test_a_long_question_is_cut_and_counted(make: Make, study: Resolved) -> None:
    long = Answered(" ".join(["zan"] * 60), "ana lakomi", ("lakomi",), (4,))
    encoded = windows(make, study, [long, Answered("zan", "ana lakomi", ("lakomi",), (4,))])
    assert encoded.truncated == 1
    assert len(encoded) == 2
    assert all(len(x) <= 48 for x in encoded.ids)
    assert all(last > 0 for _, last in encoded.spans)


def test_the_span_baseline_says_the_first_words(make: Make, study: Resolved) -> None:
    task = study.tasks["questions"]
    kind = make().inputs.kind(task)
    train = windows(make, study, [Answered("zan", "oru ana", ("oru ana",), (0,))])
    more = int(train.spans[0, 1] - train.spans[0, 0])
    test = windows(make, study, [Answered("zan", "  pim tavo sira nelu", ("nelu",), (16,))])
    ((said,),) = kind.baseline(task, [train], test)
    place = test.places[0]
    assert said == "  pim tavo sira nelu"[: test.offsets[0][place[more]][1]].strip()
    assert said.startswith("pim")


@pytest.mark.parametrize("task", KINDS)
def test_broken_weights_fail_the_job(make: Make, study: Resolved, task: str) -> None:
    lab = make()
    lab.task_adapter(task)
    with torch.no_grad():
        lab.encoder.body.get_input_embeddings().weight.fill_(torch.nan)
    with pytest.raises(JobError, match=f"the {task} scores are not finite"):
        lab.evaluate(study.cells(task))


def test_data_of_another_kind_is_one_clear_line(make: Make, study: Resolved) -> None:
    tags = Made("tags")
    assert isinstance(tags.examples("qaa", "test")[0], Tagged)
    lab = make(dataclasses.replace(study, data={**study.data, "trees": tags}))
    with pytest.raises(DataError, match=r"made: Tagged in test of qaa, where trees needs Parsed"):
        lab.encoded("trees", "qaa", "test")


@pytest.mark.parametrize("task", KINDS)
def test_language_adapters_act_beneath_every_kind(make: Make, study: Resolved, task: str) -> None:
    lab = make()
    lab.task_adapter(task)
    cells = study.cells(task)
    adapters = tuple(LanguageAdapter("random", "", LanguageTraining(), seed) for seed in (0, 1))
    tuned = Composition(adapters, "tuned", fusion=Fusion(steps=2, learning_rate=1e-3, batch_size=4))
    assert [len(x) for x in lab.predict(cells, tuned)] == [25, 25]
    batch = lab.stream(cells)[1][0]
    with torch.inference_mode():
        mixed = lab.encoder.hidden(batch)
        lab.encoder.use_task_adapter(task)
        alone = lab.encoder.hidden(batch)
    assert not torch.allclose(mixed, alone, atol=1e-4)


def test_vectors_are_those_that_the_librarys_heads_get(make: Make, study: Resolved) -> None:
    lab = make()
    lab.task_adapter("questions")
    lab.encoder.use_task_adapter("questions")
    batch = lab.stream(study.cells("questions"))[1][0]
    assert batch.types is not None
    with torch.inference_mode():
        output = lab.encoder.model(
            input_ids=batch.ids.long(), attention_mask=batch.attention, token_type_ids=batch.types.long(),
            output_hidden_states=True, return_dict=True,
        )  # fmt: skip
        assert torch.equal(lab.encoder.hidden(batch), output.hidden_states[-1])
