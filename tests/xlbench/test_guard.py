"""A probe that leaves the Lab in disorder changes nothing for the others."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from xlbench.contracts import Composition, LanguageAdapter, LanguageTraining, Resolved
from xlbench.lab import Lab
from xlbench.lab.guard import weights_digest

QUICK = LanguageTraining(learning_rate=5e-3, reduction_factor=4, chunk=16, batch_size=4, steps=2, checks=1)
UNDER = Composition((LanguageAdapter("trained", "qaa", QUICK, 0), LanguageAdapter("random", "", QUICK, 1)),
                    "untrained", seed=7)  # fmt: skip
KEY = "12ab" * 10


def head(lab: Lab) -> torch.nn.Parameter:
    return next(lab.encoder.model.heads["tags"].parameters())


def adapter(lab: Lab, name: str) -> torch.nn.Parameter:
    return next(p for n, p in lab.encoder.model.named_parameters() if f".{name}" in n and "adapters" in n)


def no_op(lab: Lab) -> None: ...


def weights(lab: Lab) -> None:
    with torch.no_grad():
        lab.encoder.own[3].add_(0.1)


def weights_past_the_counter(lab: Lab) -> None:
    lab.encoder.own[3].data.view(-1)[0] += 1  # torch's version of the parameter stays


def weights_as_numpy(lab: Lab) -> None:
    lab.encoder.own[-1].detach().numpy()[...] = 0


def other_storage(lab: Lab) -> None:
    lab.encoder.own[2].data = torch.zeros_like(lab.encoder.own[2])


def half(lab: Lab) -> None:
    lab.encoder.model.half()


def other_parameter(lab: Lab) -> None:
    layer = lab.encoder.body.encoder.layer[0].output.dense
    layer.weight = torch.nn.Parameter(torch.zeros_like(layer.weight))


def other_module(lab: Lab) -> None:
    lab.encoder.body.encoder.layer[1] = torch.nn.Identity()


def hook(lab: Lab) -> None:
    lab.encoder.body.encoder.layer[0].output.dense.register_forward_hook(lambda m, i, o: o * 0)


def forward(lab: Lab) -> None:
    lab.encoder.body.encoder.layer[0].output.dense.forward = lambda x: 0 * x[..., :32]


def buffers(lab: Lab) -> None:
    for buffer in lab.encoder.body.buffers():
        buffer.zero_()


def training_mode(lab: Lab) -> None:
    lab.encoder.train(True)


def dropout(lab: Lab) -> None:
    for module in lab.encoder.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.9


def active(lab: Lab) -> None:
    lab.encoder.use_no_adapter()


def task_adapter(lab: Lab) -> None:
    adapter(lab, "tags").data.add_(1)


def task_head(lab: Lab) -> None:
    head(lab).data.mul_(-1)


def language_adapters(lab: Lab) -> None:
    for p in lab.encoder.model.parameters():
        if not any(p is x for x in lab.encoder.own):
            p.data.mul_(3)


def deleted(lab: Lab) -> None:
    lab.encoder.delete_task_adapter("tags")


def further_adapter(lab: Lab) -> None:
    lab.attached.adding(LanguageTraining(reduction_factor=4))("mine")
    lab.encoder.model.set_active_adapters("mine")


def merged_into_the_weights(lab: Lab) -> None:
    lab.attached.adding(LanguageTraining(config="lora"))("mine")
    for name, parameter in lab.encoder.model.named_parameters():
        if ".mine." in name:
            parameter.data.normal_()
    lab.encoder.model.merge_adapter("mine")


def stacked_otherwise(lab: Lab) -> None:
    for module in lab.encoder.model.modules():
        if hasattr(module, "compose_stack"):
            module.compose_stack = lambda setup, state, lvl=0: state


def settings(lab: Lab) -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(3)
    torch.use_deterministic_algorithms(True)
    torch.autograd.set_grad_enabled(False)
    torch.set_float32_matmul_precision("medium")
    torch.set_autocast_enabled("cpu", True)


def trainable(lab: Lab) -> None:
    """Even this changes which kernel computes, and so rounding."""
    for parameter in lab.encoder.model.parameters():
        parameter.requires_grad_(not parameter.requires_grad)


def random_states(lab: Lab) -> None:
    torch.manual_seed(99)
    random.seed(99)
    np.random.seed(99)  # noqa: NPY002 - as a probe might


def modules_of(lab: Lab, name: str) -> list[torch.nn.Module]:
    return [m for n, m in lab.encoder.model.named_modules() if f".{name}" in f".{n}"]


def adapter_hook(lab: Lab) -> None:
    adapter_hooks(lab, "tags")


def adapter_hooks(lab: Lab, name: str) -> None:
    for module in modules_of(lab, name):
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(lambda m, i, o: o * 0)


def language_hook(lab: Lab) -> None:
    adapter_hooks(lab, "language-")


def adapter_forward(lab: Lab) -> None:
    for module in modules_of(lab, "tags"):
        if isinstance(module, torch.nn.Linear):
            module.forward = lambda x, m=module: x.new_zeros(*x.shape[:-1], m.out_features)


def scaling(lab: Lab) -> None:
    """A plain number of an adapter's module."""
    found = [m for m in lab.encoder.model.modules() if hasattr(m, "scaling") and hasattr(m, "adapter_up")]
    assert found
    for module in found:
        module.scaling = -7.0


def global_hook(lab: Lab) -> None:
    torch.nn.modules.module.register_module_forward_hook(
        lambda m, i, o: o * 0 if isinstance(m, torch.nn.LayerNorm) else None
    )


def hook_with_names(lab: Lab) -> None:
    dense = lab.encoder.body.encoder.layer[0].output.dense
    dense.register_forward_hook(lambda m, i, k, o: o * 0, with_kwargs=True, always_call=True)


def gradient_hook(lab: Lab) -> None:
    for one in lab.encoder.own:
        one.requires_grad_(True)
        one.register_hook(lambda g: g * 0)
        one.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", None))


def examples(lab: Lab) -> None:
    """What the Lab keeps of data, changed in place where it can be."""
    kept = [
        *(x for x, _ in lab.texts._kept.values()),
        *(x for e in lab.inputs._encoded.values() for x in (*e.ids, *e.places)),
    ]
    for array in kept:
        with suppress(ValueError):
            array[...] = array.max()


def tokenizer(lab: Lab) -> None:
    lab.encoder.tokenizer.truncation_side = "left"
    lab.encoder.tokenizer.padding_side = "left"


def process(lab: Lab) -> None:
    warnings.simplefilter("error")
    os.environ["OMP_NUM_THREADS"] = "7"


def work(lab: Lab) -> tuple[object, ...]:
    """What a well-behaved probe measures, with what it could draw."""
    lab.task_adapter("tags")
    lab.restore()
    cells = lab.resolved.cells("tags")
    plain = [e.counts.tolist() for e in lab.evaluate(cells)]
    mixed = [e.counts.tolist() for e in lab.evaluate(cells, UNDER)]
    loss = lab.finetune("qaa", steps=2, seed=0)
    tuned = [e.counts.tolist() for e in lab.evaluate(cells)]
    more = lab.finetune("qaa", steps=3, seed=0)
    drawn = float(torch.rand(1)), random.random(), float(np.random.rand())  # noqa: NPY002
    return plain, mixed, loss, tuned, more, weights_digest(lab.encoder.own), drawn[1:]


@pytest.fixture(scope="module")
def labs(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Lab]:
    from made import study_over

    study: Resolved = study_over(checkpoint, ("tags",))
    study = replace(study, mlm=replace(study.mlm, schedule="constant"))
    folder = tmp_path_factory.mktemp("results") / "adapters"
    return lambda: Lab(study, str(checkpoint), folder, device="cpu", threads=1)


@pytest.fixture(scope="module")
def alone(labs: Callable[[], Lab]) -> tuple[object, ...]:
    lab = labs()
    lab.begin(KEY)
    return work(lab)


HOSTILE = (
    no_op, weights, weights_past_the_counter, weights_as_numpy, other_storage, half, other_parameter,
    other_module, hook, forward, buffers, training_mode, dropout, active, task_adapter, task_head,
    language_adapters, deleted, further_adapter, merged_into_the_weights, stacked_otherwise,
    settings, trainable, random_states, adapter_hook,
    language_hook, adapter_forward, scaling, global_hook, hook_with_names, gradient_hook, examples,
    tokenizer, process,
)  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda x: x.__name__)
def test_a_probe_that_leaves_disorder_changes_nothing_for_the_next(
    labs: Callable[[], Lab], alone: tuple[object, ...], hostile: Callable[[Lab], None]
) -> None:
    lab = labs()
    lab.begin("0" * 40)
    work(lab)
    hostile(lab)
    lab.begin(KEY)
    assert work(lab) == alone
    assert (torch.get_default_dtype(), torch.get_num_threads()) == (torch.float32, 1)


def test_the_state_is_compared_and_not_believed(labs: Callable[[], Lab]) -> None:
    lab = labs()
    lab.finetune("qaa", steps=2, seed=0)
    right = weights_digest(lab.encoder.own)
    for spoil in (weights, weights_past_the_counter, other_storage):
        spoil(lab)
        lab.finetune("qaa", steps=2, seed=0)
        assert weights_digest(lab.encoder.own) == right
        lab.restore()
        spoil(lab)
        lab.restore()
        assert weights_digest(lab.encoder.own) == lab.encoder.originals.digest


def test_an_adapter_is_not_trained_on_weights_that_a_probe_spoiled(
    labs: Callable[[], Lab], tmp_path: Path
) -> None:
    lab = labs()
    lab.attached.folder = tmp_path / "other" / "adapters"
    weights(lab)
    other = lab.task_adapter("tags")
    right = labs().task_adapter("tags")
    for name in ("model_head.safetensors", "model.safetensors", "adapter.safetensors"):
        if (right / name).is_file():
            assert (right / name).read_bytes() == (other / name).read_bytes()


def test_any_changed_bit_changes_the_digest() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 2, 1023, 1024, 5000, 7001):
        tensor = torch.randn(size)
        before = weights_digest([tensor])
        for _ in range(20):
            changed = tensor.clone()
            changed.view(torch.int32)[rng.integers(size)] ^= 1 << int(rng.integers(31))
            assert weights_digest([changed]) != before
    table = torch.arange(6000.0)
    swapped = table.clone()
    swapped[[10, 3000]] = swapped[[3000, 10]]
    assert weights_digest([table]) != weights_digest([swapped])
    assert weights_digest([table]) != weights_digest([table.reshape(60, 100)])


def test_weights_that_are_not_fine_tuned_are_in_memory_once(labs: Callable[[], Lab]) -> None:
    lab = labs()
    lab.task_adapter("tags")
    lab.evaluate(lab.resolved.cells("tags"))
    originals = lab.encoder.originals
    assert all(x is y for x, y in zip(originals.values, lab.encoder.own, strict=True))
    weights(lab)  # a probe spoils them all the same: they are read from the checkpoint again
    lab.restore()
    assert weights_digest(lab.encoder.own) == originals.digest
    lab.finetune("qaa", steps=1, seed=0)
    assert not any(x is y for x, y in zip(originals.values, lab.encoder.own, strict=True))
    lab.restore()
    assert weights_digest(lab.encoder.own) == originals.digest
