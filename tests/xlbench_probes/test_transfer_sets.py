"""Sets of languages: whether effects add up, and which sets are proposed."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from synthetic import CODES, Synthetic, write_all

from benchmarks import sets
from xlbench.cli import stored
from xlbench.contracts import decimal
from xlbench.contracts.mixture import has, parts, shares
from xlbench.errors import ResultsError
from xlbench.probing import Reading
from xlbench_probes import transfer_sets
from xlbench_probes.arms import Arm
from xlbench_probes.transfer import Transfer
from xlbench_probes.transfer_view import View

POOL = CODES[:4]
SETS = (f"{CODES[0]}+{CODES[1]}", f"{CODES[1]}:3+{CODES[3]}:1", f"{CODES[0]}+{CODES[2]}+{CODES[3]}")


def made(synergy: float = 0.0, **changed: object) -> Synthetic:
    said = {"transfer": (*POOL, *SETS), "targets": CODES[2:7], "steps": (10,), "controls": (), "examples": 60}
    return Synthetic(**{**said, "synergy": synergy, "strength": 9.0, **changed})  # type: ignore[arg-type]


def view_of(study: Synthetic) -> View:
    return View.of(Reading(study.records()), "pos")


def test_a_set_is_held_against_the_mean_of_its_languages_by_their_shares() -> None:
    view = view_of(made())
    found = transfer_sets.measured(view)
    assert set(found) == set(SETS)

    def value(text: str, target: str) -> float:
        known = view.effects.effect(Arm(text, 10), target).value
        assert known is not None
        return known

    for text, one in found.items():
        targets = [g for g in view.targets if not has(text, g)]
        assert one.targets == len(targets) == len(view.targets) - len({*parts(text)} & {*view.targets})
        alone = [sum(x * value(f, g) for f, x in shares(text).items()) for g in targets]
        assert one.expected.value == pytest.approx(np.mean(alone))
        assert one.effect.value == pytest.approx(np.mean([value(text, g) for g in targets]))
    assert shares(SETS[1]) == {CODES[1]: 0.75, CODES[3]: 0.25}


def test_what_adds_up_does_and_what_does_not_is_found() -> None:
    for synergy, says in ((0.0, "may add up"), (0.5, "do more than"), (-0.5, "do less than")):
        page = transfer_sets.page([view_of(made(synergy, examples=90))])
        assert page is not None
        assert says in page.summary[0]
        words = {row[3].word for row in page.parts[0].rows}  # type: ignore[union-attr]
        assert words == {0.0: {"no clear effect"}, 0.5: {"helps"}, -0.5: {"harms"}}[synergy]


def test_a_study_without_sets_has_no_page_of_them() -> None:
    study = made(transfer=POOL)
    assert transfer_sets.page([view_of(study)]) is None
    some = made(transfer=(*POOL[:2], SETS[0]), targets=CODES[3:5], seeds=(0,), examples=10)
    assert any(page.topic == "sets" for page in Transfer().pages(some.records()))
    assert transfer_sets.page([view_of(made(transfer=(POOL[0], SETS[0])))]) is None, "one was not run alone"


@pytest.mark.parametrize("size", [2, 3])
def test_the_sets_with_the_highest_mean_are_proposed_and_the_cost_is_said(size: int) -> None:
    study, target = made(), CODES[6]
    page = Transfer().recommend_sets(study.records(), "pos", target, size)
    view = view_of(study)
    own = {f: view.effects.effect(Arm(f, 10), target).value or 0.0 for f in POOL}
    every = sorted((np.mean([own[f] for f in x]) for x in itertools.combinations(POOL, size)), reverse=True)
    rows = page.parts[0].rows  # type: ignore[union-attr]
    assert [row[1].value for row in rows] == pytest.approx(every[: transfer_sets.PROPOSED])
    assert all(row[1].low < row[1].value < row[1].high for row in rows)
    assert f"Trying all {len(every)} sets of {size} of 4 languages: {3 * len(every)} fine-tunings" in str(
        page
    )
    known = {row[0]: row[2] for row in rows if row[2] is not None}
    assert len(known) == 1 or size == 2
    assert "--transfer" in page.summary[-1]


def test_sets_are_proposed_for_a_target_that_was_not_measured() -> None:
    page = Transfer().recommend_sets(made().records(), "pos", CODES[9], 2)
    assert "(predicted)" in page.summary[0]
    first = page.parts[0].rows[0]  # type: ignore[union-attr]
    assert first[1].low is None
    assert first[2] is None


@pytest.mark.parametrize("size", [0, 1, 5])
def test_a_size_that_makes_no_set_is_refused_in_one_line(size: int) -> None:
    with pytest.raises(ResultsError, match=rf"--set {size}: sets are of 2 to 4 languages here"):
        Transfer().recommend_sets(made().records(), "pos", CODES[6], size)


def test_many_languages_are_not_all_tried() -> None:
    rng = np.random.default_rng(0)
    few = {f"{i:03}": float(x) for i, x in enumerate(rng.normal(size=14))}
    whole = transfer_sets._best_sets(few, 3)
    many = few | {f"x{i:02}": -99.0 - i for i in range(60)}
    assert transfer_sets._best_sets(many, 3) == whole
    best = sorted(few, key=few.__getitem__, reverse=True)[:3]
    assert set(whole[0]) == set(best)


def test_the_command_line_proposes_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_all(tmp_path, made(examples=20))
    stored.recommend(tmp_path, "pos", "tiny", CODES[6], None, set_size=2)
    assert "Sets of 2 for pos" in capsys.readouterr().out


def test_the_trial_holds_what_is_proposed_against_every_set() -> None:
    pool = CODES[:4]
    every = ["+".join(x) for x in itertools.combinations(pool, 2)]
    view = view_of(made(transfer=(*pool, *every), targets=CODES[4:7], examples=40))
    said = sets.show(view, 2)
    rows = [x for x in said.splitlines() if x.startswith("| qa")]
    assert len(rows) == 3
    for row, g in zip(rows, view.targets, strict=True):
        own = {x: view.effects.effect(Arm(x, 10), g).value or 0.0 for x in (*pool, *every)}
        best = max(every, key=own.__getitem__)
        first = max(every, key=lambda x: np.mean([own[f] for f in x.split("+")]))
        said_of = [f"{x} {decimal(own[x], 1, signed=True)}" for x in (best, first)]
        assert f"| {g} | 6 | {' | '.join(said_of)} | " in row
    assert "4 languages alone and 5 sets are 150% of 6 sets" in said
    assert sets.plan(pool, 2).count("+") == 6
