"""A probe of a third party that misbehaves costs its own jobs and no other's numbers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from xlbench import api, hookimpl, load_results
from xlbench.contracts import Cost, Evaluation, Job, Lab, Resolved, Study
from xlbench.errors import JobError
from xlbench.results import Store

Does = Callable[[Job, Any], Any]


class Hostile:
    """Scores as `zero-shot` does, its own way."""

    name, version, summary, settings = "hostile", 1, "Misbehaves", None

    def __init__(self, does: Sequence[Does]) -> None:
        self.does = does

    def jobs(self, resolved: Resolved) -> Iterator[Job]:
        (task,) = resolved.tasks
        for number, does in enumerate(self.does):
            condition: dict[str, Any] = {"adapter": resolved.adapter_identity(task), "deep": {"list": [1, 2]}}
            yield Job(
                self.name, 1, {**condition, "number": number}, resolved.cells(task), does.__name__, Cost()
            )

    def run(self, job: Job, lab: Lab) -> Any:
        does = self.does[int(str(job.condition["number"]))]
        lab.task_adapter(job.cells[0].task)
        return does(job, lab)

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
ALL = (*GOOD, *BAD)


@pytest.fixture(scope="module")
def study(checkpoint: Path) -> Study:
    return Study(
        model=str(checkpoint), tasks=("pos",), probes=("hostile", "zero-shot"), targets=("qaa", "qab"),
        data={"pos": ("artificial",)}, limit=8, train_languages=("qaa",), adapter={"epochs": 1, "limit": 8},
    )  # fmt: skip


def rows(results: Path, probe: str) -> dict[int, list[tuple[Any, ...]]]:
    """By number of the job; 0 for one without a number."""
    frame = load_results(results)
    frame = frame[frame["probe"] == probe].fillna({"condition.number": 0})
    columns = ["task", "target", "score", "n", "truncated"]
    return {
        int(number): sorted(some[columns].itertuples(index=False, name=None))
        for number, some in frame.groupby("condition.number")
    }


class Plugged:
    """A plugin that is not installed."""

    def __init__(self, probe: Hostile) -> None:
        self.probe = probe

    @hookimpl
    def xlbench_probes(self) -> Any:
        yield self.probe


def honest(job: Job, lab: Any) -> Any:
    return lab.evaluate(job.cells)


class Ran(NamedTuple):
    done: api.RunResult
    again: api.RunResult
    """The same study once more."""
    baseline: list[tuple[Any, ...]]
    """Of the probe `zero-shot`."""
    rows: dict[int, list[tuple[Any, ...]]]


def ran(study: Study, results: Path, does: Sequence[Does]) -> Ran:
    given = [Plugged(Hostile(does))]
    done, again = (
        api.run(study, results=results, workers=1, device="cpu", plugins=given, rerun="missing")
        for _ in range(2)
    )
    store = Store(results)
    made = [*store.provenances(), *(x.provenance for x in store.failures(store.study()))]
    order = [x["label"] for x in sorted(made, key=lambda x: str(x["ended"]))]
    assert [x for x in order if "zero-shot" not in x] == [x.__name__ for x in does]
    (baseline,) = rows(results, "zero-shot").values()
    return Ran(done, again, baseline, rows(results, "hostile"))


@pytest.fixture(scope="module")
def alone(study: Study, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """Numbers of a study in which nobody misbehaves."""
    found = ran(study, tmp_path_factory.mktemp("alone"), [honest])
    assert not found.done.failed
    assert found.rows == {0: found.baseline}
    return found.baseline


@pytest.fixture(scope="module")
def together(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """All of them in one process, each followed by a job that does as it should."""
    here, plugins_of = Path.cwd(), os.environ.get("XLBENCH_PLUGINS")
    found = ran(study, tmp_path_factory.mktemp("together"), [x for does in ALL for x in (does, honest)])
    assert Path.cwd() == here
    assert os.environ.get("XLBENCH_PLUGINS") == plugins_of
    return found


@pytest.mark.parametrize("does", ALL, ids=lambda x: x.__name__)
def test_others_numbers_are_those_of_a_run_without_it(
    alone: list[tuple[Any, ...]], together: Ran, does: Does
) -> None:
    number = 2 * ALL.index(does)
    assert together.rows[number + 1] == together.baseline == alone
    assert together.rows.get(number) == (alone if does in GOOD else None)
    assert (does.__name__ in together.done.failed) is (does in BAD)


def test_what_fails_is_told_in_one_line_and_nothing_is_run_again(together: Ran) -> None:
    assert sorted(together.done.failed) == sorted(x.__name__ for x in BAD)
    assert all(x.isprintable() or "\x1b" in x for x in together.done.failed.values())
    assert together.again.run == 0
