"""Jobs and pages of the interference probe, over made-up studies whose truth is known."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from composed import TARGETS, TRANSFER, Drawn, drawn, jobs_of, mix_of, names, over

from xlbench.contracts import Distance, LanguageTraining, Matrix, Number, Page, Resolved, Table
from xlbench.errors import StudyError
from xlbench.lab import Lab
from xlbench_probes.interference import Interference
from xlbench_probes.interference_sets import Settings
from xlbench_probes.mixtures import called
from xlbench_probes.stacking import Stacking

MIXES = ("untrained", "tuned", "average")
PAIRS = list(combinations(TRANSFER, 2))
TRIPLES = list(combinations(TRANSFER, 3))


def part(page: Page, title: str) -> Any:
    return next(x for x in page.parts if x.title.startswith(title))


def column(table: Table, name: str) -> dict[str, Any]:
    place = table.columns.index(name)
    return {str(row[0]): row[place] for row in table.rows}


def name(code: str) -> str:
    return f"{code.upper()} ({code})"


def mixed(jobs: list[Any]) -> Counter[tuple[str, ...]]:
    return Counter(names(x) for x in jobs if x.probe == "interference")


# Jobs


def test_every_set_mix_seed_and_task_once() -> None:
    jobs = jobs_of(over())
    found = mixed(jobs)
    sets = {x: n for x, n in found.items() if "random" not in x}
    assert sets == dict.fromkeys([*PAIRS, *TRIPLES], 3 * 2 * 2)
    assert {x for x in found if "random" in x} == {(x, "random") for x in TRANSFER if x in TARGETS}
    assert len({x.condition_key for x in jobs}) == len(jobs)
    assert all([c.target for c in x.cells] == list(TARGETS) for x in jobs if "random" not in names(x))


def test_adapters_alone_are_the_jobs_of_the_stacking_probe() -> None:
    resolved = over()
    alone = {x.condition_key for x in jobs_of(resolved) if x.probe == "stacking"}
    stacked = [x for x in jobs_of(resolved, Stacking()) if x.probe == "stacking"]
    assert alone == {x.condition_key for x in stacked if names(x) != ("random",)}


def test_a_mix_needs_each_of_its_adapters_alone_with_the_same_seed_and_task() -> None:
    jobs = {x.condition_key: x for x in jobs_of(over())}
    for job in jobs.values():
        if job.probe == "interference":
            under: Any = job.condition["under"]
            needs = [jobs[x] for x in job.needs]
            wanted = [x for x in under["adapters"] if x["kind"] != "random"]
            assert [x.condition["under"]["adapters"] for x in needs] == [[x] for x in wanted]
            assert {x.cells[0].task for x in needs} == {job.cells[0].task}


def test_tuning_is_charged_to_tuned_mixes_alone() -> None:
    for job in jobs_of(over(options={"fusion_steps": 7, "fusion_batch_size": 5})):
        assert job.cost.fuse_examples == (35 if mix_of(job) == "tuned" else 0)


@pytest.mark.parametrize(
    "larger",
    [
        {"seeds": (0, 1, 2)},
        {"options": {"sizes": [2, 3, 4]}},
        {"options": {"sweep": ["fusion_steps=20", "reduction_factor=4"]}},
        {"probes": ("interference", "stacking")},
    ],
)
def test_a_study_that_grows_only_adds_jobs(larger: dict[str, Any]) -> None:
    before, after = ({x.condition_key for x in jobs_of(one)} for one in (over(), over(**larger)))
    assert before <= after
    assert before < after or "probes" in larger


def test_given_adapters_and_an_average_have_no_seeds() -> None:
    jobs = jobs_of(over(given=["qaa", "qab"], options={"sizes": 2}))
    found = Counter((names(x), mix_of(x)) for x in jobs if x.cells[0].task == "tags")
    assert found[("qaa",), "single"] == found[("qaa", "qab"), "average"] == 1
    assert found[("qaa", "qab"), "untrained"] == found[("qaa", "qac"), "average"] == 2
    assert found[("qaa", "random"), "average"] == 2


def test_invertible_parts_are_treated_alike_in_all_arms() -> None:
    for wanted in (False, True):
        resolved = dataclasses.replace(
            over(options={"invertible": wanted, "sweep": ["reduction_factor=4"]}),
            language_training=LanguageTraining(config="seq_bn_inv"),
        )
        jobs = jobs_of(resolved)
        acting = {x.condition["under"]["invertible"] for x in jobs if "under" in x.condition}  # type: ignore[index, call-overload]
        assert acting == {wanted}


# Sets and settings


def test_sets_by_name_come_in_the_order_of_their_codes() -> None:
    found = mixed(jobs_of(over(options={"sets": ["qad+qaa", "qac+qab+qaa", "qaa+qad"], "random": False})))
    assert set(found) == {("qaa", "qad"), ("qaa", "qab", "qac")}


def test_nearest_by_family_script_and_distance() -> None:
    def found(
        by: str, nearest: int, sizes: list[int], resolved: Resolved | None = None
    ) -> set[tuple[str, ...]]:
        options = {"by": by, "nearest": nearest, "sizes": sizes, "random": False}
        one = over(options=options)
        if resolved is not None:
            one = dataclasses.replace(one, distances=resolved.distances)
        return set(mixed(jobs_of(one)))

    assert found("family", 3, [2]) == {("qaa", "qab"), ("qac", "qad")}
    assert found("script", 3, [2]) == set(PAIRS)
    line = {x: i for i, x in enumerate(("qac", "qaa", "qad", "qab"))}
    table = {(a, b): float(abs(line[a] - line[b])) for a in TRANSFER for b in TRANSFER}
    known = dataclasses.replace(over(), distances=(Distance("line", "places apart", table),))
    near = found("line", 1, [2], known)
    assert near == {("qaa", "qac"), ("qab", "qad")} | ({("qaa", "qad")} & near)
    assert found("line", 2, [3], known) == {("qaa", "qac", "qad"), ("qaa", "qab", "qad")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": [1]}, "sizes must be from 2"),
        ({"sizes": [5]}, "5 is more than the 4 transfer languages"),
        ({"sets": ["qaa+qaa"]}, "qaa is twice in qaa"),
        ({"sets": ["qaa"]}, "qaa has 1 languages"),
        ({"sets": ["qaa+qae"]}, "qae is not among the transfer languages"),
        ({"mixes": ["single"]}, "mixes: 'single' takes one adapter, which is always measured; known are"),
        ({"mixes": ["averge"]}, "mixes: 'averge' is no composition; did you mean 'average'?"),
        ({"mixes": []}, "mixes must name one composition"),
        ({"nearest": 1, "by": "taste"}, "no distance 'taste'"),
        ({"by": "taste"}, "no distance 'taste'"),
        ({"sweep": ["fusion_steps"]}, "sweep takes SETTING=VALUE"),
        ({"sweep": ["fusion_stepps=3"]}, "fusion_stepps"),
        ({"sweep": ["fusion_steps=many"]}, "sweep.fusion_steps must be a whole number"),
        ({"sweep": ["fusion_learning_rate=NaN"]}, "sweep.fusion_learning_rate must be a"),
        ({"sweep": ["reduction_factor=-1"]}, "sweep.reduction_factor must be above 0"),
        ({"sweep": ["fusion_value=free"]}, "fusion_value"),
        ({"sweep": ["config=seq_bnn"]}, "no kind of language adapter 'seq_bnn'; did you mean 'seq_bn'?"),
        ({"sweep": ["config=lora"]}, "untrained cannot take language adapters of the kind lora"),
        ({"sweep": ["fusion_regularization=0.5"]}, "fusion_regularization=0.5"),
    ],
)
def test_what_makes_no_sense_is_one_clear_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError) as caught:
        Interference().jobs(over(options=options))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fewer_than_two_languages_are_one_clear_line() -> None:
    resolved = over()
    alone = dataclasses.replace(resolved, study=dataclasses.replace(resolved.study, transfer=("qaa",)))
    with pytest.raises(StudyError, match="at least two languages"):
        Interference().jobs(alone)


def test_languages_without_test_data_are_one_clear_line() -> None:
    resolved = over(options={"sets": ["qac+qad"]})
    targets = dict.fromkeys(resolved.tasks, ("qaa", "qae"))
    with pytest.raises(StudyError, match=r"qac.*qad|test data"):
        Interference().jobs(dataclasses.replace(resolved, targets=targets))


def test_a_sweep_changes_one_thing_and_measures_adapters_alone_anew_where_they_change() -> None:
    base = {x.condition_key for x in jobs_of(over())}
    for change, mixes, alone in (
        ("fusion_steps=20", {"tuned"}, 0),
        ("fusion_value=trained fusion_regularization=0.5", {"tuned"}, 0),
        ("reduction_factor=4", set(MIXES), 4 * 2 * 2),
    ):
        more = [x for x in jobs_of(over(options={"sweep": [change]})) if x.condition_key not in base]
        assert {mix_of(x) for x in more if x.probe == "interference"} == mixes
        assert sum(x.probe == "stacking" for x in more) == alone


# Pages

SWEEP = ["fusion_steps=20", "learning_rate=0.001", "reduction_factor=4"]


@pytest.fixture(scope="module")
def study() -> Drawn:
    return drawn(over(options={"sweep": SWEEP}))


@pytest.fixture(scope="module")
def page(study: Drawn) -> Page:
    return Interference().pages(study.records())[0]


def base(under: dict[str, Any]) -> bool:
    """Of the study's own settings."""
    how = under["adapters"][0]
    alike = how["reduction_factor"] == 16 and how.get("learning_rate", 1e-4) == 1e-4
    return alike and under.get("fusion", {}).get("steps", 200) == 200


def on(study: Drawn, a: str, *others: str, mix: str, where: Any = base) -> float:
    """Interference of others on a, from the counts."""
    together = others if "random" in others else ()
    beneath = (a, *together) if together else tuple(sorted((a, *others)))
    return study.mean(a, "tags", *beneath, mix=mix, where=where) - study.mean(a, "tags", a, where=where)


def measured(*languages: str) -> list[str]:
    return [x for x in languages if x in TARGETS]


@pytest.mark.parametrize("mix", MIXES)
def test_matrix_inflicted_and_suffered_are_the_definitions(study: Drawn, page: Page, mix: str) -> None:
    matrix = next(x for x in page.parts if isinstance(x, Matrix) and x.title.endswith(called(mix)))
    targets = [x[-4:-1] for x in matrix.columns]
    assert sorted(targets) == [x for x in TRANSFER if x in TARGETS]
    for b, row in zip([x[-4:-1] for x in matrix.rows], matrix.cells, strict=True):
        for a, number in zip(targets, row, strict=True):
            if a == b:
                assert number == Number(None)
            else:
                assert number.value == pytest.approx(on(study, a, b, mix=mix))
                assert number.low < number.value < number.high
    for b in TRANSFER:
        expected = np.mean([on(study, a, b, mix=mix) for a in measured(*TRANSFER) if a != b])
        assert column(part(page, "Interference inflicted"), called(mix))[name(b)].value == pytest.approx(
            expected
        )
    for a in measured(*TRANSFER):
        expected = np.mean([on(study, a, b, mix=mix) for b in TRANSFER if b != a])
        assert column(part(page, "Interference suffered"), called(mix))[name(a)].value == pytest.approx(
            expected
        )


def test_arms_have_means_over_sets_outsiders_and_a_random_adapter(study: Drawn, page: Page) -> None:
    rows = {(x[0], x[1]): x for x in part(page, "Interference by combination").rows}
    for mix in MIXES:
        for size, sets in ((2, PAIRS), (3, TRIPLES)):
            row = rows[called(mix), f"{size} languages"]
            within = [
                on(study, a, *(x for x in one if x != a), mix=mix) for one in sets for a in measured(*one)
            ]
            outside = [
                study.mean(g, "tags", *one, mix=mix, where=base) - study.mean(g, "tags")
                for one in sets
                for g in TARGETS
                if g not in one
            ]
            assert row[2].value == pytest.approx(np.mean(within))
            assert row[3].value == pytest.approx(np.mean(outside))
            assert row[4] == len(sets)
        random = [on(study, a, "random", mix=mix) for a in measured(*TRANSFER)]
        assert rows[called(mix), "own and a random one"][2].value == pytest.approx(np.mean(random))


def test_larger_sets(study: Drawn, page: Page) -> None:
    table = part(page, "Sets of three")
    for one, row in zip(TRIPLES, table.rows, strict=True):
        assert all(x in str(row[0]) for x in one)
        for mix, number in zip(MIXES, row[1:], strict=True):
            expected = [on(study, a, *(x for x in one if x != a), mix=mix) for a in measured(*one)]
            assert number.value == pytest.approx(np.mean(expected))


def test_sensitivity_compares_each_row_with_its_own_adapters_alone(study: Drawn, page: Page) -> None:
    """A row that trains adapters in another way has them alone in that way too."""
    rows = {x[:3]: x for x in part(page, "Sensitivity").rows}
    wheres: dict[str, Any] = {
        "fusion_steps=20": lambda under: under.get("fusion", {}).get("steps") == 20,
        "learning_rate=0.001": lambda under: under["adapters"][0].get("learning_rate") == 0.001,
        "reduction_factor=4": lambda under: under["adapters"][0]["reduction_factor"] == 4,
    }
    assert {x for x, _, _ in rows} == {"those of the study", *wheres}
    assert {mix for label, mix, _ in rows if label == "fusion_steps=20"} == {"tuned fusion"}

    def mean(mix: str, sets: list[tuple[str, ...]], where: Any, alone: Any) -> float:
        return float(
            np.mean(
                [
                    study.mean(a, "tags", *one, mix=mix, where=where) - study.mean(a, "tags", a, where=alone)
                    for one in sets
                    for a in measured(*one)
                ]
            )
        )

    by_title = {called(x): x for x in MIXES}
    for (label, title, size), row in rows.items():
        mix = by_title[title]
        sets = PAIRS if size == 2 else TRIPLES
        own = mean(mix, sets, base, base)
        if label in wheres:
            where = wheres[label]
            alone = base if label == "fusion_steps=20" else where
            found = mean(mix, sets, where, alone)
            assert row[3].value == pytest.approx(found)
            assert row[4].value == pytest.approx(found - own)
        else:
            assert row[3].value == pytest.approx(own)


def test_kinds_are_what_corrected_tests_carry(study: Drawn, page: Page) -> None:
    kinds = {(x[0], x[1]): x for x in part(page, "Kinds").rows}
    for mix in MIXES:
        kind = {a: kinds[name(a), called(mix)][-1] for a in measured(*TRANSFER)}
        # qab helps and qad harms; qaa and qac do nothing.
        assert kind["qaa"] == kind["qac"] == "mixed"
        assert kind["qab"] == "harmed by some"


def test_all_is_only_said_of_all() -> None:
    helped = drawn(over(options={"sizes": 2, "mixes": "average"}), harm=dict.fromkeys(TRANSFER, 0.1))
    kinds = part(Interference().pages(helped.records())[0], "Kinds")
    assert {x[-1] for x in kinds.rows} == {"helped by all"}
    lost = helped.chosen("tags", "qaa", "qab", mix="average")[0]
    kinds = part(Interference().pages(helped.records(lambda job, cell: job is lost))[0], "Kinds")
    found = {x[0]: x[-1] for x in kinds.rows}
    assert "all" not in str(found.get(name("qaa"), ""))
    assert "all" not in str(found.get(name("qab"), ""))
    assert found[name("qac")] == "helped by all"
    nothing = drawn(over(options={"sizes": 2, "mixes": "average"}), harm={})
    kinds = part(Interference().pages(nothing.records())[0], "Kinds")
    assert Counter(x[-1] for x in kinds.rows).most_common(1)[0][0] == "no clear effect"


def test_one_clear_pair_among_many_is_found() -> None:
    """Correction over the table leaves one that is clear."""
    alone = drawn(over(options={"sizes": 2, "mixes": "average", "random": False}), harm={})

    class OnePair(Drawn):
        def evaluate(self, job: Any, cell: Any) -> Any:
            self.harm = {"qab": -0.2} if cell.target == "qaa" and names(job) == ("qaa", "qab") else {}
            return super().evaluate(job, cell)

    one = OnePair(alone.resolved, alone.jobs, {})
    kinds = part(Interference().pages(one.records())[0], "Kinds")
    assert "harmed by some" in {x[0]: x[-1] for x in kinds.rows}[name("qaa")]


def test_adapters_alone_with_and_without_their_invertible_parts_are_not_confused() -> None:
    """The stacking probe takes adapters whole; interference leaves their invertible parts out of all arms."""
    options = {"sizes": 2, "mixes": "average", "random": False}
    resolved = over(("stacking", "interference"), options=options, language_training={"config": "seq_bn_inv"})
    resolved = dataclasses.replace(resolved, language_training=LanguageTraining(config="seq_bn_inv"))
    for probes in ((Stacking(), Interference()), (Interference(), Stacking())):
        study = drawn(resolved, *probes)
        page = Interference().pages(study.records())[0]
        matrix = next(x for x in page.parts if isinstance(x, Matrix))
        a, b = (x[-4:-1] for x in (matrix.columns[0], matrix.rows[1]))
        expected = on(study, a, b, mix="average", where=lambda under: not under["invertible"])
        assert matrix.cells[1][0].value == pytest.approx(expected)
        stacked = next(x for x in Stacking().pages(study.records())[0].parts if isinstance(x, Matrix))
        whole = study.mean("qaa", "tags", "qaa", where=lambda under: under["invertible"])
        assert stacked.cells[0][0].value == pytest.approx(whole - study.mean("qaa", "tags"))
        assert "nvertible" in " ".join(page.summary)


def test_a_missing_mix_empties_its_means_and_is_named(study: Drawn) -> None:
    lost = study.chosen("tags", "qaa", "qab", mix="average")[0]
    records = study.records(lambda job, cell: job is lost, {lost.condition_key: "loss is NaN"})
    page, other = Interference().pages(records)
    suffered = part(page, "Interference suffered")
    hole = column(suffered, "average")[name("qaa")]
    assert hole.value is None
    assert "failed: loss is NaN" in hole.missing[0]
    assert column(suffered, "average")[name("qac")].value is not None
    assert column(suffered, "tuned fusion")[name("qaa")].value is not None
    assert "issing" in page.summary[-1]
    assert "loss is NaN" in page.summary[-1]
    assert "issing" not in " ".join(other.summary)


def test_a_study_that_has_not_begun_claims_nothing(study: Drawn) -> None:
    for page in Interference().pages(study.records(lambda job, cell: True)):
        numbers = [x for t in page.parts if isinstance(t, Table) for row in t.rows for x in row]
        assert not any(isinstance(x, Number) and x.value is not None for x in numbers)
        assert not any(word in str(x) for x in numbers for word in ("helped by all", "harmed by all"))


def test_a_score_that_stacking_breaks_is_warned_of(page: Page) -> None:
    assert not page.warnings
    broken = Interference().pages(drawn(over(options={"sizes": 2}), stack=-0.1).records())[0]
    assert all(name(a) in broken.warnings[0] for a in measured(*TRANSFER))


def test_pages_of_given_adapters() -> None:
    study = drawn(over(given=TRANSFER, options={"sizes": 2}))
    page = Interference().pages(study.records())[0]
    for mix in MIXES:
        matrix = next(x for x in page.parts if isinstance(x, Matrix) and x.title.endswith(called(mix)))
        a, b = matrix.columns[0][-4:-1], matrix.rows[1][-4:-1]
        assert matrix.cells[1][0].value == pytest.approx(on(study, a, b, mix=mix, where=lambda under: True))


# With a model


def test_scores_come_from_the_mix_beneath_the_task_adapter(
    resolved: Resolved, checkpoint: Path, tmp_path: Path
) -> None:
    quick = LanguageTraining(
        learning_rate=5e-3, reduction_factor=4, epochs=2, chunk=16, batch_size=4, lines=60, held_out=0.2
    )
    resolved = dataclasses.replace(
        resolved,
        study=dataclasses.replace(resolved.study, transfer=("qaa", "qab"), seeds=(1,)),
        language_training=quick,
        settings={"interference": Settings(sizes=(2,), fusion_steps=3)},
    )
    lab = Lab(resolved, str(checkpoint), tmp_path / "one", device="cpu", threads=1)
    other = Lab(resolved, str(checkpoint), tmp_path / "two", device="cpu", threads=1)
    jobs = [x for x in jobs_of(resolved) if x.probe == "interference" and x.cells[0].task == "tags"]
    assert len(jobs) == 9
    first = {x.condition_key: Interference().run(x, lab) for x in jobs}
    for job in reversed(jobs):  # whatever was done before, and in another process, the numbers are the same
        for ours, theirs in zip(first[job.condition_key], Interference().run(job, other), strict=True):
            np.testing.assert_array_equal(ours.counts, theirs.counts)
