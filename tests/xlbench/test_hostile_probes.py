"""A probe of a third party that misbehaves costs its own jobs and no other's numbers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xlbench import api, hookimpl, load_results
from xlbench.contracts import Cost, Evaluation, Job, Lab, Resolved, Study
from xlbench.errors import JobError

Does = Callable[[Job, Any], Any]


class Hostile:
    """Scores as `zero-shot` does, its own way."""

    name, version, summary, settings = "hostile", 1, "Misbehaves", None

    def __init__(self, does: Does) -> None:
        self.does = does

    def jobs(self, resolved: Resolved) -> Sequence[Job]:
        task = next(iter(resolved.tasks))
        condition: dict[str, Any] = {"adapter": resolved.adapter_identity(task), "deep": {"list": [1, 2]}}
        return [Job(self.name, 1, condition, resolved.cells(task), "hostile", Cost())]

    def run(self, job: Job, lab: Lab) -> Any:
        lab.task_adapter(job.cells[0].task)
        return self.does(job, lab)

    def pages(self, records: object) -> Sequence[Any]:
        return ()


class UnpicklableError(Exception):
    """Cannot be pickled, made anew or shown."""

    def __init__(self, one: object, other: object) -> None:
        super().__init__(lambda: one)
        self.other = other

    def __str__(self) -> str:
        raise TypeError


def lazily(job: Job, lab: Any) -> Any:
    yield from lab.evaluate(job.cells)


def other_condition(job: Job, lab: Any) -> Any:
    """What is handed in is changed in place, as by a `pop` of what was read."""
    condition: Any = job.condition
    condition.pop("adapter")
    condition["deep"]["list"].append(3)
    return lab.evaluate(job.cells)


def backwards(job: Job, lab: Any) -> Any:
    return lab.evaluate(job.cells)[::-1]


def half(job: Job, lab: Any) -> Any:
    return lab.evaluate(job.cells)[:1]


def twice(job: Job, lab: Any) -> Any:
    return lab.evaluate(job.cells) * 2


def nothing(job: Job, lab: Any) -> Any:
    return None


def flat(job: Job, lab: Any) -> Any:
    return [Evaluation(x, np.ones(3, np.int32)) for x in job.cells]


def empty(job: Job, lab: Any) -> Any:
    return [Evaluation(x, np.ones((0, 2), np.int32)) for x in job.cells]


def not_a_number(job: Job, lab: Any) -> Any:
    return [Evaluation(x, np.full((3, 2), np.nan)) for x in job.cells]


def words(job: Job, lab: Any) -> Any:
    return [Evaluation(x, np.array([["a", "b"]])) for x in job.cells]  # type: ignore[arg-type]


def leaves(job: Job, lab: Any) -> Any:
    sys.exit(0)


def unpicklable(job: Job, lab: Any) -> Any:
    raise UnpicklableError(1, 2)


def surrogate(job: Job, lab: Any) -> Any:
    raise JobError("half a \ud83d pair\x1b[31m\nand a line")


def spoils(job: Job, lab: Any) -> Any:
    for parameter in lab.encoder.model.parameters():
        parameter.data.mul_(0)
    os.chdir("/")
    os.environ["XLBENCH_PLUGINS"] = ""
    raise ZeroDivisionError


GOOD: tuple[Does, ...] = (lazily, other_condition)
BAD: tuple[Does, ...] = (
    backwards, half, twice, nothing, flat, empty, not_a_number, words, leaves, unpicklable, surrogate, spoils,
)  # fmt: skip


@pytest.fixture(scope="module")
def study(checkpoint: Path) -> Study:
    return Study(
        model=str(checkpoint), tasks=("pos",), probes=("hostile", "zero-shot"), targets=("qaa", "qab"),
        data={"pos": ("artificial",)}, limit=8, train_languages=("qaa",), adapter={"epochs": 1, "limit": 8},
    )  # fmt: skip


def rows(results: Path, probe: str) -> list[tuple[Any, ...]]:
    frame = load_results(results)
    frame = frame[frame["probe"] == probe]
    return sorted(frame[["task", "target", "score", "n", "truncated"]].itertuples(index=False, name=None))


class Plugged:
    """A plugin that is not installed."""

    def __init__(self, does: Does) -> None:
        self.does = does

    @hookimpl
    def xlbench_probes(self) -> Any:
        yield Hostile(self.does)


def run(study: Study, results: Path, does: Does) -> api.RunResult:
    return api.run(study, results=results, workers=1, device="cpu", plugins=[Plugged(does)])


@pytest.fixture(scope="module")
def alone(study: Study, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    results = tmp_path_factory.mktemp("alone")
    assert not run(study, results, lambda job, lab: lab.evaluate(job.cells)).failed
    assert rows(results, "hostile") == rows(results, "zero-shot")
    return rows(results, "zero-shot")


@pytest.mark.parametrize("does", [*GOOD, *BAD], ids=lambda x: x.__name__)
def test_others_numbers_are_those_of_a_run_without_it(
    study: Study, alone: list[tuple[Any, ...]], does: Does, tmp_path: Path
) -> None:
    here, plugins_of = Path.cwd(), os.environ.get("XLBENCH_PLUGINS")
    done = run(study, tmp_path / "results", does)
    assert Path.cwd() == here
    assert os.environ.get("XLBENCH_PLUGINS") == plugins_of
    assert rows(tmp_path / "results", "zero-shot") == alone
    assert rows(tmp_path / "results", "hostile") == (alone if does in GOOD else [])
    assert list(done.failed) == ([] if does in GOOD else ["hostile"])
    assert all(x.isprintable() or "\x1b" in x for x in done.failed.values())
    if does in GOOD:
        assert run(study, tmp_path / "results", does).run == 0
