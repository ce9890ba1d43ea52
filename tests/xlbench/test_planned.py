"""What changes while a study runs is never stored as what it was."""

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from elsewhere import Elsewhere

from xlbench import api, load_results
from xlbench.contracts import Study
from xlbench.errors import ModelError, StudyError, XlbenchError
from xlbench.lab.encoder import Encoder
from xlbench.models import checkpoints
from xlbench.studies import planned

WORDS = ["ana", "beka", "koli", "dumo", "sira", "tavo"]


@pytest.fixture
def study(checkpoint: Path, tmp_path: Path) -> Study:
    """A study of files that a test may change."""
    for code in ("deu", "fra"):
        for split in ("train", "test"):
            rows = "".join(
                f"1\t{WORDS[(i + len(code)) % 6]}\t_\tNOUN\t_\t_\t0\troot\t_\t_\n"
                f"2\t{WORDS[i % 5]}\t_\tVERB\t_\t_\t1\tobj\t_\t_\n\n"
                for i in range(8)
            )
            file = tmp_path / "data" / f"{code}_own" / f"{split}.conllu"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(rows)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "deu.txt").write_text("\n".join(f"{x} {y} dumo" for x in WORDS for y in WORDS))
    return Study(
        model=str(checkpoint), probes=("transfer",), tasks=("pos",), transfer=("deu",), targets=("fra",),
        train_languages=("deu",), steps=(1,), seeds=(0,), controls=(), reference="deu",
        data={"pos": (str(tmp_path / "data"),)}, text=str(tmp_path / "text"),
        mlm={"chunk": 8, "batch_size": 2}, adapter={"epochs": 1},
    )  # fmt: skip


CHANGES = {
    "data/fra_own/test.conllu": "the test data of pos in fra",
    "data/deu_own/train.conllu": "the training data of pos in deu",
    "text/deu.txt": "the text in deu",
}


@pytest.mark.parametrize("file", CHANGES)
def test_a_process_that_looks_up_again_refuses_what_changed(study: Study, tmp_path: Path, file: str) -> None:
    ready = api.prepare(api.Request(study, results=tmp_path / "results"))
    known = planned.fingerprints(ready.resolved)
    again = api.prepare(api.Request(study, results=tmp_path / "results")).resolved
    planned.check(known, again)
    path = tmp_path / file
    path.write_text(path.read_text().replace("ana", "zan"))
    again = api.prepare(api.Request(study, results=tmp_path / "results")).resolved
    with pytest.raises(StudyError, match=f"^{CHANGES[file]} changed since the study was planned"):
        planned.check(known, again)


@pytest.mark.parametrize(
    ("file", "afar"),
    # Other processes compare all of it at once, as above: a file of data and one of text show that they do.
    [*((x, False) for x in CHANGES), ("data/fra_own/test.conllu", True), ("text/deu.txt", True)],
)
def test_what_changed_between_plan_and_run_is_never_stored(
    study: Study, tmp_path: Path, file: str, afar: bool
) -> None:
    ready = api.prepare(api.Request(study, results=tmp_path / "results"))
    ready = replace(ready, executor=Elsewhere()) if afar else ready
    path = tmp_path / file
    path.write_text(path.read_text().replace("ana", "zan"))
    with suppress(XlbenchError):  # other processes refuse at once; here, each job that reads it fails
        done = api.carry_out(ready, workers=1, device="cpu")
        read = file.startswith("text")  # text is kept in memory as it was when it was fingerprinted
        assert read or any("changed since the study was planned" in x for x in done.failed.values())
    results = tmp_path / "results"
    if (afar or not file.startswith("text")) and results.exists():
        assert load_results(results).empty


def test_a_task_without_an_adapter_needs_no_training_data(study: Study, tmp_path: Path) -> None:
    text = tmp_path / "text" / "fra.txt"
    text.write_text("\n".join(f"{x} {y} ana" for x in WORDS for y in WORDS))
    done = api.run(
        replace(study, tasks=("lm",), data={"lm": (str(text.parent),)}, adapter={}),
        results=tmp_path / "results", workers=1, device="cpu",
    )  # fmt: skip
    assert not done.failed
    assert {*load_results(tmp_path / "results")["task"]} == {"lm"}


def test_weights_in_memory_do_not_change_with_their_file(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint, folder)
    encoder = Encoder(str(folder), torch.device("cpu"))
    before = [x.detach().clone() for x in encoder.own]
    (file,) = folder.glob("*.safetensors")
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        opened.write(b"\x01" * (file.stat().st_size // 2))
    assert all(torch.equal(x, y) for x, y in zip(before, encoder.own, strict=True))


def test_a_checkpoint_that_changed_after_planning_is_refused(study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(study.model, folder)
    ready = api.prepare(api.Request(replace(study, model=str(folder)), results=tmp_path / "results"))
    (file,) = folder.glob("*.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(ModelError, match="changed since the study was planned"):
        planned.check_model(ready.resolved)
    assert checkpoints.locate(ready.resolved.model).fingerprint != ready.resolved.model_fingerprint
    with pytest.raises(ModelError, match="changed since the study was planned"):
        api.carry_out(ready, workers=1, device="cpu")


def test_relative_paths_are_those_of_where_the_study_was_planned(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An executor may work elsewhere: here the process itself moves away."""
    monkeypatch.chdir(tmp_path)
    study = replace(study, data={"pos": ("data",)}, text="text")
    ready = api.prepare(api.Request(study, results="results"))
    (tmp_path / "elsewhere").mkdir()
    run = ready.executor.run

    class Moving:
        name, summary = "moving", ""

        def run(self, *given: object) -> object:
            import os

            os.chdir(tmp_path / "elsewhere")
            return run(*given)  # type: ignore[arg-type]

    done = api.carry_out(replace(ready, executor=Moving()), workers=1, device="cpu")  # type: ignore[arg-type]
    assert (done.failed, done.run) == ({}, 2)
    assert len(list((tmp_path / "results" / "jobs").glob("*.parquet"))) == 2
    assert list((tmp_path / "elsewhere").iterdir()) == []
