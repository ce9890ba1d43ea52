"""Statistics of a study that really ran, read from its files, against scipy and statsmodels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

import xlbench
from xlbench import plugins
from xlbench.contracts import Matrix, Metric, Record
from xlbench.probing.reading import Reading
from xlbench.results import Store
from xlbench.scores import Estimate, p_value, randomisation
from xlbench.scores.significance import words
from xlbench_probes.transfer_pages import pages
from xlbench_probes.transfer_view import View

DRAWS = 4000


@dataclass
class Stored:
    """One task's records, and what is made from them."""

    metric: Metric
    view: View
    matrix: Matrix
    before: dict[str, NDArray[np.float64]]
    after: dict[tuple[str, str], NDArray[np.float64]]

    def effects(self) -> dict[tuple[str, str], Estimate]:
        arms = {x.text: x for x in self.view.arms(self.view.last)}
        return {(f, g): self.view.effects.effect(arms[f], g) for f, g in self.after}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the embedded model, which has learnt something, at a rate that makes it forget some of that."""
    folder = tmp_path_factory.mktemp("stored") / "results"
    study = xlbench.Study(
        model="tiny", probes=("transfer",), tasks=("pos", "ner"), transfer=("qaa", "qac"),
        targets=("qaa", "qab", "qac", "qah"), train_languages=("qaa",), controls=(), steps=(20,), seeds=(0,),
        data={"pos": ("artificial",), "ner": ("artificial",)}, text="artificial", limit=80,
        readings=("put-back",),
        mlm={"chunk": 24, "lines": 200, "learning_rate": 0.01}, adapter={"limit": 400, "epochs": 3},
    )  # fmt: skip
    assert xlbench.run(study, results=folder, workers=1).failed == {}
    return folder


@pytest.fixture(scope="module", params=["pos", "ner"])
def stored(results: Path, request: pytest.FixtureRequest) -> Stored:
    task = request.param
    metrics = {name: x.metric for name, x in plugins.load().tasks.items()}
    records = Store(results).records(metrics)
    own = [x for x in records.records if x.evaluation.cell.task == task]

    def counts(record: Record) -> NDArray[np.float64]:
        return record.evaluation.counts.astype(np.float64)

    before = {x.evaluation.cell.target: counts(x) for x in own if x.probe == "zero-shot"}
    after = {
        (str(x.condition["text"]["language"]), x.evaluation.cell.target): counts(x)  # type: ignore[call-overload, index]
        for x in own
        if x.probe == "transfer"
    }
    page = next(x for x in pages(records) if x.task == task)
    matrix = next(x for x in page.parts if isinstance(x, Matrix))
    return Stored(metrics[task], View.of(Reading(records), task), matrix, before, after)


def test_a_real_study_has_effects_to_test(stored: Stored) -> None:
    values = [x.value or 0.0 for x in stored.effects().values()]
    assert len(values) == 8
    assert sum(abs(x) > 0.5 for x in values) >= 4


def test_an_effect_is_what_the_stored_counts_say(stored: Stored) -> None:
    for (f, g), found in stored.effects().items():
        sums = stored.after[f, g].sum(axis=0), stored.before[g].sum(axis=0)
        expected = float(stored.metric.score(sums[0]) - stored.metric.score(sums[1]))
        assert found.value == pytest.approx(expected)


def test_intervals_are_those_of_scipys_paired_bootstrap(stored: Stored) -> None:
    for (f, g), found in stored.effects().items():
        sides = stored.after[f, g], stored.before[g]

        def statistic(rows: NDArray[np.int64], axis: int, sides: tuple[NDArray[np.float64], ...] = sides):  # type: ignore[no-untyped-def]
            assert axis == -1
            one, other = (stored.metric.score(x[rows.astype(int)].sum(axis=-2)) for x in sides)
            return one - other

        expected = scipy.stats.bootstrap(
            (np.arange(len(sides[0])),), statistic, n_resamples=DRAWS, method="percentile",
            rng=np.random.default_rng(0),
        )  # fmt: skip
        low, high = expected.confidence_interval
        number = found.number()
        assert found.spread().error == pytest.approx(expected.standard_error, rel=0.1)
        assert (number.low, number.high) == pytest.approx((low, high), abs=0.15 * (high - low))


def test_swaps_are_those_of_scipys_permutation_test(stored: Stored) -> None:
    for (f, g), found in stored.effects().items():
        both = np.stack([stored.after[f, g], stored.before[g]])

        def statistic(
            x: NDArray[np.float64], y: NDArray[np.float64], both: NDArray[np.float64] = both
        ) -> float:
            sums = [both[side.astype(int), np.arange(both.shape[1])].sum(axis=0) for side in (x, y)]
            return float(stored.metric.score(sums[0]) - stored.metric.score(sums[1]))

        n = both.shape[1]
        expected = scipy.stats.permutation_test(
            (np.zeros(n), np.ones(n)), statistic, permutation_type="samples", n_resamples=1000,
            rng=np.random.default_rng(0),
        )  # fmt: skip
        assert found.value is not None
        assert found.null is not None
        ours = randomisation(found.value, found.null)
        assert ours == pytest.approx(expected.pvalue, abs=0.06)


def test_the_words_of_the_matrix_are_those_of_statsmodels_correction(stored: Stored) -> None:
    effects = stored.effects()
    code = {stored.view.reading.name(x): x for pair in effects for x in pair}
    rows, columns = ([code[x] for x in side] for side in (stored.matrix.rows, stored.matrix.columns))
    cells = [(f, g) for f in rows for g in columns]
    told = [x.word for line in stored.matrix.cells for x in line]
    claimed = multipletests([p_value(effects[pair]) for pair in cells], alpha=0.05, method="fdr_bh")[0]
    assert set(told) == {"this run only"}, "the study has one seed"
    told = words([(p_value(effects[pair]) or 0.0, effects[pair].value or 0.0) for pair in cells])
    expected = [
        "no clear effect" if not sure else "helps" if (effects[pair].value or 0) > 0 else "harms"
        for pair, sure in zip(cells, claimed, strict=True)
    ]
    assert told == expected
    assert "harms" in told, "the study is to have something that a test finds"
