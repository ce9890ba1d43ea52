"""The pages of questions, on made-up studies whose truth is known, against sums over the counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pytest
from scipy.special import stdtr
from scipy.stats import spearmanr
from statsmodels.stats.multitest import multipletests
from synthetic import ACCURACY, METRICS, Synthetic, write_all

from xlbench import plugins
from xlbench.cli import reporting
from xlbench.contracts import (
    Cell,
    Distance,
    Evaluation,
    Job,
    Language,
    Number,
    Page,
    PretrainingSizes,
    Record,
    Records,
    Table,
)
from xlbench.metrics import log_likelihood
from xlbench.probing.reading import Reading
from xlbench.reporting import write_leaderboard
from xlbench.reporting.page_data import page_data
from xlbench.results import Store
from xlbench.results.manifest import EARLIER
from xlbench.scores import Effects, Estimate, Trial, chances, difference, holm, judge, several
from xlbench.scores import mean as mean_of
from xlbench.stored import Stored
from xlbench_probes import (
    transfer_advice,
    transfer_compare,
    transfer_models,
    transfer_pages,
    transfer_questions,
)
from xlbench_probes.arms import Arm
from xlbench_probes.resources import levels
from xlbench_probes.transfer_pairs import search
from xlbench_probes.transfer_stopping import choose
from xlbench_probes.transfer_view import View, read_outs

EXAMPLES = 100
SEEN = ("qaa", "qab", "qac", "qad")
UNSEEN = ("qba", "qbb", "qbc")
FAMILIES = {"qaa": "A", "qab": "A", "qac": "B", "qad": "B", "qba": "A", "qbb": "B", "qbc": "B"}
NAMES = {code: f"Name {code}" for code in FAMILIES}

Points = Callable[[str, str, str, int, int, str], float]
"""Task, transfer language, target, steps, seed, reading: the points that are added to zero-shot."""


def flat(points: float) -> Points:
    return lambda task, f, g, k, seed, reading: points


@dataclass
class Made:
    """A study whose scores are zero-shot, 50 points, and what `points` adds, in whole examples."""

    points: Points
    transfer: tuple[str, ...] = (*SEEN, *UNSEEN[:2])
    targets: tuple[str, ...] = (*SEEN, *UNSEEN)
    steps: tuple[int, ...] = (1, 10)
    seeds: tuple[int, ...] = (0, 1, 2)
    tasks: tuple[str, ...] = ("pos",)
    kinds: dict[str, Any] = field(default_factory=lambda: {"pos": "tagging", "nli": "classification"})
    readings: tuple[str, ...] = ("put-back", "retrained")
    shuffles: int = 0
    """Seed of which examples are right, apart in each run."""

    def records(self) -> Records:
        jobs: list[Job] = []
        found: list[Record] = []
        rng = np.random.default_rng(self.shuffles)

        def add(probe: str, condition: dict[str, Any], task: str, score: Callable[[str], float]) -> None:
            cells = tuple(Cell(task, g, f"data of {task} {g}") for g in self.targets)
            job = Job(probe, 1, condition, cells, f"{probe} {condition}")
            jobs.append(job)
            for cell in cells:
                right = round(EXAMPLES * score(cell.target) / 100)
                marks = (np.arange(EXAMPLES) < right).astype(np.int32)
                if self.shuffles:
                    rng.shuffle(marks)
                counts: Any = np.stack([marks, np.ones(EXAMPLES, np.int32)], axis=1)
                if task == "lm":  # a tenth of the points, in bits per character
                    nats = 10 * np.log(2) * (10 - score(cell.target) / 10)
                    counts = np.tile([nats, 10.0, 5.0], (EXAMPLES, 1))
                found.append(Record(probe, 1, condition, job.condition_key, Evaluation(cell, counts)))

        for task in self.tasks:
            adapter = {"task": task, "seed": 0}
            add("zero-shot", {"adapter": adapter}, task, lambda g: 50.0)
            for f in self.transfer:
                for k in self.steps:
                    for seed in self.seeds:
                        for reading in self.readings:
                            condition = {"adapter": adapter, "text": {"language": f}, "variant": "plain"}
                            condition |= {"steps": k, "seed": seed}
                            if reading == "retrained":
                                condition |= {"reading": reading}

                            def score(g: str, *what: Any, task: str = task, f: str = f) -> float:
                                return 50 + self.points(task, f, g, *what)

                            what = (k, seed, reading)
                            add("transfer", condition, task, lambda g, w=what, s=score: s(g, *w))  # type: ignore[misc]
        languages = {x: Language(x, NAMES[x], y, f"{y} branch", "Latn") for x, y in FAMILIES.items()}
        table = {(a, b): abs(ord(a[2]) - ord(b[2])) / 10 for a in FAMILIES for b in FAMILIES}
        return Records(
            tuple(found),
            tuple(jobs),
            {},
            {"transfer": list(self.transfer), "targets": list(self.targets), "seeds": list(self.seeds)},
            {task: log_likelihood() if task == "lm" else ACCURACY for task in self.tasks},
            languages,
            {x: x in SEEN for x in FAMILIES},
            (Distance("letters", "between last letters", table),),
            levels={x: EARLIER[self.kinds[x]] for x in self.tasks if self.kinds[x] in EARLIER},
        )


def asked(records: Records) -> list[Page]:
    """The pages of questions alone: those of tasks take most of the time."""
    reading = Reading(records)
    views = {x: [View.of(reading, x, y) for y in read_outs(reading, x)] for x in reading.tasks("transfer")}
    return list(transfer_questions.pages(views))


def label(code: str) -> str:
    return f"{NAMES[code]} ({code})"


def page_of(pages: Iterable[Page], topic: str) -> Page:
    return next(x for x in pages if x.topic == topic)


def table_of(page: Page, title: str) -> list[dict[str, Any]]:
    table = next(x for x in page.parts if x.title.startswith(title))
    assert isinstance(table, Table)
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def rows(table: list[dict[str, Any]], **wanted: object) -> list[dict[str, Any]]:
    named = {key.replace("_", " "): x for key, x in wanted.items()}
    return [row for row in table if all(row[key] == x for key, x in named.items())]


def shifted(task: str, f: str, g: str, k: int, seed: int, reading: str) -> float:
    """Of another size in each quadrant, for kin and for each reading; seeds add up to 0."""
    quadrant = {(True, True): -6.0, (True, False): 4.0, (False, True): -2.0, (False, False): 8.0}
    kin = 3.0 if FAMILIES[f] == FAMILIES[g] else 0.0
    near = 2.0 * (g == "qaa") + kin
    size = quadrant[f in SEEN, g in SEEN] + near + (seed - 1) + (5.0 if reading == "retrained" else 0.0)
    return size if k == 10 else size // 2


@pytest.fixture(scope="module")
def pages() -> list[Page]:
    return asked(Made(shifted, tasks=("pos", "nli")).records())


def test_every_question_has_a_page(pages: list[Page]) -> None:
    topics = [x.topic for x in pages if x.topic]
    assert topics == ["headline", "who to whom", "how many steps", "promising pairs", "kinds of task"]
    assert all(x.task == "" and x.parts for x in pages if x.topic)


@pytest.mark.parametrize(("reading", "name"), [("put-back", "effect"), ("retrained", "gain")])
def test_true_two_by_two_means_come_back(pages: list[Page], reading: str, name: str) -> None:
    table = table_of(page_of(pages, "who to whom"), "Mean effect and gain")
    study = Made(shifted)
    true = {}
    for one, donors in (("seen", SEEN), ("unseen", UNSEEN[:2])):
        (row,) = rows(table, Task="pos (points of accuracy)", Reading=name, Transfer_languages=one)
        for other, targets in (("Seen targets", SEEN), ("Unseen targets", UNSEEN)):
            pairs = [(f, g) for f in donors for g in targets if f != g]
            values = [shifted("pos", f, g, 10, s, reading) for f, g in pairs for s in study.seeds]
            true[one, other] = mean(values)
            assert row[other].value == pytest.approx(true[one, other])
        apart = true[one, "Unseen targets"] - true[one, "Seen targets"]
        assert row["Unseen minus seen targets"].value == pytest.approx(apart)
    (row,) = rows(
        table, Task="pos (points of accuracy)", Reading=name, Transfer_languages="unseen minus seen"
    )
    for other in ("Seen targets", "Unseen targets"):
        assert row[other].value == pytest.approx(true["unseen", other] - true["seen", other])


def test_what_kin_adds_is_compared_target_by_target(pages: list[Page]) -> None:
    """A target that all donors help more, and that has more kin among them, is no argument for kin."""
    table = table_of(page_of(pages, "who to whom"), "What matters within")
    for donors, targets in ((SEEN, SEEN), (SEEN, UNSEEN)):
        sides = {"Transfer_languages": "seen", "Targets": "seen" if targets is SEEN else "unseen"}
        found = rows(table, Task="pos (points of accuracy)", Reading="gain", **sides)
        (family,) = [x for x in found if x["Transfer language has"] == "same family"]
        assert family["Adds"].value == pytest.approx(3.0)
        assert family["Targets compared"] == len(targets)
        (near,) = [x for x in found if x["Transfer language has"].startswith("nearer half")]
        true = []
        for g in targets:
            far = {f: abs(ord(f[2]) - ord(g[2])) for f in donors if f != g}
            middle = float(np.median(list(far.values())))
            sides_ = [[shifted("pos", f, g, 10, 1, "retrained") for f, x in far.items() if side(x, middle)]
                      for side in (np.less, np.greater)]  # fmt: skip
            if all(sides_):
                true.append(mean(sides_[0]) - mean(sides_[1]))
        assert near["Adds"].value == pytest.approx(mean(true))


def test_what_is_seen_is_not_known(pages: list[Page]) -> None:
    records = replace(Made(flat(1.0), steps=(10,)).records(), seen=dict.fromkeys(FAMILIES))
    empty = page_of(asked(records), "who to whom")
    assert not empty.parts
    assert "--pretraining-languages" in " ".join(empty.summary)


def test_the_best_number_of_steps_and_none_are_found() -> None:
    """Unseen targets peak after 10 steps, seen ones only lose."""

    def rises(task: str, f: str, g: str, k: int, seed: int, reading: str) -> float:
        peak = {1: 2.0, 10: 9.0, 100: 4.0} if g in UNSEEN else {1: -1.0, 10: -5.0, 100: -12.0}
        return peak[k] + seed - 1

    sizes = PretrainingSizes("lines", "made up", {"qaa": 10, "qab": 20, "qac": 300, "qad": 4000})
    records = replace(Made(rises, steps=(1, 10, 100), readings=("put-back",)).records(), sizes=sizes)
    page = page_of(asked(records), "how many steps")
    for row in table_of(page, "Best number of steps for each target"):
        if "qb" in row["Target language"]:
            assert (row["Best"], row["Mean effect there"].value) == ("10", pytest.approx(9.0))
            assert row["10: best in % of draws"] >= 99
        else:
            assert (row["Best"], row["Mean effect there"]) == ("none", None)
            assert row["0: best in % of draws"] >= 90
    of_levels = {row["Size in pretraining"]: row for row in table_of(page, "Best number of steps by size")}
    assert list(of_levels) == ["unseen", "smallest third (to 20)", "middle third (to 300)",
                               "largest third (to 4000)"]  # fmt: skip
    assert [row["Targets"] for row in of_levels.values()] == [3, 2, 1, 1]
    assert [row["Best"] for row in of_levels.values()] == ["10", "none", "none", "none"]


def simulated(
    true: dict[str, np.ndarray[Any, Any]], rng: np.random.Generator, spread: float, draws: int
) -> Effects:
    """Effects of arms "f k" on targets; `true` is in points by target, shape (donors, steps)."""
    n, seeds = 100, 3
    baselines, trials = {}, []
    for g, effects in true.items():
        ease = rng.normal(0, 1, n)
        base = ease + rng.normal(0, 1, n) > 0
        baselines[g] = np.stack([base, np.ones(n)], axis=1).astype(np.int32)
        for (f, k), points in np.ndenumerate(effects):
            for s in range(seeds):
                moved = (points + rng.normal(0, spread)) / 28  # points per latent unit at even odds
                right = ease + rng.normal(0, 1, n) + moved > 0
                counts = np.stack([right, np.ones(n)], axis=1).astype(np.int32)
                trials.append(Trial(Arm(f"f{f}", k + 1), s, g, counts))
    return Effects(f"task {rng.integers(1 << 30)}", ACCURACY, baselines, trials, draws=draws)


def test_equal_means_over_seeds_and_adapters_do_not_stop_a_table() -> None:
    """Of counts they may be equal by chance, though runs differ: then nothing is known of the seeds alone."""
    rng = np.random.default_rng(0)
    both = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    pair = ("a", "task adapters x")

    def of(seeds: np.ndarray[Any, Any]) -> Estimate:
        draws = 2 + rng.normal(0, 1, 500)
        return Estimate(2.0, draws, seeds=dict.fromkeys(pair, seeds), crossed={pair: both})

    moving = [of(x - x.mean()) for x in rng.normal(0, 1, (6, 3))]
    found = judge(dict(enumerate([of(np.zeros(3)), *moving])))
    assert all(x.number.low is not None and x.number.low < 2 < (x.number.high or 0) for x in found.values())
    assert all(x.p is not None and 0 < x.p < 1 for x in found.values())


@pytest.mark.parametrize("others", [(), ("task adapters x",)])
def test_chances_know_how_little_few_seeds_say(others: tuple[str, ...]) -> None:
    """Of three seeds alone: Student's t with two degrees of freedom; what is alike stays paired."""
    own = np.array([-1.0, 0.0, 1.0]) * 3**0.5  # a standard error of 1
    draws = np.zeros(20_000)

    def of(value: float) -> Estimate:
        return Estimate(value, draws + value, seeds={"a": own} | dict.fromkeys(others, own))

    found = chances({"one": of(1.5), "other": of(0.5)})
    assert found is not None
    assert found["other"] == 0
    if not others:
        assert found["one"] == pytest.approx(stdtr(2, 1.5), abs=0.015)
    else:  # the sum of two
        rng = np.random.default_rng(0)
        both = rng.standard_t(2, (2, 200_000)).sum(axis=0)
        assert found["one"] == pytest.approx(np.mean(both > -1.5), abs=0.015)
    assert sum(found.values()) == pytest.approx(1)


def test_the_chance_of_being_best_is_that_of_being_best() -> None:
    """What comes first is the truly best about as often as its share of draws says."""
    rng = np.random.default_rng(5)
    said, was = [], []
    for _ in range(150):
        true = rng.normal(0, 8, (1, 3))
        effects = simulated({"g": true}, rng, 1.0, 300)
        choice = choose({k: effects.effect(Arm("f0", k), "g") for k in (1, 2, 3)})
        assert 99 <= sum(choice.chances.values()) <= 101
        first = max(choice.chances, key=lambda k: choice.chances[k])
        said.append(choice.chances[first] / 100)
        was.append(first == int(np.argmax([0.0, *true[0]])))
    assert abs(mean(said) - np.mean(was)) < 0.1
    assert 0.6 < np.mean(was) < 0.95


@pytest.fixture(scope="module")
def empty_view() -> View:
    study = Made(flat(0.0), transfer=("qaa",), targets=("qaa",), steps=(1, 2), readings=("put-back",))
    return View.of(Reading(study.records()), "pos")


def test_promising_pairs_are_seldom_promised_where_nothing_gains(empty_view: View) -> None:
    """The chance of any false claim in the search is at most 5%; without correction it is some 40%."""
    rng = np.random.default_rng(8)
    any_, loose = 0, 0
    for _ in range(30):
        codes = [f"g{i}" for i in range(4)]
        effects = simulated({g: np.zeros((4, 2)) for g in codes}, rng, 3.0, 200)
        donors = tuple(f"f{i}" for i in range(4))
        found = search([replace(empty_view, effects=effects, transfer=donors, targets=tuple(codes))])
        assert found is not None
        any_ += bool(found.clear())
        loose += any(x.p <= 0.05 for x in found.pairs)
    assert any_ <= 4
    assert loose >= 1


def test_promising_pairs_are_found_where_they_gain_in_every_seed() -> None:
    def few(task: str, f: str, g: str, k: int, seed: int, reading: str) -> float:
        if (f, g) == ("qaa", "qba"):
            return 12.0 + seed  # under all conditions
        if (f, g) == ("qab", "qbb"):
            return 12.0 + seed if (task, k) == ("pos", 10) else -1.0  # under one alone
        if (f, g) == ("qac", "qbc"):
            return 30.0 if seed else -1.0  # not in every seed
        return -2.0 + seed

    study = Made(few, tasks=("pos", "nli"))
    page = page_of(asked(study.records()), "promising pairs")
    table = table_of(page, "Promising pairs (gain)")
    clear = [(x["Transfer language"], x["Target language"]) for x in table if x["Verdict"] == "helps"]
    assert clear == [(label("qaa"), label("qba"))]
    assert table[0]["Every seed gains at"] == "pos: 1 and 10 steps; nli: 1 and 10 steps"
    assert table[0]["Mean gain: pos (points)"].value == pytest.approx(13.0)
    assert {label("qab"), label("qac")}.isdisjoint(x["Transfer language"] for x in table)


def test_effects_on_held_out_text_go_with_known_distance_too() -> None:
    """From six transfer languages on, apart for seen and unseen targets."""

    def near(task: str, f: str, g: str, k: int, seed: int, reading: str) -> float:
        return (-1 if g in SEEN else 1) * (10.0 - 3 * abs(ord(f[2]) - ord(g[2]))) + seed

    study = Made(near, tasks=("lm",), steps=(10,), kinds={"lm": "language-model"}, readings=("put-back",))
    page = transfer_pages.pages(study.records())[0]
    table = table_of(page, "Effect and known distance")
    pairs = {x: [(f, g) for f in study.transfer for g in x if f != g] for x in (SEEN, UNSEEN)}
    true = {
        x: spearmanr(
            [near("", f, g, 1, 1, "") for f, g in some], [abs(ord(f[2]) - ord(g[2])) for f, g in some]
        )
        for x, some in pairs.items()
    }
    for row, x in zip(table, (SEEN, UNSEEN), strict=True):
        assert row["Targets"] == ("seen" if x is SEEN else "unseen")
        assert row["Pairs"] == len(pairs[x])
        assert row["Rank correlation"].value == pytest.approx(true[x].statistic)
    few = replace(study, transfer=study.transfer[:5])
    assert not any("known distance" in x.title for x in transfer_pages.pages(few.records())[0].parts)


def test_one_seed_promises_nothing() -> None:
    page = page_of(asked(Made(flat(20.0), seeds=(0,)).records()), "promising pairs")
    assert not page.parts
    assert "--seeds" in page.summary[0]


@pytest.mark.parametrize(
    ("points", "any_", "none"),
    [
        (lambda f, g: 15.0 if g in UNSEEN else -15.0, "holds", "holds"),
        (lambda f, g: 15.0, "holds", "does not hold"),
        (lambda f, g: -15.0 if f in SEEN else 15.0, "does not hold", "does not hold"),
        (lambda f, g: 0.0, "open", "open"),
    ],
)
def test_the_headline_is_tested(points: Callable[[str, str], float], any_: str, none: str) -> None:
    def made(task: str, f: str, g: str, k: int, seed: int, reading: str) -> float:
        return points(f, g) + seed - 1

    study = Made(made, steps=(10,), readings=("retrained",))
    page = page_of(asked(study.records()), "headline")
    (row,) = table_of(page, "The paper's headline")
    assert (row["Unseen targets gain from almost any"], row["None helps all"]) == (any_, none)
    pairs = [(f, g) for f in study.transfer for g in UNSEEN if f != g]
    assert row["Mean on unseen targets"].value == pytest.approx(mean(points(f, g) for f, g in pairs))
    positive = sum(mean(points(f, g) for g in UNSEEN if g != f) > 0 for f in study.transfer)
    assert row["Transfer languages that help them"].startswith(f"{positive} of {len(study.transfer)} (")


def test_kinds_of_task_are_compared_on_the_same_pairs(pages: list[Page]) -> None:
    def apart(task: str, f: str, g: str, k: int, seed: int, reading: str) -> float:
        return (4.0 if task == "nli" else 10.0) + 2 * (seed - 1) + (f == "qaa")

    study = Made(apart, tasks=("pos", "nli"))
    page = page_of(asked(study.records()), "kinds of task")
    found = {row["Task"]: row["Mean gain"] for row in table_of(page, "Mean gain")}
    assert found["token minus sentence level"].value == pytest.approx(6.0)
    # One fine-tuning serves both tasks: what a seed adds to both drops out of their difference.
    alone = found["pos"].high - found["pos"].low
    assert found["token minus sentence level"].high - found["token minus sentence level"].low < 1.5 * alone
    only = page_of(asked(Made(apart).records()), "kinds of task")
    assert not only.parts
    assert "labels sentences" in only.summary[0]


def test_kinds_of_task_are_compared_between_models_on_the_same_pairs() -> None:
    def of(token: float, sentence: float) -> Points:
        def points(task: str, f: str, g: str, k: int, seed: int, reading: str) -> float:
            return (sentence if task == "nli" else token) + (seed - 1) + 3 * (f == "qaa") + 2 * (g == "qba")

        return points

    both = ("pos", "nli")
    one = Made(of(9.0, 5.0), tasks=both, steps=(10,), transfer=SEEN[:3])
    other = Made(of(4.0, 6.0), tasks=both, steps=(10,), transfer=SEEN[1:], targets=UNSEEN)
    pages_ = transfer_models.survey({"small": one.records(), "large": other.records()})
    page = page_of(pages_, "kinds of task, side by side")
    found = {row["Study"]: row for row in table_of(page, "Mean gain by kind")}
    for name, token, sentence in (("small", 9.0, 5.0), ("large", 4.0, 6.0)):
        assert found[name]["token level"].value == pytest.approx(token + 2 / 3)
        assert found[name]["sentence level"].value == pytest.approx(sentence + 2 / 3)
        assert found[name]["token minus sentence level"].value == pytest.approx(token - sentence)
    alone = transfer_models.survey(
        {"small": one.records(), "large": replace(other, tasks=("pos",)).records()}
    )
    assert [x.topic for x in alone] == ["side by side"]


def test_studies_side_by_side_differ_by_what_is_true_of_common_pairs() -> None:
    def more(task: str, f: str, g: str, k: int, seed: int, reading: str) -> float:
        return shifted(task, f, g, k, seed, reading) + (6.0 if FAMILIES[f] == FAMILIES[g] else 2.0)

    one = Made(shifted)
    other = Made(more, targets=(*SEEN[1:], *UNSEEN), steps=(10, 100))
    (page,) = transfer_models.survey({"first": one.records(), "second": other.records()})
    assert (page.task, page.topic) == ("pos", "side by side")
    (first, second) = table_of(page, "Mean gain")
    pairs = [(f, g) for f in one.transfer for g in other.targets]
    for side, targets in (("seen", SEEN), ("unseen", UNSEEN)):
        for name, has in (
            ("own", lambda f, g: f == g),
            ("same family", lambda f, g: f != g and FAMILIES[f] == FAMILIES[g]),
            ("other family", lambda f, g: FAMILIES[f] != FAMILIES[g]),
        ):
            some = [(f, g) for f, g in pairs if g in targets and has(f, g)]
            for row, points in ((first, shifted), (second, more)):
                true = mean(points("pos", *p, 10, 1, "retrained") for p in some)
                assert row[f"{side}, {name} ({len(some)})"].value == pytest.approx(true)
    different = [(f, g) for f, g in pairs if f != g]
    true = mean(6.0 if FAMILIES[f] == FAMILIES[g] else 2.0 for f, g in different)
    assert first[transfer_models.MINUS] is None
    assert second[transfer_models.MINUS].value == pytest.approx(true)
    assert second[transfer_models.MINUS].word == "helps"


def test_studies_of_other_test_data_are_not_put_side_by_side() -> None:
    one = Made(shifted)
    records = Made(shifted).records()
    other = replace(
        records,
        expected=tuple(
            replace(job, cells=tuple(cell._replace(data="other") if hasattr(cell, "_replace") else
                                     replace(cell, data="other") for cell in job.cells))
            for job in records.expected
        ),
    )  # fmt: skip
    assert transfer_models.survey({"first": one.records(), "second": other}) == []


def test_seeds_come_back_one_by_one() -> None:
    rng = np.random.default_rng(2)
    n = 60
    base = np.stack([rng.random(n) < 0.5, np.ones(n)], axis=1).astype(np.int32)
    runs = {
        (s, a): np.stack([rng.random(n) < 0.6, np.ones(n)], axis=1).astype(np.int32)
        for s in (0, 1, 2)
        for a in (0, 1)
    }
    trials = [Trial(Arm("f", 1), s, "g", counts, adapter=a) for (s, a), counts in runs.items()]
    effects = Effects("pos", ACCURACY, {"g": {0: base, 1: base}}, trials, draws=50)
    true = [mean(100 * runs[s, a][:, 0].mean() for a in (0, 1)) - 100 * base[:, 0].mean() for s in (0, 1, 2)]
    assert effects.by_seed(Arm("f", 1), "g") == pytest.approx(true)
    assert effects.by_seed(Arm("f", 9), "g").size == 0


def test_seeds_are_paired_across_tasks() -> None:
    """A seed that adds the same to both tasks adds nothing to their difference, and all to their mean."""
    n = 1000
    made = {}
    for task in ("pos", "nli"):
        base = np.stack([np.arange(n) < 500, np.ones(n)], axis=1).astype(np.int32)
        trials = [
            Trial(
                Arm("f", 1), s, "g", np.stack([np.arange(n) < 500 + add, np.ones(n)], axis=1).astype(np.int32)
            )
            for s, add in enumerate((20, 60, 100))
        ]
        effects = Effects(task, ACCURACY, {"g": base}, trials, draws=100)
        made[task] = effects, effects.effect(Arm("f", 1), "g")
    paired = [effects.across_tasks(x) for effects, x in made.values()]
    (left,) = difference(*paired).seeds.values()
    assert left == pytest.approx([0, 0, 0])
    (own,) = mean_of(paired).seeds.values()
    assert own == pytest.approx([-4, 0, 4])
    assert len(difference(*(x for _, x in made.values())).seeds) == 2


def test_corrections_agree_with_statsmodels_and_by_hand() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(20) ** 3
    assert holm(p.tolist()) == pytest.approx(multipletests(p, method="holm")[1])
    assert several([0.5, 0.01, 0.02], 1) == pytest.approx(0.03)
    assert several([0.5, 0.01, 0.02], 2) == pytest.approx(0.04)
    assert several([0.5, 0.01, 0.02], 3) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="between 1 and 2"):
        several([0.1, 0.2], 3)


def test_levels_are_thirds_of_the_models_own_list() -> None:
    records = Made(flat(0.0), steps=(1,)).records()
    assert levels(records, ["qaa", "qba"]) == {"unseen": ["qba"], "seen": ["qaa"]}
    alike = replace(records, sizes=PretrainingSizes("lines", "", dict.fromkeys(SEEN, 5)))
    assert levels(alike, ["qaa", "qba"]) == {"unseen": ["qba"], "seen": ["qaa"]}
    sizes = PretrainingSizes(
        "GB", "", {f"x{a}{b}": 1.0 for a in "ab" for b in "abc"} | {"qaa": 0.5, "qab": 7, "qac": 9}
    )
    found = levels(replace(records, sizes=sizes), [*SEEN, *UNSEEN])
    assert found == {
        "unseen": [*UNSEEN],
        "smallest third (to 1)": ["qaa"],
        "largest third (to 9)": ["qab", "qac"],
        "seen": ["qad"],
    }


@pytest.mark.parametrize("code", ["EN", "en", "engl"])
def test_sizes_name_what_is_wrong_with_them(code: str) -> None:
    with pytest.raises(ValueError, match=f"'{code}'"):
        PretrainingSizes("GB", "", {code: 1.0})
    with pytest.raises(ValueError, match="above 0"):
        PretrainingSizes("GB", "", {"eng": 0.0})


def test_published_sizes_are_of_languages_that_the_models_saw() -> None:
    models = plugins.load().models
    having = {name: x for name, x in models.items() if x.sizes is not None}
    assert {"tiny", "mbert", "xlmr", "xlmr-large", "xlmv"} <= set(having)
    for name, model in having.items():
        assert model.sizes is not None
        assert model.sizes.source, name
        assert set(model.sizes.table) == set(model.pretraining_languages or ()), name
    found = models["xlmr"].sizes
    assert found is not None
    assert found.table["eng"] == pytest.approx(300.8, abs=0.5)
    assert found.table["swa"] == 1.6


def test_numbers_of_one_seed_are_of_this_run_only() -> None:
    page = page_of(asked(Made(flat(15.0), seeds=(0,)).records()), "headline")
    for row in table_of(page, "The paper's headline"):
        assert row["Unseen targets gain from almost any"] == "this run only"
        assert isinstance(row["Mean on unseen targets"], Number)
        assert row["Mean on unseen targets"].word == "this run only"


def test_a_page_of_a_question_is_named_after_it_and_is_of_all_tasks(tmp_path: Path) -> None:
    study = Synthetic(tasks=("pos", "ner"), steps=(10,), controls=(), examples=20)
    write_all(tmp_path / "results", study)
    read = Stored(tmp_path / "results", None)
    asked_ = [(probe, page) for probe, page in read.published if page.topic == "who to whom"]
    (index, *_) = write_leaderboard(tmp_path / "out", asked_, read.provenance, lambda _: None)
    text = (tmp_path / "out" / "transfer-who-to-whom-tiny.md").read_text()
    assert "Data of pos" in text
    assert "Data of ner" in text
    assert "[transfer: who to whom](transfer-who-to-whom-tiny.md)" in index.read_text()
    found = page_data("transfer", asked_[0][1], read.provenance(asked_[0][1]), {})
    assert (found["probe"], found["task"]) == ("transfer: who to whom", "all tasks")


def test_a_first_screen_has_no_questions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_all(tmp_path, Synthetic(steps=(10,), controls=(), examples=20))
    read = Stored(tmp_path, None)
    reporting.show(read, tmp_path, None, ())
    assert "Who gains from whom" not in capsys.readouterr().out
    reporting.details(read, reporting.Details(tables=("all",)))
    assert "Who gains from whom" in capsys.readouterr().out


def test_sizes_and_kinds_are_stored_with_a_study(tmp_path: Path) -> None:
    study = Synthetic(steps=(10,), controls=(), examples=20)
    described = study.described()
    described["tasks"]["pos"]["kind"] = "tagging"
    described["model"]["sizes"] = {"unit": "lines", "source": "card", "table": {"qaa": 5}}
    store = Store(tmp_path)
    store.prepare()
    store.save_study(study.study, study.jobs, described)
    records = store.records(METRICS)
    assert records.levels == {"pos": "token"}  # as versions stored it that stored no level
    described["tasks"]["pos"] |= {"kind": "mine", "level": "sentence"}
    store.save_study(study.study, study.jobs, described)
    assert store.records(METRICS).levels == {"pos": "sentence"}
    assert records.sizes == PretrainingSizes("lines", "card", {"qaa": 5})
    store.save_study(study.study, study.jobs, study.described())  # as before sizes were stored
    assert (store.records(METRICS).levels, store.records(METRICS).sizes) == ({}, None)


def test_the_recommendation_goes_by_gains_where_there_are_any() -> None:
    """What is put back loses most where the retrained one gains most."""

    def made(task: str, f: str, g: str, k: int, seed: int, reading: str) -> float:
        place = 2.0 * SEEN.index(f) if f in SEEN else 0.0
        return (4 + place if reading == "retrained" else -4 - place) + seed / 5

    target = UNSEEN[-1]
    page = transfer_advice.advise(Made(made, steps=(10,)).records(), "pos", target)
    assert page.summary[0].startswith(f"Measured. {label(SEEN[-1])} comes first: gain +")
    (table,) = page.parts
    assert isinstance(table, Table)
    assert table.columns == ("Transfer language", "Seen", "Gain", "Effect", "Tied with the first")
    assert table.rows[0][2].value == pytest.approx(4 + 2 * (len(SEEN) - 1) + 0.2, abs=0.51)  # type: ignore[union-attr]
    assert table.rows[0][3].value == pytest.approx(-4 - 2 * (len(SEEN) - 1) + 0.2, abs=0.51)  # type: ignore[union-attr]
    alone = transfer_advice.advise(Made(made, steps=(10,), readings=("put-back",)).records(), "pos", target)
    assert not alone.summary[0].startswith(f"Measured. {label(SEEN[-1])} ")
    assert alone.parts[0].columns == ("Transfer language", "Seen", "Effect", "Tied with the first")  # type: ignore[union-attr]


def test_likelihoods_of_different_families_are_never_subtracted() -> None:
    def near(task: str, f: str, g: str, k: int, seed: int, reading: str) -> float:
        return 1.0 + seed

    kinds = {"lm": "language-model"}
    one = Made(near, tasks=("lm",), steps=(10,), kinds=kinds, readings=("put-back",)).records()
    other = replace(one, family="decoder")
    (page,) = transfer_models.survey({"encoder": one, "decoder": other})
    table, *_ = [x for x in page.parts if isinstance(x, Table)]
    assert transfer_models.MINUS not in table.columns
    assert "different quantities" in table.note
    assert "different quantities" in page.summary[0]
    (page,) = transfer_models.survey({"first": one, "second": one})
    table, *_ = [x for x in page.parts if isinstance(x, Table)]
    assert transfer_models.MINUS in table.columns
    assert transfer_compare.compare(one, other) == []
    assert [x.task for x in transfer_compare.compare(one, one)] == ["lm"]
