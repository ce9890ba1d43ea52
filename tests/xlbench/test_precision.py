"""bfloat16: its own identities, torch's own autocast, and float32 wherever numbers are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made import study_over

import xlbench
from xlbench import Study, api
from xlbench.errors import ModelError
from xlbench.lab import Lab
from xlbench.lab.encoder import Encoder
from xlbench.models import checkpoints

STUDY = Study(
    probes=("transfer",), tasks=("pos",), transfer=("qaa",), targets=("qaa", "qab"),
    train_languages=("qaa",), steps=(2,), seeds=(0,), controls=(), limit=40,
    readings=("put-back",),
    adapter={"limit": 100, "epochs": 1}, mlm={"chunk": 32, "batch_size": 4},
)  # fmt: skip
REDUCED = replace(STUDY, precision="bfloat16")


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lab]:
    """By precision, on the same weights."""
    found = {}
    for study in (STUDY, REDUCED):
        ready = api.prepare(api.Request(study, results=tmp_path_factory.mktemp("results")))
        place = checkpoints.download(ready.checkpoint)
        found[study.precision or "float32"] = Lab(
            ready.resolved, str(place), ready.store.adapters, device="cpu", threads=1
        )
    return found


def test_it_is_part_of_every_identity_and_float32_said_is_float32_not_said(tmp_path: Path) -> None:
    plans = [
        {job.identity for job in api.plan(x, results=tmp_path).jobs}
        for x in (STUDY, replace(STUDY, precision="float32"), REDUCED)
    ]
    assert plans[0] == plans[1]
    assert not plans[0] & plans[2]


def test_the_encoder_computes_as_torch_does_under_autocast(labs: dict[str, Lab]) -> None:
    lab = labs["bfloat16"]
    lab.task_adapter("pos")
    lab.restore()
    cells = lab.resolved.cells("pos")
    batch = lab.stream(cells)[1][0]
    lab.encoder.use_task_adapter("pos")
    with torch.inference_mode():
        ours = lab.encoder.outputs(batch).logits
        with torch.autocast("cpu", torch.bfloat16):
            theirs = lab.encoder.model(input_ids=batch.ids.long(), attention_mask=batch.attention).logits
        exact = lab.encoder.model(input_ids=batch.ids.long(), attention_mask=batch.attention).logits
    assert ours.dtype == torch.float32
    assert torch.equal(ours, theirs.float())
    assert not torch.equal(ours, exact)
    assert torch.nn.functional.cosine_similarity(ours.flatten(), exact.flatten(), dim=0) > 0.999


def test_finetuning_keeps_weights_in_float32_and_ends_near(labs: dict[str, Lab]) -> None:
    losses = {}
    ended = {}
    for name, lab in labs.items():
        losses[name] = lab.finetune("qaa", steps=2, seed=0)
        ended[name] = lab.encoder.weights()
        lab.restore()
    assert {x.dtype for x in ended["bfloat16"].values()} == {torch.float32}
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)
    moved = {
        name: torch.cat([(end - lab.encoder.weights()[key]).flatten() for key, end in ended[name].items()])
        for name, lab in labs.items()
    }
    assert not torch.equal(moved["bfloat16"], moved["float32"])
    assert torch.nn.functional.cosine_similarity(moved["bfloat16"], moved["float32"], dim=0) > 0.8


def test_a_study_in_both_keeps_both(tmp_path: Path) -> None:
    for study in (STUDY, REDUCED):
        assert not xlbench.run(study, results=tmp_path, workers=1).failed
    frame = xlbench.load_results(tmp_path)
    frame = frame[frame.probe == "transfer"]
    by_model = frame.pivot(index="target", columns="condition.model", values="score")
    assert by_model.shape == (2, 2)
    assert sum(name.endswith("-bfloat16") for name in by_model.columns) == 1
    assert np.abs(by_model.iloc[:, 0] - by_model.iloc[:, 1]).max() < 10


def test_a_device_without_it_is_one_line(checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="no bfloat16 on the device meta; leave out --precision"):
        Encoder(str(checkpoint), torch.device("meta"), "bfloat16")


@pytest.mark.parametrize("kind", ["trees", "questions"])
def test_kinds_that_go_on_from_hidden_states_take_it(checkpoint: Path, tmp_path: Path, kind: str) -> None:
    resolved = study_over(checkpoint, (kind,))
    resolved = replace(resolved, study=replace(resolved.study, precision="bfloat16"))
    lab = Lab(resolved, str(checkpoint), tmp_path, device="cpu", threads=1)
    lab.task_adapter(kind)
    cells = resolved.cells(kind)[:1]
    (evaluation,) = lab.evaluate(cells)
    assert evaluation.counts.shape[0] == len(resolved.examples(kind, cells[0].target, "test"))
