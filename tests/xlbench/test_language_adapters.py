"""Language adapters: trained, kept, exchanged with plain `adapters` code."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adapted import INVERTIBLE, QUICK, Build, adapter, folder_of, logits, name_of, state
from made import find_adapter

from xlbench.contracts import Composition, Fusion, LanguageTraining, Resolved
from xlbench.errors import DataError, JobError, ModelError
from xlbench.lab import Lab
from xlbench.lab import language_adapters as training
from xlbench.lab.objectives.masked import Masked
from xlbench.models import kept_adapters


@pytest.fixture
def build(resolved: Resolved, checkpoint: Path, tmp_path: Path) -> Iterator[Build]:
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)

    def made(study: Resolved = resolved, folder: str = "adapters") -> Lab:
        return Lab(study, str(checkpoint), tmp_path / folder, device="cpu", threads=1)

    yield made
    torch.use_deterministic_algorithms(before)


# Training


@pytest.mark.parametrize("how", [QUICK, INVERTIBLE], ids=["seq_bn", "seq_bn_inv"])
def test_training_lowers_the_held_out_loss_and_moves_nothing_else(
    build: Build, how: LanguageTraining
) -> None:
    lab = build()
    weights = lab.encoder.weights()
    measured = lab.language_adapter(adapter(how=how))
    assert measured["held_out_after"] < measured["held_out_before"] - 0.1
    assert measured["adapter_steps"] >= 1
    after = lab.encoder.weights()
    assert all(torch.equal(weights[x], after[x]) for x in weights)


def test_training_can_be_repeated_and_depends_on_its_seed(build: Build) -> None:
    one, two = build(folder="one"), build(folder="two")
    two.task_adapter("tags")
    two.finetune("qab", steps=2, seed=5)  # what was done before must not matter
    first, second = one.language_adapter(adapter()), two.language_adapter(adapter())
    assert first == second
    name = name_of(one, adapter())
    a, b = state(one, name), state(two, name)
    assert a
    assert all(torch.equal(a[x], b[x]) for x in a)
    assert one.language_adapter(adapter(seed=1)) != first


def test_it_is_trained_once_and_kept(build: Build) -> None:
    lab = build()
    measured = lab.language_adapter(adapter())
    again = build()
    assert again.language_adapter(adapter()) == measured
    assert "train language adapter" not in again.take_seconds()
    about = json.loads((folder_of(again, adapter()) / "xlbench.json").read_text())
    assert about["measured"] == measured
    assert about["identity"] == again.resolved.language_adapter_identity(adapter())


def test_theweights_of_the_lowest_loss_are_kept(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate so high that the loss goes up: training stops after `patience` checks."""
    seen: list[float] = []
    measure = training._mean_loss

    def spy(*args: Any) -> float:
        seen.append(measure(*args))
        return seen[-1]

    monkeypatch.setattr(training, "_mean_loss", spy)
    wild = replace(QUICK, learning_rate=0.3, checks=20, patience=2, epochs=20)
    lab = build()
    measured = lab.language_adapter(adapter(how=wild))
    before, *checks = seen
    best = int(np.argmin(checks))
    assert measured["held_out_before"] == before
    assert measured["held_out_after"] == min(checks)
    assert len(checks) == best + 1 + 2 < 20
    lab.encoder.model.set_active_adapters(name_of(lab, adapter(how=wild)))
    text = lab.texts.chunks("qaa", wild.lines, wild.chunk)
    kept = max(1, round(len(text) * wild.held_out))
    unseen = Masked().batches(text[-kept:], lab.encoder, wild, 0)
    rounds = -(-kept // wild.batch_size)
    assert measure(lab.encoder, Masked(), list(islice(unseen, rounds))) == pytest.approx(
        min(checks), abs=1e-5
    )


def test_masked_lm_with_an_invertible_adapter_is_that_of_the_library(build: Build, checkpoint: Path) -> None:
    from adapters import AutoAdapterModel

    lab, one = build(), adapter(how=INVERTIBLE)
    lab.language_adapter(one)
    plain = AutoAdapterModel.from_pretrained(checkpoint)
    (plain.active_head,) = (
        plain.heads
    )  # the checkpoint's own, of which the library drops but the bias, here 0
    head = plain.active_head
    plain.load_adapter(str(folder_of(lab, one)), load_as="x", use_safetensors=True)
    plain.set_active_adapters("x")
    plain.active_head = head
    plain.eval()
    lab.encoder.model.set_active_adapters(name_of(lab, one))
    ids = torch.from_numpy(lab.texts.chunks("qab", 20, 16)[:3].astype(np.int64))
    with torch.inference_mode():
        expected = plain(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.reshape(
            -1, len(lab.encoder.tokenizer)
        )
        found = lab.encoder.masked_logits(ids, torch.ones_like(ids), torch.arange(ids.numel()))
        lab.encoder.use_no_adapter()
        without = lab.encoder.masked_logits(ids, torch.ones_like(ids), torch.arange(ids.numel()))
    assert torch.allclose(found, expected, atol=1e-5)
    assert not torch.allclose(without, expected, atol=1e-2)


def test_a_loss_broken_by_the_last_step_is_told(build: Build) -> None:
    """No step comes after it that would notice."""
    lab = build()
    with pytest.raises(JobError, match=r"held-out loss was not finite.*learning_rate"):
        lab.language_adapter(adapter(how=replace(QUICK, learning_rate=1e30, steps=1)))
    assert not list(Path(lab.attached.folder).glob("*"))


def test_too_little_text_and_a_broken_loss_are_told(build: Build) -> None:
    lab = build()
    with pytest.raises(DataError, match=r"text of 1 chunk of \d+ pieces is too little"):
        lab.language_adapter(adapter(how=replace(QUICK, lines=1, chunk=48)))
    with pytest.raises(JobError, match=r"lower language_training\.learning_rate"):
        lab.language_adapter(adapter(how=replace(QUICK, learning_rate=1e30)))
    assert not list(Path(lab.attached.folder).glob("*"))
    assert lab.language_adapter(adapter())


# Exchange with plain adapters code


@pytest.mark.parametrize("how", [QUICK, INVERTIBLE], ids=["seq_bn", "seq_bn_inv"])
def test_one_trained_here_loads_in_plain_adapters_code(
    build: Build, checkpoint: Path, how: LanguageTraining
) -> None:
    from adapters import AutoAdapterModel

    lab, one = build(), adapter(how=how)
    lab.language_adapter(one)
    plain = AutoAdapterModel.from_pretrained(checkpoint).eval()
    plain.load_adapter(str(folder_of(lab, one)), load_as="mine", set_active=True, use_safetensors=True)
    lab.encoder.model.set_active_adapters(name_of(lab, one))
    ids = torch.arange(5, 23).reshape(2, 9)
    with torch.inference_mode():
        expected = plain.base_model(input_ids=ids)[0]
        assert torch.equal(lab.encoder.body(input_ids=ids)[0], expected)


def test_one_saved_by_plain_adapters_code_loads_here(
    build: Build, resolved: Resolved, checkpoint: Path, tmp_path: Path
) -> None:
    from adapters import AutoAdapterModel

    torch.manual_seed(3)
    plain = AutoAdapterModel.from_pretrained(checkpoint)
    plain.add_adapter("theirs", config="double_seq_bn")
    plain.save_adapter(str(tmp_path / "theirs"), "theirs")
    config = json.loads((checkpoint / "config.json").read_text())
    given = {"qab": find_adapter(str(tmp_path / "theirs"), config)}
    lab = build(replace(resolved, given=given))
    one = lab.resolved.language_adapter("qab", 0)
    assert lab.language_adapter(one) == {}
    name = name_of(lab, one)
    saved = {k.replace("theirs", name): p for k, p in plain.named_parameters() if "theirs" in k}
    loaded = state(lab, name)
    assert loaded.keys() == saved.keys()
    assert all(torch.equal(loaded[k], saved[k]) for k in loaded)
    assert logits(lab, Composition((one,)))


def test_weights_that_do_not_fit_are_refused(
    build: Build, resolved: Resolved, checkpoint: Path, tmp_path: Path
) -> None:
    from adapters import AutoAdapterModel

    plain = AutoAdapterModel.from_pretrained(checkpoint)
    plain.add_adapter("theirs", config="seq_bn")
    plain.save_adapter(str(tmp_path / "theirs"), "theirs")
    config = json.loads((checkpoint / "config.json").read_text())
    lab = build(replace(resolved, given={"qab": find_adapter(str(tmp_path / "theirs"), config)}))
    (tmp_path / "theirs" / "pytorch_adapter.bin").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="not a file of torch"):
        find_adapter(str(tmp_path / "theirs"), config)
    with pytest.raises(ModelError, match="not a usable adapter"):
        lab.language_adapter(lab.resolved.language_adapter("qab", 0))


@pytest.mark.parametrize("change", ["missing", "unexpected"])
def testweights_of_another_number_of_layers_are_refused(
    build: Build, resolved: Resolved, checkpoint: Path, tmp_path: Path, change: str
) -> None:
    """The library would load what fits and leave the rest at random."""
    from adapters import AutoAdapterModel

    plain = AutoAdapterModel.from_pretrained(checkpoint)
    plain.add_adapter("theirs", config="seq_bn")
    plain.save_adapter(str(tmp_path / "theirs"), "theirs")
    file = tmp_path / "theirs" / "pytorch_adapter.bin"
    weights = torch.load(file, weights_only=True)
    last = {k: w for k, w in weights.items() if ".layer.1." in k}
    assert last
    if change == "missing":
        weights = {k: w for k, w in weights.items() if k not in last}
    else:
        weights |= {k.replace(".layer.1.", ".layer.2."): w for k, w in last.items()}
    config = json.loads((checkpoint / "config.json").read_text())
    lab = build(replace(resolved, given={"qab": find_adapter(str(tmp_path / "theirs"), config)}))
    torch.save(weights, file)
    for _ in range(2):  # nothing half loaded passes for a whole adapter the second time
        with pytest.raises(ModelError, match=f"4 {change} weights"):
            lab.language_adapter(lab.resolved.language_adapter("qab", 0))


def content_of(folder: Path) -> dict[str, bytes]:
    return {x.name: x.read_bytes() for x in folder.iterdir()}


def damage(folder: Path, how: str) -> None:
    (weights,) = (x for x in folder.glob("*.safetensors") if "head" not in x.name)
    about = folder / "xlbench.json"
    facts = json.loads(about.read_text())
    match how:
        case "weights":
            content = bytearray(weights.read_bytes())
            content[-1] ^= 1
            weights.write_bytes(content)
        case "missing":
            weights.unlink()
        case "configuration":
            (folder / "adapter_config.json").unlink()
        case "further":
            (folder / "pytorch_adapter.bin").write_bytes(b"")
        case "about":
            about.write_bytes(about.read_bytes()[:-20])
        case "measured":
            about.write_text(json.dumps({**facts, "measured": {"held_out_after": 0.0}}))
        case "identity":
            about.write_text(json.dumps({**facts, "identity": {}}))
        case "no digest":
            del facts["files"], facts["digest"]
            about.write_text(json.dumps(facts))
        case "empty":
            shutil.rmtree(folder)
            folder.mkdir()
        case "a file":
            shutil.rmtree(folder)
            folder.write_text("")


WHYS = {
    "weights": r"changed since it was trained \(.*safetensors\)",
    "missing": r"changed since it was trained \(.*safetensors\)",
    "configuration": r"changed since it was trained \(adapter_config.json\)",
    "further": r"changed since it was trained \(pytorch_adapter.bin\)",
    "about": r"changed since it was trained \(xlbench.json\)",
    "measured": r"changed since it was trained \(xlbench.json\)",
    "identity": r"changed since it was trained \(xlbench.json\)",
    "no digest": "was kept without a digest, .* cannot be checked",
    "empty": "is no folder of an adapter",
    "a file": "is no folder of an adapter",
}


@pytest.mark.parametrize(("kind", "hows"), [("task", [*WHYS]), ("language", ["weights", "measured"])])
def test_a_kept_adapter_that_changed_is_named_and_trained_again(
    build: Build, hows: list[str], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = build()

    def ask() -> Path:
        """As in a new process."""
        for name in list(lab.attached._marks):
            lab.attached._marks[name] = ""
        lab.begin("0")
        if kind == "task":
            return lab.task_adapter("tags")
        lab.language_adapter(adapter())
        return folder_of(lab, adapter())

    folder = ask()
    right, used = content_of(folder), lab.adapters_used()
    for how in hows:
        damage(folder, how)
        capsys.readouterr()
        assert ask() == folder
        said = capsys.readouterr().err
        assert re.search(rf"^xlbench: adapter {folder.name} {WHYS[how]}; it is trained again$", said, re.M)
        assert content_of(folder) == right
        assert lab.adapters_used() == used
        assert not list(folder.parent.glob(".*"))
    aside = [x.name for x in (folder.parent.parent / "aside").iterdir()]
    assert all(x.startswith(folder.name) for x in aside)
    assert len(aside) == len(set(hows) - {"empty"})
    ask()
    assert capsys.readouterr().err == ""


def test_an_adapter_that_another_process_kept_first_is_used(build: Build, tmp_path: Path) -> None:
    first, second = build(), build(folder="other")
    theirs = first.task_adapter("tags")
    ours = second.task_adapter("tags")
    identity = first.resolved.adapter_identity("tags")
    about = json.loads((theirs / "xlbench.json").read_text())
    kept_adapters.keep(
        theirs, {"identity": identity, "mark": 1}, lambda new: shutil.copytree(ours, new, dirs_exist_ok=True)
    )
    assert json.loads((theirs / "xlbench.json").read_text()) == about
    assert not (tmp_path / "aside").exists()


def test_the_phases_are_those_that_estimates_know(build: Build) -> None:
    from xlbench.contracts.work import UNITS

    lab = build()
    logits(lab, Composition((adapter("qaa"), adapter("qab")), "tuned", fusion=Fusion(steps=2)))
    lab.finetune("qaa", steps=1, seed=0)
    lab.directions("qaa", lab.resolved.cells("tags"), batches=2, seed=0)
    small = {"load", "tokenize", "inner products"}
    assert lab.take_seconds().keys() - small == {x.phase for x in UNITS.values()}
