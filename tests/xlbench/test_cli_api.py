"""The same from Python: run, plan, load."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import xlbench
from xlbench import Study, api, plugins
from xlbench.errors import ResultsError, StudyError, XlbenchError
from xlbench.models import checkpoints
from xlbench.models.checkpoints import Checkpoint
from xlbench.results import Store


@pytest.fixture
def study(checkpoint: Path) -> Study:
    return Study(
        model=str(checkpoint), tasks=("pos",), data={"pos": ("artificial",)}, text="artificial",
        transfer=("qaa",), targets=("qaa", "qab"), train_languages=("qaa",), steps=(3,), seeds=(0,),
        controls=(), limit=10, mlm={"chunk": 16, "lines": 200}, adapter={"limit": 20, "epochs": 1},
    )  # fmt: skip


def test_run_keeps_what_ends_and_plan_and_frame_see_it(study: Study, tmp_path: Path) -> None:
    results = tmp_path / "results"
    assert len(api.plan(study, results=results).todo) == 2
    assert not results.exists()
    done = xlbench.run(study, results=results, workers=1)
    assert (done.run, done.kept, done.failed) == (2, 0, {})
    assert done.study.reference == "qaa"  # there is no English text
    again = xlbench.run(study, results=results)
    assert (again.run, again.kept, again.study_id) == (0, 2, done.study_id)
    assert api.plan(study, results=results).done == 2
    frame = xlbench.load_results(results)
    assert set(zip(frame["probe"], frame["target"], strict=True)) == {
        (probe, target) for probe in ("zero-shot", "transfer") for target in ("qaa", "qab")
    }
    assert set(frame["n"]) == {10}
    assert xlbench.load_results(results, done.study_id).shape[0] == 4


def test_what_the_tokenizer_makes_of_languages_is_kept_once_a_study(study: Study, tmp_path: Path) -> None:
    asked = replace(study, transfer=("qaa", "qab"), targets=("qab", "qac"))
    done = xlbench.run(asked, results=tmp_path, workers=1)
    metrics = {"pos": plugins.load().tasks["pos"].metric}
    found = Store(tmp_path).records(metrics).subwords["pos"]
    assert found.text.keys() == {"qaa", "qab"}
    assert found.tests.keys() == {"qab", "qac"}
    assert found.overlap.keys() == {(f, g) for f in ("qaa", "qab") for g in ("qab", "qac")}
    assert all(0 < x <= 1 for x in found.overlap.values())
    assert all(x >= 1 for x in (*found.text.values(), *found.tests.values()))
    file = tmp_path / "studies" / done.study_id / "subwords.json"
    before = file.read_bytes()
    file.unlink()  # as results of earlier versions are
    again = xlbench.run(asked, results=tmp_path)
    assert (again.run, again.study_id) == (0, done.study_id)
    assert file.read_bytes() == before
    written = file.stat().st_mtime_ns
    xlbench.run(asked, results=tmp_path)
    assert file.stat().st_mtime_ns == written


def test_without_transfer_languages_there_is_nothing_to_measure(study: Study, tmp_path: Path) -> None:
    done = xlbench.run(replace(study, transfer=(), probes=("zero-shot",)), results=tmp_path, workers=1)
    assert not Store(tmp_path).has_subwords(done.study_id)


def test_a_loss_that_is_not_finite_fails_its_job_and_no_other(study: Study, tmp_path: Path) -> None:
    wild = replace(study, mlm={**study.mlm, "learning_rate": 1e30}, steps=(1, 3))
    done = xlbench.run(wild, results=tmp_path, workers=1)
    assert "qaa, 3 steps, seed 0, pos" in done.failed
    assert "\n" not in "".join(done.failed.values())
    assert "lower mlm.learning_rate (1e+30)" in done.failed["qaa, 3 steps, seed 0, pos"]
    assert done.run >= 1  # the baseline at least
    assert len(xlbench.load_results(tmp_path)) == 2 * done.run
    assert api.plan(wild, results=tmp_path, rerun="missing").todo == ()
    retried = api.plan(wild, results=tmp_path)
    assert {x.label for x in retried.todo} == set(done.failed)


def test_what_python_callers_get_wrong(study: Study, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="workers must be at least 1"):
        xlbench.run(study, results=tmp_path / "new", workers=0)
    with pytest.raises(StudyError, match="seed 1 given twice"):
        xlbench.run(Study(seeds=(1, 1)), results=tmp_path / "new")
    with pytest.raises(ResultsError, match="no such folder"):
        xlbench.load_results(tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("device", ["foo", "cpu:", "cpu:x", "cpu:²", "auto:1", "", "cuda:99"])
def test_a_device_that_is_not_here_leaves_nothing_behind(study: Study, tmp_path: Path, device: str) -> None:
    with pytest.raises(XlbenchError, match=re.escape(f"device {device!r}")):
        xlbench.run(study, results=tmp_path / "new", device=device)
    assert not (tmp_path / "new").exists()


def test_the_longest_input_is_the_one_that_the_lab_cuts_to(checkpoint: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForMaskedLM

    from xlbench.lab.encoder import Encoder

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    tokenizer.model_max_length = 10**30
    tokenizer.save_pretrained(tmp_path)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer), hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, max_position_embeddings=40, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    XLMRobertaForMaskedLM(config).save_pretrained(tmp_path)
    for folder in (checkpoint, tmp_path):
        assert (
            checkpoints.longest_input(Checkpoint(str(folder), None, "", 0))
            == Encoder(str(folder), torch.device("cpu")).longest
        )
    (tmp_path / "config.json").write_text("{}")
    assert checkpoints.longest_input(Checkpoint(str(tmp_path), None, "", 0)) is None


def test_chunks_that_the_model_cuts_are_known_before_anything_runs(study: Study, tmp_path: Path) -> None:
    def cut(chunk: int, **more: Any) -> dict[str, int]:
        asked = replace(study, mlm={**study.mlm, "chunk": chunk}, language_training={"chunk": 50}, **more)
        return api.cut_chunks(api.prepare(api.Request(asked, results=tmp_path)))

    assert (cut(48), cut(49)) == ({}, {"mlm.chunk 49": 48})
    assert cut(49, transfer=(), probes=("zero-shot",)) == {}  # nothing is finetuned on
    assert cut(49, probes=("stacking",)) == {"language_training.chunk 50": 48}
