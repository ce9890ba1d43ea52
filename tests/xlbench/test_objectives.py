"""The objectives: what a step is, against plain loops and independent definitions."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from architectures import language_model, write
from hypothesis import given
from hypothesis import strategies as st
from made import study_over

from xlbench import api, load_results
from xlbench.contracts import Resolved, Study
from xlbench.errors import DataError, JobError, PluginError, XlbenchError
from xlbench.lab import Lab
from xlbench.lab.objectives.causal import Causal, CausalBatch
from xlbench.lab.objectives.span_corruption import SpanCorruption, corrupted, sentinels_of
from xlbench.results import Store


def study(checkpoint: Path, family: Any) -> Resolved:
    return dataclasses.replace(study_over(checkpoint, ("tags",)), family=family)


def lab_of(resolved: Resolved, folder: Path) -> Lab:
    return Lab(resolved, resolved.model.checkpoint, folder, device="cpu", threads=1)


def same_weights(lab: Lab, model: Any) -> None:
    """Each of our weights, against those of a model of transformers."""
    theirs = dict(model.named_parameters())
    for name, ours in lab.encoder.weights().items():
        plain = name.removeprefix("body.").removeprefix("masked_lm.")
        (other,) = (x for key, x in theirs.items() if key in (plain, f"model.{plain}"))
        torch.testing.assert_close(ours, other, rtol=0, atol=1e-6)


def test_causal_finetuning_is_a_plain_loop(tmp_path: Path) -> None:
    from transformers import get_scheduler

    checkpoint = write("llama", tmp_path / "checkpoint")
    resolved = study(checkpoint, "decoder")
    lab = lab_of(resolved, tmp_path)
    steps, how = 3, resolved.mlm
    last = lab.finetune("qaa", steps=steps, seed=7)

    model = language_model("llama").from_pretrained(checkpoint).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=how.learning_rate, weight_decay=0.0)
    decay = get_scheduler("linear", optimizer, num_warmup_steps=0, num_training_steps=steps)
    text = lab.texts.chunks("qaa", how.lines, how.chunk)
    order = np.random.default_rng([7, 0]).permutation(len(text))
    for step in range(steps):
        ids = torch.from_numpy(text[order[step * how.batch_size :][: how.batch_size]].astype(np.int64))
        loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay.step()
    assert last == pytest.approx(loss.item(), abs=1e-6)
    same_weights(lab, model)


def test_span_corruption_finetuning_is_a_plain_loop(tmp_path: Path) -> None:
    from transformers import get_scheduler

    checkpoint = write("mt5", tmp_path / "checkpoint", dropout_rate=0.0)
    resolved = study(checkpoint, "encoder-decoder")
    lab = lab_of(resolved, tmp_path)
    steps, how = 3, resolved.mlm
    last = lab.finetune("qaa", steps=steps, seed=7)

    model = language_model("mt5").from_pretrained(checkpoint).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=how.learning_rate, weight_decay=0.0)
    decay = get_scheduler("linear", optimizer, num_warmup_steps=0, num_training_steps=steps)
    text = lab.texts.chunks("qaa", how.lines, how.chunk)
    batches = SpanCorruption().batches(text, lab.encoder, how, 7)
    for _, batch in zip(range(steps), batches, strict=False):
        labels = torch.from_numpy(np.where(batch.kept, batch.gold, -100))
        ids, attention = torch.from_numpy(batch.ids), torch.from_numpy(batch.attention)
        loss = model(input_ids=ids, attention_mask=attention, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay.step()
    assert last == pytest.approx(loss.item(), abs=1e-6)
    same_weights(lab, model)


def test_causal_loss_ignores_padding(tmp_path: Path) -> None:
    checkpoint = write("gpt2", tmp_path / "checkpoint")
    encoder = lab_of(study(checkpoint, "decoder"), tmp_path).encoder
    rng = np.random.default_rng(0)
    rows = [rng.integers(5, 60, size) for size in (12, 7, 1, 9)]
    ids = np.zeros((4, 12), np.int64)
    attention = np.zeros_like(ids)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        attention[row, : len(tokens)] = 1
    numbers = np.arange(4)
    with torch.no_grad():
        padded = Causal().loss(encoder, CausalBatch(ids, attention, numbers)).item()
        other = np.where(attention == 1, ids, 33)
        assert Causal().loss(encoder, CausalBatch(other, attention, numbers)).item() == padded
        alone = [
            Causal().loss(encoder, CausalBatch(x[None], np.ones_like(x[None]), numbers[:1])).item()
            for x in rows if len(x) > 1
        ]  # fmt: skip
    weights = [len(x) - 1 for x in rows if len(x) > 1]
    assert Causal().places(CausalBatch(ids, attention, numbers)) == sum(weights)
    assert padded == pytest.approx(np.average(alone, weights=weights), abs=1e-5)


SENTINELS = list(range(1000, 1100))


@given(
    size=st.integers(2, 300),
    density=st.floats(0.01, 0.6),
    seed=st.integers(0, 2**32 - 1),
)
def test_span_corruption_is_what_its_definition_says(size: int, density: float, seed: int) -> None:
    """Raffel et al. 2020, without its way to the spans: numbers, order, and nothing lost."""
    tokens = np.arange(size)
    source, target = corrupted(tokens, SENTINELS, density, np.random.default_rng(seed))
    lost: dict[int, list[int]] = {}
    for token in target:
        if token >= 1000:
            lost[token] = []
        else:
            lost[max(lost)].append(token)
    whole: list[int] = []
    for token in source:
        whole += lost[token] if token >= 1000 else [token]
    assert whole == tokens.tolist()
    cut = min(max(round(size * density), 1), size - 1)
    spans = min(max(round(cut / 3), 1), cut, size - cut)
    assert sum(map(len, lost.values())) == cut
    assert list(lost) == [x for x in source if x >= 1000] == SENTINELS[:spans]
    assert all(lost.values())
    assert source[0] < 1000 <= source[-1]  # kept first, a span last
    assert all(a < 1000 or b < 1000 for a, b in pairwise(source))


def test_all_ways_to_place_spans_are_equally_likely() -> None:
    rng = np.random.default_rng(0)
    seen: Counter[tuple[int, ...]] = Counter()
    for _ in range(5000):
        source, _target = corrupted(np.arange(12), SENTINELS, 0.5, rng)
        seen[tuple(source)] += 1
    assert len(seen) == 25  # 5 ways to part 6 tokens in two, for what is kept and for what is cut out
    assert max(abs(x - 200) for x in seen.values()) < 5 * 200**0.5


def test_short_texts_are_corrupted_too() -> None:
    rng = np.random.default_rng(0)
    assert corrupted(np.array([7]), SENTINELS, 0.15, rng) == ([1000], [1000, 7])
    assert corrupted(np.array([], np.int64), SENTINELS, 0.15, rng) == ([], [])
    with pytest.raises(DataError, match=r"5 spans are cut out of a chunk of 100 tokens, and .* 2 sentinels"):
        corrupted(np.arange(100), SENTINELS[:2], 0.15, rng)


def test_sentinels_are_found_by_either_name() -> None:
    class Named:
        def __init__(self, names: list[str]) -> None:
            self.names = names

        def get_vocab(self) -> dict[str, int]:
            return {x: i for i, x in enumerate(self.names)}

    assert sentinels_of(Named(["a", "<extra_id_1>", "<extra_id_0>", "<extra_id_3>"])) == [2, 1]
    assert sentinels_of(Named(["▁<extra_id_0>", "▁a", "▁<extra_id_1>"])) == [0, 2]


def test_a_wild_rate_fails_the_job_alone(tmp_path: Path) -> None:
    checkpoint = write("mt5", tmp_path / "checkpoint")
    resolved = study(checkpoint, "encoder-decoder")
    wild = dataclasses.replace(resolved, mlm=dataclasses.replace(resolved.mlm, learning_rate=1e30))
    with pytest.raises(JobError, match=r"loss became .*; lower mlm\.learning_rate"):
        lab_of(wild, tmp_path).finetune("qaa", steps=3, seed=0)


GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "writing-a-plugin.md"
REPLACED = "# my_objective.py" + GUIDE.read_text("utf-8").split("# my_objective.py")[1].split("```")[0]
"""The guide's own example."""


def asked(**mlm: Any) -> Study:
    return Study(
        model="tiny", probes=("transfer",), tasks=("pos",), transfer=("qab",), targets=("qab",),
        train_languages=("qaa",), steps=(1,), seeds=(0,), controls=(), limit=4, text="artificial",
        data={"pos": ("artificial",)}, adapter={"epochs": 1, "limit": 12},
        mlm={"chunk": 16, "batch_size": 2, "lines": 20, **mlm},
    )  # fmt: skip


def test_an_objective_of_one_file_is_studied_to_a_score(tmp_path: Path) -> None:
    path = tmp_path / "replaced.py"
    path.write_text(REPLACED, "utf-8")
    own = api.plan(asked(), results=tmp_path / "own", plugins=[path]).todo
    theirs = api.plan(asked(objective="replaced"), results=tmp_path / "theirs", plugins=[path]).todo
    same = api.plan(asked(objective="masked"), results=tmp_path / "own", plugins=[path]).todo
    assert [x.identity for x in same] == [x.identity for x in own]
    both = {x.identity for x in own} & {x.identity for x in theirs}
    assert both == {x.identity for x in own if "text" not in x.condition}  # the baseline
    done = api.run(
        asked(objective="replaced"), results=tmp_path / "theirs", workers=1, device="cpu", plugins=[path]
    )
    assert (done.run, done.failed) == (len(theirs), {})
    found = load_results(tmp_path / "theirs", plugins=[path])
    assert len(found) == len(theirs)
    named = [x["plugins"].get("objective replaced") for x in Store(tmp_path / "theirs").provenances()]
    assert len([x for x in named if x]) == len([x for x in theirs if "text" in x.condition])
    assert found["score"].between(0, 100).all()


@pytest.mark.parametrize(
    ("load", "says"),
    [
        ("lambda: 3", "what load gives, a int, has no method batches or loss or places"),
        ("lambda: 1 / 0", "load raises ZeroDivisionError: division by zero"),
        ("lambda: type('X', (Replaced,), {'loss': lambda *x: None})()", "loss must give a tensor of one num"),
        ("lambda: type('X', (Replaced,), {'batches': lambda *x: iter([7])})()", "inputs whose `chunks` are"),
        ("lambda: type('X', (Replaced,), {'batches': lambda *x: iter(())})()", "inputs without end"),
    ],
)
def test_an_objective_that_does_not_work_is_one_line(
    load: str, says: str, resolved: Resolved, tmp_path: Path
) -> None:
    path = tmp_path / "replaced.py"
    path.write_text(REPLACED.replace("load=Replaced", f"load={load}"), "utf-8")
    spec = importlib.util.spec_from_file_location("replaced", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (one,) = module.xlbench_objectives()
    method = dataclasses.replace(
        resolved.method, objectives={"replaced": one}, owners={("objective", "replaced"): "a file"}
    )
    mlm = dataclasses.replace(resolved.mlm, objective="replaced")
    lab = lab_of(dataclasses.replace(resolved, method=method, mlm=mlm), tmp_path)
    with pytest.raises(PluginError, match=r"objective 'replaced' \(a file\)") as caught:
        lab.finetune("qaa", steps=1, seed=0)
    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("mlm", "says"),
    [
        ({"objective": "maskd"}, "no objective 'maskd'.*masked"),
        ({"objective": "causal"}, "mlm.objective 'causal' cannot train the model, .* encoder; choose masked"),
    ],
)
def test_an_objective_that_cannot_be_had_is_one_line(mlm: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(XlbenchError, match=says):
        api.plan(asked(**mlm), results=tmp_path)


def test_what_an_objective_does_not_read_is_refused(tmp_path: Path) -> None:
    checkpoint = write("llama", tmp_path / "llama")
    study = dataclasses.replace(asked(mask_probability=0.3), model=str(checkpoint))
    with pytest.raises(XlbenchError, match=r"mlm\.mask_probability is not read by the objective causal"):
        api.plan(study, results=tmp_path / "results")


def test_an_encoder_decoder_has_no_likelihood_that_could_be_compared(tmp_path: Path) -> None:
    checkpoint = write("t5", tmp_path / "t5")
    study = dataclasses.replace(asked(), model=str(checkpoint), tasks=("lm",), data={}, adapter={})
    with pytest.raises(XlbenchError, match=r"task lm reads the probability of a text .*span-corruption"):
        api.plan(dataclasses.replace(study, train_languages=()), results=tmp_path / "results")
