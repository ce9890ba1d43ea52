"""Exact effects with first-order control variates: their algebra, their intervals, and the page."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from linear import TARGETS, made

from benchmarks.control import WORLDS, measure, simulate
from xlbench.contracts import Record, Records
from xlbench.probing import Reading
from xlbench_probes import control_pages
from xlbench_probes.arms import Arm
from xlbench_probes.control_variates import controlled, pooled
from xlbench_probes.first_order import CHANGE
from xlbench_probes.first_order_pages import pages
from xlbench_probes.first_order_view import FirstOrderView


def test_value_and_variance_are_those_of_the_estimator() -> None:
    one = simulate(WORLDS[1], 4, 6, np.random.default_rng(0), 0)
    effect = one.effects.effect(Arm("f0", 1), "g0")
    x = dict(enumerate(one.linear[0, 0]))
    mine, rest = {s: x[s] for s in range(4)}, {s: x[s] for s in range(4, 10)}
    found = controlled(effect, mine, rest, 0.8, "f0")
    y, a, z = one.effects.by_seed(Arm("f0", 1), "g0"), *(np.array(list(v.values())) for v in (mine, rest))
    assert found.value == pytest.approx(y.mean() - 0.8 * (a.mean() - z.mean()))
    parts = [float(v @ v) / (len(v) * (len(v) - 1)) for v in found.seeds.values()]
    assert sorted(parts) == pytest.approx(
        sorted([np.var(y - 0.8 * a, ddof=1) / 4, 0.64 * np.var(z, ddof=1) / 6])
    )


def test_one_further_seed_controls_nothing() -> None:
    one = simulate(WORLDS[1], 3, 1, np.random.default_rng(0), 0)
    effect = one.effects.effect(Arm("f0", 1), "g0")
    assert controlled(effect, {0: 1.0, 1: 2.0, 2: 3.0}, {3: 1.0}, 1.0, "f0") is effect


def test_the_slope_is_of_deviations_within_pairs() -> None:
    """Pairs whose levels go the other way round."""
    x = [np.array([0.0, 1.0, 2.0]) + 10 * i for i in range(5)]
    y = [0.5 * v - 20 * i for i, v in enumerate(x)]
    found = pooled(y, x, runs=5)
    assert found is not None
    assert (found.value, found.correlation, found.freedom) == (pytest.approx(0.5), pytest.approx(1), 10)
    assert pooled(y, x, runs=3) is None, "too few runs"
    assert pooled(y, [np.ones(3)] * 5, runs=5) is None, "nothing varies"


def test_intervals_are_narrower_and_cover() -> None:
    row = measure(WORLDS[0], 3, 16, 2)
    effects, with_control = float(row[2]), float(row[3])
    assert min(effects, with_control) > 90
    assert float(row[6]) > 30


def both(noise: float) -> Records:
    """Exact effects of three seeds, and first-order ones of these and 5 more."""
    found = made(1.0, noise, seeds=8)
    study: dict[str, Any] = {**found.study, "evaluation": ["exact", "first-order"], "seeds": [0, 1, 2]}
    linear = {x.condition_key: x for x in found.expected if x.probe == "first-order"}
    records, expected = list(found.records), list(found.expected)
    rng = np.random.default_rng(1)
    by_key: dict[str, list[Record]] = {}
    for x in found.records:
        by_key.setdefault(x.condition_key, []).append(x)
    for key, job in linear.items():
        run = job.typed.finetuning
        if run is None or run.seed not in (1, 2):
            continue
        told = {k: v for k, v in job.condition.items() if k not in ("evaluation", "gradient")}
        exact = dataclasses.replace(job, probe="transfer", condition=told)
        expected.append(exact)
        for x in by_key[key]:
            loss = 2.0 + x.evaluation.extra[CHANGE] + noise * float(rng.normal())
            one = dataclasses.replace(
                x.evaluation, counts=np.ones((4, 2), np.int32), extra={},
                loss=np.array([[loss, 1.0]] * 4),
            )  # fmt: skip
            records.append(Record("transfer", 1, told, exact.condition_key, one))
    return dataclasses.replace(found, records=tuple(records), expected=tuple(expected), study=study)


def test_the_page_shows_both_side_by_side() -> None:
    records = both(noise=1e-4)
    view = FirstOrderView.of(Reading(records), "pos")
    (found,) = control_pages.of(view)
    assert (found.seeds, found.further, len(found.plain)) == (3, 5, 30)
    assert found.slope.correlation > 0.95
    linear = view.changes[Arm("qaa", 10), TARGETS[0]]
    every = np.array([linear[s, 0] for s in range(8)], float)
    one = found.better["qaa", TARGETS[0]]
    assert one.value == pytest.approx(every[3:].mean(), abs=0.3), "nearly that of the further seeds"
    assert found.narrower > 0.2
    (page,) = pages(records)
    assert any("Task loss with a control variate" in x.title for x in page.parts)
    assert any("narrower" in x for x in page.summary)


def test_a_sample_alone_has_no_control() -> None:
    (page,) = pages(made(1.0, 0.0))
    assert not any("control variate" in x.title for x in page.parts)
