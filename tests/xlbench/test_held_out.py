"""Lines that are held out of a text: which, and that nothing is trained on them."""

from dataclasses import replace
from pathlib import Path

import pytest

import xlbench
from xlbench import Study, plugins
from xlbench.contracts import Line
from xlbench.errors import StudyError
from xlbench.plugins import Registry
from xlbench.studies.missing_data import check_data
from xlbench.studies.resolve import resolve


@pytest.fixture(scope="module")
def registry() -> Registry:
    return plugins.load()


@pytest.fixture
def study(checkpoint: Path, tmp_path: Path) -> Study:
    folder = tmp_path / "text"
    folder.mkdir()
    for code in ("eng", "deu"):
        lines = [f"{code} line {i} ana beka" for i in range(1, 101)]
        lines[70] = f"{code.upper()}  line 20, ana beka!"  # line 20 again, but for spaces, case and signs
        (folder / f"{code}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return Study(
        model=str(checkpoint), tasks=("lm",), probes=("transfer",), transfer=("eng", "deu"), text=str(folder),
        targets=("eng", "deu"), steps=(1,), seeds=(0,), controls=(),
    )  # fmt: skip


def test_every_twentieth_line_is_tested_and_left_out_of_the_text(study: Study, registry: Registry) -> None:
    found = check_data(resolve(study, registry))
    for code in ("eng", "deu"):
        tested = found.examples("lm", code, "test")
        assert tested == [Line(f"{code} line {i} ana beka") for i in (20, 40, 60, 80, 100)]
        kept = found.corpus.lines(code, 10_000)
        assert len(kept) == 94
        assert not {x.text for x in tested} & set(kept)
        assert found.corpus.dropped(code, 10_000).tested == (19, 39, 59, 70, 79, 99)
    assert found.study.train_languages == ()
    assert found.training == {}


def test_lines_that_are_not_tested_are_trained_on(study: Study, registry: Registry) -> None:
    few = resolve(replace(study, limit=2), registry)
    assert few.size("lm", "eng", "test") == 2
    drawn = [int(x.text.split()[2]) for x in few.examples("lm", "eng", "test")]  # type: ignore[union-attr]
    assert set(drawn) < {20, 40, 60, 80, 100}
    twice = [70] if 20 in drawn else []  # line 71 says what line 20 does
    assert few.corpus.dropped("eng", 10_000).tested == (*sorted([*(x - 1 for x in drawn), *twice]),)
    whole = resolve(study, registry)
    assert few.text_identity("eng") != whole.text_identity("eng")
    assert few.cells("lm") != whole.cells("lm")


def test_a_study_of_text_alone_runs(study: Study, tmp_path: Path) -> None:
    done = xlbench.run(study, results=tmp_path / "results", workers=1)
    assert (done.run, done.failed) == (3, {})
    frame = xlbench.load_results(tmp_path / "results")
    assert len(frame) == 6
    assert (frame["score"] < 0).all()
    assert not list((tmp_path / "results").glob("adapters/*"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"text": None, "transfer": (), "probes": ("zero-shot",)},
            "lm: lines are held out of the study's text",
        ),
        ({"adapter": {"lm.epochs": 2}}, "adapter.lm.epochs: lm has no task adapter; leave it out"),
        ({"data": {"lm": ("held-out:nonsense",)}}, "nonsense"),
        (
            {"tasks": ("pos",), "data": {"pos": ("held-out",)}},
            "data.pos: 'held-out' are lines without labels",
        ),
    ],
)
def test_what_cannot_be_is_one_clear_line(
    study: Study, registry: Registry, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(StudyError, match=said):
        resolve(replace(study, **changes), registry)  # type: ignore[arg-type]


def test_another_text_may_be_tested_on(study: Study, registry: Registry, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "eng.txt").write_text("".join(f"other {i}\n" for i in range(45)), "utf-8")
    for given in (str(other), f"held-out:{other}"):
        found = resolve(replace(study, data={"lm": (given,)}, targets=("eng",)), registry)
        assert [x.text for x in found.examples("lm", "eng", "test")] == ["other 19", "other 39"]  # type: ignore[union-attr]
        assert not found.corpus.dropped("eng", 10_000).tested


def test_too_little_text_is_told_while_planning(study: Study, registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "text" / "deu.txt").write_text("one line\n", "utf-8")
    with pytest.raises(StudyError, match="1 lines of deu are too few"):
        check_data(resolve(study, registry))


def test_probes_over_task_adapters_leave_it_out(study: Study, registry: Registry) -> None:
    for name in ("stacking", "interference"):
        found = resolve(replace(study, probes=(name,)), registry)
        with pytest.raises(StudyError, match=rf"the {name} probe .* lm has no task adapter"):
            registry.probes[name].jobs(found)
