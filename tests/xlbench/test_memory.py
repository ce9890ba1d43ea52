"""Memory that runs out: half batches give the numbers of whole ones, or the job says that it cannot go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import architectures
import numpy as np
import pytest
import torch
from made import study_over

import xlbench
from xlbench import Study
from xlbench.errors import JobError, MemoryUsedUpError, PluginError, ran_out
from xlbench.lab import Lab
from xlbench.lab.memory import learned
from xlbench.lab.random_state import get_random_state
from xlbench.running.executors import messages

SAID = (
    "[enforce fail at alloc_cpu.cpp:118] . DefaultCPUAllocator: can't allocate memory: you tried to allocate"
)
TASKS = ("tags", "trees", "questions")


@pytest.fixture(scope="module")
def dropping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights that drops a fifth of everything in training."""
    from transformers import BertForMaskedLM

    folder = tmp_path_factory.mktemp("dropping")
    config, tokenizer = architectures.bert()
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.2
    config.vocab_size = len(tokenizer)
    torch.manual_seed(1)
    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def lab(dropping: Path, tmp_path: Path) -> Lab:
    return Lab(study_over(dropping, TASKS), str(dropping), tmp_path, device="cpu", threads=1)


@contextmanager
def short_of_memory(
    rows: int, *, after: Callable[[torch.Tensor], None] = lambda x: None
) -> Iterator[list[int]]:
    """No layer takes more than so many inputs; gives the numbers of those that were tried."""
    from transformers.models.bert.modeling_bert import BertEmbeddings

    tried: list[int] = []
    whole = BertEmbeddings.forward

    def forward(self: Any, *args: Any, **named: Any) -> Any:
        found = whole(self, *args, **named)
        tried.append(len(found))
        if len(found) > rows:
            raise RuntimeError(f"{SAID} {len(found)} bytes.")
        after(found)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BertEmbeddings, "forward", forward)
        yield tried


def weights(lab: Lab, name: str = "") -> torch.Tensor:
    """Of an adapter and its head, or all. Without biases: the gradient of one that a softmax takes out again
    is rounding, which AdamW makes large.
    """
    own = [x for _, x in lab.encoder.weights_of(name)] if name else lab.encoder.own
    heads = lab.encoder.model.heads[name].parameters() if name else ()
    return torch.cat([x.detach().flatten() for x in (*own, *heads) if x.dim() > 1])


def far(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max())


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1)], ids=["as it lies", "turned in memory"])
@pytest.mark.parametrize(
    "drop",
    [
        lambda x: torch.nn.functional.dropout(x, 0.3),
        lambda x: torch.native_dropout(x, 0.3, True)[0],  # as on a GPU
        lambda x: torch.nn.functional.scaled_dot_product_attention(x, x, x, dropout_p=0.3),
    ],
    ids=["dropout", "native", "attention"],
)
def test_a_part_of_a_batch_is_dropped_as_in_the_whole(
    drop: Callable[[torch.Tensor], torch.Tensor], order: tuple[int, ...]
) -> None:
    back = [order.index(x) for x in range(4)]
    inputs = torch.randn([(5, 2, 7, 8)[x] for x in order]).permute(back).requires_grad_()
    torch.manual_seed(3)
    whole = drop(drop(inputs))
    whole.square().sum().backward()
    after, gradient = torch.get_rng_state(), inputs.grad
    assert gradient is not None
    inputs.grad = None
    torch.manual_seed(3)
    found: list[torch.Tensor] = []

    def loss(part: slice) -> torch.Tensor:
        found.append(drop(drop(inputs[part])))
        return found[-1].square().sum()

    learned(torch.device("cpu"), [(2, 1.0, lambda: loss(slice(0, 2))), (3, 1.0, lambda: loss(slice(2, 5)))])
    torch.testing.assert_close(torch.cat(found), whole)
    torch.testing.assert_close(inputs.grad, gradient)
    assert torch.equal(torch.get_rng_state(), after)


def test_half_batches_of_text_move_weights_as_whole_ones_with_the_same_dropout(lab: Lab) -> None:
    loss = lab.finetune("qaa", steps=3, seed=1)
    whole, random = weights(lab), get_random_state(lab.device)
    other = lab.finetune("qaa", steps=3, seed=2)
    moved = far(weights(lab), whole)
    lab.begin("0" * 40)
    with short_of_memory(2) as tried:
        assert lab.finetune("qaa", steps=3, seed=1) == pytest.approx(loss, rel=1e-5)
    assert tried == [4, 2, 2, 2, 2, 2, 2]  # it is tried once, and halved from then on
    assert lab.halved() == ["training"]
    assert far(weights(lab), whole) < 1e-6 < moved / 100
    assert all(map(torch.equal, get_random_state(lab.device), random))
    assert other != pytest.approx(loss, rel=1e-3)
    lab.begin("0" * 40)
    assert lab.halved() == []


@pytest.mark.parametrize("task", TASKS)
def test_half_batches_of_labels_train_the_adapter_of_whole_ones(
    dropping: Path, tmp_path: Path, task: str
) -> None:
    found = []
    for number, rows in enumerate((16, 8)):
        lab = Lab(
            study_over(dropping, (task,)), str(dropping), tmp_path / str(number), device="cpu", threads=1
        )
        with short_of_memory(rows) as tried:
            lab.task_adapter(task)
        assert (16 in tried[1:]) is (rows == 16)
        assert lab.halved() == [[], ["training"]][number]
        found.append(weights(lab, task))
    # Other dropout moves them by the learning rate, 1e-4, at every step.
    assert far(*found) < 1e-6


def test_half_batches_are_evaluated_as_whole_ones(lab: Lab) -> None:
    for task in TASKS:
        lab.task_adapter(task)
        cells = lab.resolved.cells(task)[:1]
        whole = lab.evaluate(cells)
        lab.begin("0" * 40)
        lab.task_adapter(task)
        most = max(len(x.members) for x in lab.stream(cells)[1])
        with short_of_memory((most + 1) // 2):
            halves = lab.evaluate(cells)
        assert lab.halved() == ["evaluation"]
        for one, other in zip(whole, halves, strict=True):
            np.testing.assert_allclose(one.counts, other.counts, rtol=1e-4, atol=1e-4)
            if one.loss is not None:
                np.testing.assert_allclose(one.loss, other.loss, rtol=1e-4, atol=1e-5)
    cells = lab.resolved.cells("tags")
    before = lab.represent(cells)
    with short_of_memory((max(len(x.members) for x in lab.stream(cells)[1]) + 1) // 2):
        after = lab.represent(cells)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_batch_is_halved_once(lab: Lab) -> None:
    with (
        short_of_memory(1),
        pytest.raises(JobError, match="half a batch of training too; use fewer --workers"),
    ):
        lab.finetune("qaa", steps=1, seed=1)
    lab.task_adapter("tags")
    with short_of_memory(1), pytest.raises(JobError, match="half a batch of evaluation too"):
        lab.evaluate(lab.resolved.cells("tags"))


@pytest.mark.parametrize("draw", [lambda x: torch.rand(3), lambda x: torch.empty(3, 2).bernoulli_(0.5)])
def test_what_draws_for_more_than_the_rows_of_a_batch_is_not_halved(
    lab: Lab, draw: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    with (
        short_of_memory(2, after=lambda x: draw(x)),  # type: ignore[arg-type, return-value]
        pytest.raises(JobError, match=r"cannot be halved without other random numbers \(aten"),
    ):
        lab.finetune("qaa", steps=1, seed=1)


def test_an_objective_that_cannot_halve_says_so(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from xlbench.lab.objectives.masked import Masked

    wrong = lambda self, batch: [(batch, self.places(batch))] * 2  # noqa: E731
    monkeypatch.setattr(Masked, "halves", wrong)
    with short_of_memory(2), pytest.raises(PluginError, match="halves must give all chunks and places"):
        lab.finetune("qaa", steps=1, seed=1)
    monkeypatch.delattr(Masked, "halves")
    with short_of_memory(2), pytest.raises(JobError, match="no method halves"):
        lab.finetune("qaa", steps=1, seed=1)


def test_other_errors_are_not_taken_for_memory() -> None:
    assert ran_out(MemoryError())
    assert ran_out(RuntimeError(SAID))
    assert ran_out(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert ran_out(OSError(12, "Cannot allocate memory"))
    blamed = PluginError("it failed")
    blamed.__cause__ = RuntimeError(SAID)
    assert ran_out(blamed)
    assert ran_out(ImportError("x.so: failed to map segment from shared object"))
    assert not ran_out(ImportError("No module named 'x'"))
    assert not ran_out(RuntimeError("shape mismatch"))
    assert not ran_out(OSError(28, "No space left on device"))
    assert not ran_out(ValueError("out of memory"))


def test_a_worker_without_memory_says_so() -> None:
    kind, name, text = messages.last(RuntimeError(SAID))
    assert kind == "fatal"
    error = messages.untold(name, text)
    assert isinstance(error, MemoryUsedUpError)
    assert "use fewer --workers" in str(error)


STUDY = Study(
    probes=("transfer",), tasks=("pos",), transfer=("qaa",), targets=("qaa", "qab"),
    train_languages=("qaa",), steps=(2,), seeds=(0,), controls=(), limit=40, readings=("put-back",),
    adapter={"limit": 60, "epochs": 1, "batch_size": 60}, mlm={"chunk": 32, "batch_size": 4},
)  # fmt: skip


@pytest.mark.slow
def test_a_study_short_of_memory_fails_or_ends_with_the_same_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, short = tmp_path / "whole", tmp_path / "short"
    with short_of_memory(1000) as tried:
        xlbench.run(STUDY, results=whole, device="cpu", workers=1)
    with short_of_memory(0):
        done = xlbench.run(STUDY, results=short, device="cpu", workers=1)
    assert done.run == 0
    assert all("memory ran out" in x or "not run" in x for x in done.failed.values())
    with short_of_memory((max(tried) + 1) // 2):
        done = xlbench.run(STUDY, results=short, device="cpu", workers=1)
    assert done.failed == {}
    names = [{x.name for x in folder.glob("jobs/*")} for folder in (whole, short)]
    assert names[0] == names[1]
    one, other = (xlbench.load_results(x).sort_values(["score"]) for x in (whole, short))
    np.testing.assert_allclose(one["score"], other["score"], atol=0.5)
    from xlbench.results import Store

    halved = [x.get("halved") for x in Store(short).provenances()]
    assert ["evaluation", "training"] in halved
    assert [x.get("halved") for x in Store(whole).provenances()] == [None] * len(halved)
    assert "memory ran out in a batch of evaluation; batches are halved" in capsys.readouterr().err


LIMITED = """
import resource, sys
from pathlib import Path
sys.path[:0] = {path!r}
import torch
from made import study_over
from dataclasses import replace
from xlbench.lab import Lab

resolved = study_over(Path({checkpoint!r}), ("tags",))
resolved = replace(resolved, mlm=replace(resolved.mlm, chunk=48, batch_size=1024))
lab = Lab(resolved, {checkpoint!r}, Path({folder!r}), device="cpu", threads=1)
lab.finetune("qaa", steps=1, seed=1)
whole = torch.cat([x.detach().flatten().clone() for x in lab.encoder.own])
lab.restore()
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
for spare in range(32, 2000, 24):
    lab.begin("0" * 40)
    resource.setrlimit(resource.RLIMIT_AS, (used + spare * 2**20, resource.RLIM_INFINITY))
    try:
        lab.finetune("qaa", steps=1, seed=1)
    except Exception as error:
        assert "memory ran out" in str(error), repr(error)
        continue
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    halves = torch.cat([x.detach().flatten() for x in lab.encoder.own])
    print(spare, lab.halved(), float((halves - whole).abs().max()))
    break
"""


@pytest.mark.slow
def test_memory_that_is_really_limited(dropping: Path, tmp_path: Path) -> None:
    path = [str(Path(__file__).parent.parent)]
    code = LIMITED.format(path=path, checkpoint=str(dropping), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    spare, halved, apart = (
        done.stdout.split(" ", 1)[0],
        "['training']" in done.stdout,
        done.stdout.split()[-1],
    )
    assert halved, done.stdout
    assert float(apart) < 1e-5, spare
