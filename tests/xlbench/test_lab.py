"""The Lab against independent computations on the same weights."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import numpy as np
import pytest
import torch

from xlbench.contracts import Resolved
from xlbench.errors import JobError, XlbenchError
from xlbench.lab import Lab
from xlbench.lab.chunks import chunks
from xlbench.lab.hardware import ACCELERATORS, choose_device
from xlbench.lab.objectives.masked import masked_batches
from xlbench.lab.treatments.shuffled import shuffle

Make = Callable[..., Lab]


@pytest.fixture
def make(resolved: Resolved, checkpoint: Path, tmp_path: Path) -> Make:
    def build(study: Resolved = resolved, **options: object) -> Lab:
        return Lab(study, str(checkpoint), tmp_path / "adapters", device="cpu", threads=1, **options)  # type: ignore[arg-type]

    return build


def plain_predictions(lab: Lab, checkpoint: Path, weights: dict[str, torch.Tensor] | None, task: str) -> list:
    """Labels by transformers' own Trainer.predict, one example at a time, on plainly loaded weights."""
    from adapters import AutoAdapterModel
    from transformers import AutoTokenizer, Trainer, TrainingArguments

    model = AutoAdapterModel.from_pretrained(checkpoint)
    name = model.load_adapter(str(lab.task_adapter(task)), use_safetensors=True)
    model.set_active_adapters(name)
    if weights is not None:
        own = dict(model.base_model.named_parameters())
        with torch.no_grad():
            for key, value in weights.items():
                if key.startswith("body."):
                    own[key.removeprefix("body.")].copy_(value)
    arguments = TrainingArguments(output_dir="unused", per_device_eval_batch_size=1, report_to=[],
                                  disable_tqdm=True, use_cpu=True)  # fmt: skip
    trainer = Trainer(model=model, args=arguments)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    answers = []
    for language in ("qaa", "qab"):
        of_language = []
        for example in lab.resolved.data[task].examples(language, "test"):
            if task == "tags":
                words = [tokenizer.tokenize(w) for w in example.words]
                # The first piece of a word that is more than the space mark.
                heads = [next((i for i, p in enumerate(ps) if p != "▁"), 0) for ps in words]
                lengths = np.array([len(ps) for ps in words])
                places = 1 + np.concatenate([[0], np.cumsum(lengths)[:-1]]) + heads
                pieces = tokenizer.convert_tokens_to_ids([p for ps in words for p in ps])
                pieces = pieces[: model.config.max_position_embeddings - 2]
                ids = [tokenizer.cls_token_id, *pieces, tokenizer.sep_token_id]
                item = {"input_ids": ids, "attention_mask": [1] * len(ids)}
            else:
                item = dict(tokenizer(*example.texts))
            logits = trainer.predict([item]).predictions[0]
            labels = lab.resolved.tasks[task].labels
            if task == "tags":
                last = len(ids) - 1
                found = [labels[logits[p].argmax()] if p < last else None for p in places]
                of_language.append(tuple(found))
            else:
                of_language.append((labels[int(logits.argmax())],))
        answers.append(of_language)
    return answers


@pytest.mark.parametrize("task", ["tags", "pairs"])
@pytest.mark.parametrize("steps", [0, 3])
def test_labels_equal_those_of_the_trainer(make: Make, checkpoint: Path, task: str, steps: int) -> None:
    lab = make(batch_tokens=128)
    lab.task_adapter(task)
    if steps:
        lab.finetune("qab", steps=steps, seed=1)
    weights = lab.encoder.weights() if steps else None
    ours = lab.predict(lab.resolved.cells(task))
    assert ours == plain_predictions(lab, checkpoint, weights, task)
    assert len({label for labels in ours[0] for label in labels}) > 1  # not one answer for everything


def at(resolved: Resolved, schedule: Literal["linear", "constant"]) -> Resolved:
    return dataclasses.replace(resolved, mlm=dataclasses.replace(resolved.mlm, schedule=schedule))


@pytest.mark.parametrize("schedule", ["linear", "constant"])
def test_finetuning_equals_a_plain_loop(
    make: Make, resolved: Resolved, checkpoint: Path, schedule: Literal["linear", "constant"]
) -> None:
    """The loop that everyone writes: all logits, labels of -100, a scheduler of transformers."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer, get_scheduler

    lab = make(at(resolved, schedule))
    lab.task_adapter("tags")  # an adapter in memory must not take part
    loss = lab.finetune("qaa", steps=3, seed=7)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForMaskedLM.from_pretrained(checkpoint)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.0)
    scheduler = get_scheduler(schedule, optimizer, num_warmup_steps=0, num_training_steps=3)
    text = chunks(lab.resolved.corpus.lines("qaa", 10_000), tokenizer, 16)
    settings = lab.resolved.mlm
    torch.manual_seed(7)
    for batch in islice(masked_batches(text, tokenizer, model.config.vocab_size, settings, 7), 3):
        labels = torch.full(batch.ids.shape, -100).reshape(-1)
        labels[batch.where] = torch.from_numpy(batch.gold)
        output = model(input_ids=torch.from_numpy(batch.ids), labels=labels.reshape(batch.ids.shape))
        output.loss.backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    assert loss == pytest.approx(output.loss.item(), abs=1e-6)
    ours, theirs = lab.encoder.weights(), dict(model.named_parameters())
    moved = 0
    for name, value in theirs.items():
        key = name.replace("bert.", "body.", 1) if name.startswith("bert.") else f"masked_lm.{name}"
        if key == "masked_lm.cls.predictions.decoder.bias":
            continue
        # Attention does not depend on a key's bias: its gradient is 0 but for rounding, of which Adam
        # makes steps of the full learning rate in random directions.
        tolerance = 3 * 5e-5 if name.endswith("key.bias") else 1e-6
        torch.testing.assert_close(ours[key], value.detach(), rtol=0, atol=tolerance)
        moved += 1
    assert moved == len(theirs)
    pretrained = AutoModelForMaskedLM.from_pretrained(checkpoint)
    difference = model.cls.predictions.bias - pretrained.cls.predictions.bias
    assert float(difference.detach().abs().max()) > 1e-6


def test_a_run_at_a_constant_rate_passes_all_numbers_of_steps(make: Make, resolved: Resolved) -> None:
    """Stopped, scored and gone on with, whatever draws random numbers meanwhile, it is the run in one go."""
    study = at(resolved, "constant")
    passing, counted = make(study), []
    passing.task_adapter("tags")
    found = {}
    for steps in (1, 3, 4):
        loss = passing.finetune("qaa", steps=steps, seed=7)
        counted.append(passing._run and passing._run.done)
        found[steps] = (loss, passing.encoder.weights(), passing.predict(passing.resolved.cells("tags")))
        torch.rand(5)
    assert counted == [1, 3, 4]
    for steps in (4, 1, 3):
        alone = make(study)
        alone.task_adapter("tags")
        loss, weights, labels = found[steps]
        assert alone.finetune("qaa", steps=steps, seed=7) == loss
        for name, value in alone.encoder.weights().items():
            assert torch.equal(value, weights[name]), name
        assert alone.predict(alone.resolved.cells("tags")) == labels


@pytest.mark.parametrize("between", ["restore", "other seed", "earlier", "shuffled", "failure"])
def test_a_run_is_not_gone_on_with_from_another_state(
    make: Make, resolved: Resolved, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    study = at(resolved, "constant")
    lab, alone = make(study), make(study)
    lab.finetune("qaa", steps=2, seed=0)
    if between == "restore":
        lab.restore()
    elif between == "failure":
        with monkeypatch.context() as patched:
            patched.setattr(torch.autograd, "backward", lambda loss: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                lab.finetune("qaa", steps=3, seed=0)
    else:
        steps, seed = (1, 0) if between == "earlier" else (2, 1)
        lab.finetune(
            "qaa", steps=steps, seed=seed, treatment="shuffled" if between == "shuffled" else "plain"
        )
    assert lab.finetune("qaa", steps=4, seed=0) == alone.finetune("qaa", steps=4, seed=0)
    for name, value in alone.encoder.weights().items():
        assert torch.equal(value, lab.encoder.weights()[name]), name


def test_masking_follows_the_recipe(make: Make) -> None:
    lab = make()
    tokenizer = lab.encoder.tokenizer
    text = chunks(lab.resolved.corpus.lines("qaa", 10_000), tokenizer, 16)
    text = np.unique(text, axis=0)  # so that a chunk that comes twice is seen
    size = lab.encoder.model.config.vocab_size
    drawn = list(islice(masked_batches(text, tokenizer, size, lab.resolved.mlm, 0), 400))
    chosen = sum(len(b.where) for b in drawn)
    ordinary = sum(int((~np.isin(text, tokenizer.all_special_ids)).mean() * b.ids.size) for b in drawn)
    assert chosen / ordinary == pytest.approx(0.15, abs=0.01)
    now = np.concatenate([b.ids.reshape(-1)[b.where] for b in drawn])
    gold = np.concatenate([b.gold for b in drawn])
    assert (now == tokenizer.mask_token_id).mean() == pytest.approx(0.8 + 0.1 / size, abs=0.02)
    assert (now == gold).mean() == pytest.approx(0.1 + 0.1 / size, abs=0.02)
    assert not np.isin(gold, tokenizer.all_special_ids).any()
    # Every chunk once before any comes again.
    rows = []
    for batch in drawn[: len(text) // 4]:
        whole = batch.ids.copy()
        whole.reshape(-1)[batch.where] = batch.gold
        rows += [tuple(row) for row in whole]
    assert len(set(rows)) == len(rows) == len(text) // 4 * 4
    assert set(rows) <= set(map(tuple, text))


def test_shuffled_text_has_the_same_pieces_in_another_order(make: Make) -> None:
    tokenizer = make().encoder.tokenizer
    text = chunks(["ana beka koli dumo", "sira tavo nelu"] * 20, tokenizer, 16)
    mixed = shuffle(text, tokenizer.all_special_ids, 3)
    assert not np.array_equal(mixed, text)
    np.testing.assert_array_equal(np.sort(mixed, axis=None), np.sort(text, axis=None))
    special = np.isin(text, tokenizer.all_special_ids)
    np.testing.assert_array_equal(mixed[special], text[special])
    np.testing.assert_array_equal(mixed, shuffle(text, tokenizer.all_special_ids, 3))


def test_restoring_brings_every_pretrained_weight_back(make: Make) -> None:
    lab = make()
    before = lab.encoder.weights()
    lab.finetune("qaa", steps=2, seed=0)
    assert any(not torch.equal(before[n], w) for n, w in lab.encoder.weights().items())
    lab.restore()
    for name, weight in lab.encoder.weights().items():
        assert torch.equal(before[name], weight), name


def test_a_run_does_not_depend_on_what_ran_before(make: Make, resolved: Resolved) -> None:
    first, second = make(), make()
    first.task_adapter("tags")
    first.finetune("qab", steps=3, seed=5)
    second.finetune("qaa", steps=2, seed=0, treatment="shuffled")
    second.task_adapter("tags")
    second.task_adapter("pairs")
    second.evaluate(resolved.cells("pairs"))
    second.finetune("qab", steps=3, seed=5)
    for name, weight in first.encoder.weights().items():
        assert torch.equal(weight, second.encoder.weights()[name]), name
    ours, theirs = first.evaluate(resolved.cells("tags")), second.evaluate(resolved.cells("tags"))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a.counts, b.counts)


def test_other_seeds_and_variants_give_other_weights(make: Make) -> None:
    lab, found = make(), []
    for options in ({"seed": 0}, {"seed": 1}, {"seed": 0, "treatment": "shuffled"}):
        lab.finetune("qaa", steps=2, **options)  # type: ignore[arg-type]
        found.append(torch.cat([w.reshape(-1) for w in lab.encoder.weights().values()]))
    assert not torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_the_task_adapter_is_trained_on_the_pretrained_body_and_leaves_it(make: Make) -> None:
    lab = make()
    before = copy.deepcopy(lab.encoder.weights())
    lab.finetune("qaa", steps=2, seed=0)
    folder = lab.task_adapter("tags")
    for name, weight in lab.encoder.weights().items():
        assert torch.equal(before[name], weight), name
    other = make()
    assert other.task_adapter("tags") == folder
    assert "train adapter" not in other.take_seconds()  # it was read from disk
    cells = lab.resolved.cells("tags")
    for a, b in zip(lab.evaluate(cells), other.evaluate(cells), strict=True):
        np.testing.assert_array_equal(a.counts, b.counts)


def test_training_makes_the_tagger_better_than_the_majority(make: Make, resolved: Resolved) -> None:
    longer = dataclasses.replace(resolved.training["tags"], epochs=60, learning_rate=5e-3)
    lab = make(dataclasses.replace(resolved, training={**resolved.training, "tags": longer}))
    lab.task_adapter("tags")
    cells = resolved.cells("tags")
    for evaluation, majority in zip(lab.evaluate(cells), lab.majority(cells), strict=True):
        correct, total = evaluation.counts.sum(0)
        assert 100 * correct / total > majority + 20


def test_words_that_are_cut_off_are_wrong_and_counted(make: Make, resolved: Resolved) -> None:
    short = dataclasses.replace(resolved.tasks["tags"], max_length=10)
    lab = make(dataclasses.replace(resolved, tasks={**resolved.tasks, "tags": short}))
    lab.task_adapter("tags")
    cells = resolved.cells("tags")
    for evaluation, predicted in zip(lab.evaluate(cells), lab.predict(cells), strict=True):
        missing = sum(p is None for labels in predicted for p in labels)
        assert 0 < missing == evaluation.truncated
        assert evaluation.counts[:, 1].sum() == sum(len(labels) for labels in predicted)


def test_a_loss_that_is_not_finite_fails_the_job_alone(make: Make, resolved: Resolved) -> None:
    wild = dataclasses.replace(resolved.mlm, learning_rate=1e30)
    lab = make(dataclasses.replace(resolved, mlm=wild))
    before = lab.encoder.weights()
    with pytest.raises(JobError, match=r"loss became .* at step .*; lower mlm\.learning_rate \(1e\+30\)"):
        lab.finetune("qaa", steps=10, seed=0)
    lab.restore()
    for name, weight in lab.encoder.weights().items():
        assert torch.equal(before[name], weight), name


def test_a_diverging_adapter_names_what_to_lower(make: Make, resolved: Resolved) -> None:
    wild = dataclasses.replace(resolved.training["tags"], learning_rate=1e38, epochs=5)
    lab = make(dataclasses.replace(resolved, training={**resolved.training, "tags": wild}))
    with pytest.raises(JobError, match=r"at step .*; lower adapter\.tags\.learning_rate \(1e\+38\)"):
        lab.task_adapter("tags")
    assert not lab.encoder.has_task_adapter("tags")


@pytest.mark.slow
def test_memory_does_not_grow_with_runs(make: Make, resolved: Resolved) -> None:
    """The same tensors are alive after the tenth finetuning as after the second."""
    import gc

    def alive() -> int:
        gc.collect()
        return sum(o.numel() for o in gc.get_objects() if isinstance(o, torch.Tensor))

    lab = make()
    lab.task_adapter("tags")
    sizes = []
    for seed in range(10):
        lab.finetune("qaa", steps=1, seed=seed)
        lab.evaluate(resolved.cells("tags"))
        sizes.append(alive())
    assert sizes[9] == sizes[1]


def test_a_device_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(XlbenchError, match=r"device 'nonsense' .* --device cpu"):
        choose_device("nonsense")


@pytest.mark.parametrize("here", [(), ("mps",), ("mps", "xpu"), ("mps", "xpu", "cuda")])
def test_auto_is_the_first_accelerator_that_is_there(
    monkeypatch: pytest.MonkeyPatch, here: tuple[str, ...]
) -> None:
    found = {name: SimpleNamespace(is_available=lambda name=name: name in here) for name in ACCELERATORS}
    monkeypatch.setattr("xlbench.lab.hardware.ACCELERATORS", found)
    monkeypatch.setattr(torch, "empty", lambda size, device: None)  # nothing is put on what is not here
    assert choose_device("auto").type == (here[-1] if here else "cpu")
