"""Stacking and interference: the jobs they ask for, what they refuse, and what their pages say."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import ACCURACY

from xlbench.contracts import (
    Evaluation,
    GivenAdapter,
    Job,
    Language,
    LanguageTraining,
    Number,
    Page,
    Record,
    Records,
    Resolved,
    Table,
    Tagged,
)
from xlbench.errors import StudyError
from xlbench.lab import Lab
from xlbench.scores import benjamini_hochberg, kind
from xlbench_probes.interference import Interference
from xlbench_probes.interference_sets import Settings
from xlbench_probes.stacking import Stacking

QUICK = LanguageTraining(
    learning_rate=5e-3, reduction_factor=4, steps=4, chunk=16, batch_size=4, lines=200, checks=2
)
FEW = Settings(fusion_steps=3, fusion_batch_size=8, fusion_learning_rate=1e-2, sizes=(2,))


def asking(resolved: Resolved, settings: Settings = FEW, **changes: Any) -> Resolved:
    said = {"transfer": ("qaa", "qab"), "seeds": (0, 1), **changes}
    study = dataclasses.replace(resolved.study, **said)
    return dataclasses.replace(
        resolved, study=study, settings={"interference": settings}, language_training=QUICK
    )


def wide(resolved: Resolved, settings: Settings, *languages: str, **changes: Any) -> Resolved:
    """More languages than there are data for; for counting jobs."""
    families = {x: Language(x, x, f"family {i % 2}", "g", "Latn") for i, x in enumerate(languages)}
    return dataclasses.replace(asking(resolved, settings, transfer=languages, **changes), languages=families)


def mixed(jobs: list[Job]) -> Counter[tuple[str, tuple[str, ...]]]:
    found: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for job in jobs:
        if job.probe == "interference":
            under: Any = job.condition["under"]
            found[under["mix"], tuple(x["language"] for x in under["adapters"])] += 1
    return found


# Jobs


def test_stacking_asks_for_every_adapter_and_a_random_one(resolved: Resolved) -> None:
    jobs = list(Stacking().jobs(asking(resolved)))
    assert Counter(x.probe for x in jobs) == {"zero-shot": 2, "stacking": 3 * 2 * 2}
    assert len({x.condition_key for x in jobs}) == len(jobs)
    baselines = {x.cells[0].task: x.condition_key for x in jobs if x.probe == "zero-shot"}
    for job in jobs[2:]:
        assert job.needs == (baselines[job.cells[0].task],)
        assert [c.target for c in job.cells] == ["qaa", "qab"]
    charged = {name for x in jobs for name, cost in x.shares.items() if cost.adapt_tokens}
    assert len(charged) == 2 * 2  # an adapter is trained once, for both tasks; a random one never


def test_interference_asks_for_all_sets_mixes_seeds_and_tasks(resolved: Resolved) -> None:
    settings = dataclasses.replace(FEW, sizes=(2, 3))
    jobs = list(Interference().jobs(wide(resolved, settings, "qaa", "qab", "qac", "qad")))
    sets = [*combinations(("qaa", "qab", "qac", "qad"), 2), *combinations(("qaa", "qab", "qac", "qad"), 3)]
    beside = [("qaa", ""), ("qab", "")]  # only where there is test data
    expected = {(m, s): 4 for m in settings.mixes for s in (*sets, *beside)}
    assert mixed(jobs) == expected
    assert Counter(x.probe for x in jobs)["stacking"] == 4 * 2 * 2
    place = {x.condition_key: i for i, x in enumerate(jobs)}
    alone = {
        x.condition_key: x.condition["under"]["adapters"][0]["language"]
        for x in jobs
        if x.probe == "stacking"
    }  # type: ignore[index, call-overload]
    for i, job in enumerate(jobs):
        assert all(place[x] < i for x in job.needs)
        if job.probe == "interference":
            under: Any = job.condition["under"]
            needed = {alone[x] for x in job.needs}
            assert needed == {x["language"] for x in under["adapters"] if x["language"]}


@pytest.mark.parametrize(("languages", "sizes"), [(("qaa", "qab"), {2}), (("qaa", "qab", "qac"), {2, 3})])
def test_pairs_and_where_there_can_be_triples(
    resolved: Resolved, languages: tuple[str, ...], sizes: set[int]
) -> None:
    found = mixed(list(Interference().jobs(wide(resolved, Settings(random=False), *languages))))
    assert {len(x) for _, x in found} == sizes


def test_the_single_arm_is_stacking_s(resolved: Resolved) -> None:
    study = asking(resolved)
    alone = {x.condition_key for x in Stacking().jobs(study) if x.probe == "stacking"}
    asked = {x.condition_key for x in Interference().jobs(study) if x.probe == "stacking"}
    assert asked < alone


def test_a_grown_study_only_adds_jobs(resolved: Resolved) -> None:
    small = {x.condition_key for x in Interference().jobs(wide(resolved, FEW, "qaa", "qab", "qac"))}
    large = {x.condition_key for x in Interference().jobs(wide(resolved, FEW, "qaa", "qab", "qac", "qad"))}
    assert small < large


def test_a_sweep_adds_only_what_differs(resolved: Resolved) -> None:
    base = list(Interference().jobs(asking(resolved)))
    swept = dataclasses.replace(FEW, sweep=("fusion_steps=5", "reduction_factor=2"))
    more = list(Interference().jobs(asking(resolved, swept)))
    added = [x for x in more if x.condition_key not in {y.condition_key for y in base}]
    # Steps: tuned alone. The factor: alone and all mixes.
    assert Counter(x.probe for x in added) == {"interference": (1 + 3) * 4, "stacking": 2 * 4}


def test_near_languages_only(resolved: Resolved) -> None:
    settings = dataclasses.replace(FEW, nearest=1, random=False, mixes=("average",))
    found = mixed(list(Interference().jobs(wide(resolved, settings, "qaa", "qab", "qac", "qad"))))
    assert {x for _, x in found} == {("qaa", "qac"), ("qab", "qad")}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"mixes": ()}, "mixes must name one composition or more"),
        ({"sizes": (1,)}, "sizes must be from 2 to 8, not 1"),
        ({"sizes": (9,)}, "sizes must be from 2 to 8, not 9"),
        ({"sets": ("deu+deu",)}, "deu is twice in deu+deu"),
        ({"sets": ("deu",)}, "deu has 1 languages"),
        ({"sweep": ("fusion_step=1",)}, "unknown key sweep.fusion_step; did you mean 'fusion_steps'"),
        ({"sweep": ("fusion_steps=x",)}, "sweep.fusion_steps must be a whole number, not 'x'"),
        ({"sweep": ("fusion_value=free",)}, "sweep.fusion_value must be one of"),
        ({"sweep": (" ",)}, "sweep has an empty row"),
    ],
)
def test_settings_that_make_no_sense_are_refused(said: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Settings(**said)


@pytest.mark.parametrize(
    ("settings", "languages", "message"),
    [
        (FEW, ("qaa",), "at least two languages"),
        (dataclasses.replace(FEW, sizes=(3,)), ("qaa", "qab"), "3 is more than the 2 transfer languages"),
        (
            dataclasses.replace(FEW, sets=("qaa+qac",)),
            ("qaa", "qab"),
            "qac is not among the transfer languages",
        ),
        (
            dataclasses.replace(FEW, nearest=1, by="taste"),
            ("qaa", "qab"),
            "no distance 'taste'; known are family",
        ),
        (dataclasses.replace(FEW, nearest=1), ("qaa", "qab"), "no two transfer languages are near by family"),
    ],
)
def test_studies_that_make_no_sense_are_refused(
    resolved: Resolved, settings: Settings, languages: tuple[str, ...], message: str
) -> None:
    with pytest.raises(StudyError, match=re.escape(message)) as caught:
        Interference().jobs(wide(resolved, settings, *languages))
    assert "\n" not in str(caught.value)
    with pytest.raises(StudyError, match="languages with adapters"):
        Stacking().jobs(asking(resolved, transfer=()))


def test_a_given_adapter_that_cannot_be_mixed_is_refused(resolved: Resolved) -> None:
    given = GivenAdapter("theirs", "nowhere", "f", mixable=False)
    study = dataclasses.replace(asking(resolved), given={"qab": given})
    with pytest.raises(StudyError, match="the given adapter of qab sits elsewhere"):
        Interference().jobs(study)
    assert Stacking().jobs(study)


# In the Lab


def test_measured_scores_are_those_of_the_lab(resolved: Resolved, checkpoint: Path, tmp_path: Path) -> None:
    study = asking(resolved, dataclasses.replace(FEW, mixes=("tuned",)), seeds=(1,), tasks=("tags",))
    study = dataclasses.replace(study, tasks={"tags": study.tasks["tags"]})
    jobs = list(Interference().jobs(study))
    probes = {"stacking": Stacking(), "interference": Interference()}

    def measure(order: list[Job], folder: str) -> dict[str, list[bytes]]:
        lab = Lab(study, str(checkpoint), tmp_path / folder, device="cpu", threads=1)
        found = {}
        for job in order:
            if job.probe in probes:
                done = probes[job.probe].run(job, lab)
                assert [x.cell for x in done] == list(job.cells)
                found[job.condition_key] = [x.counts.tobytes() for x in done]
                alone = job.probe == "stacking"
                assert all(("held_out_after" in x.extra) == alone for x in done)
        return found

    # A job's numbers do not depend on what was done before it, as after an interruption.
    assert measure(jobs, "one") == measure(jobs[::-1], "other")


# Pages


class Made:
    """Records of an interference study with known truth: the company of `bad` costs 20 points."""

    languages = ("qaa", "qab", "qac")
    targets = ("qaa", "qab", "qac", "qad")
    seeds = (0, 1, 2, 3, 4)

    def __init__(self, resolved: Resolved, bad: str = "qac", broken: str = "") -> None:
        settings = dataclasses.replace(
            FEW, sizes=(2, 3), mixes=("untrained", "average"), sweep=("reduction_factor=2",)
        )
        study = wide(resolved, settings, *self.languages, seeds=self.seeds)
        tasks = {"tags": study.tasks["tags"]}
        self.study = dataclasses.replace(study, tasks=tasks, targets={"tags": ("qaa", "qab", "qac", "qad")})
        self.study = dataclasses.replace(self.study, data={"tags": AnyData()})
        self.jobs = tuple(Interference().jobs(self.study))
        self.bad, self.broken = bad, broken
        self.counts: dict[tuple[str, str], np.ndarray[Any, Any]] = {}
        for job in self.jobs:
            for cell in job.cells:
                self.counts[job.condition_key, cell.target] = self.draw(job, cell.target)

    def draw(self, job: Job, target: str) -> np.ndarray[Any, Any]:
        under: Any = job.condition.get("under")
        inside = [x["language"] for x in under["adapters"]] if under else []
        rate = 0.8
        if len(inside) > 1 and self.bad in inside and target != self.bad:
            rate -= 0.2
        if target == self.broken and inside:
            rate -= 0.3
        key = [ord(c) for c in job.condition_key[:8] + target]
        right = np.random.default_rng(key).binomial(10, rate, 200)
        return np.stack([right, np.full(200, 10)], axis=1).astype(np.int32)

    def records(self, missing: Callable[[Job], bool] = lambda job: False) -> Records:
        found = [
            Record(
                x.probe, 1, x.condition, x.condition_key,
                Evaluation(c, self.counts[x.condition_key, c.target], 0,
                           {"held_out_before": 3.0, "held_out_after": 2.5, "adapter_steps": 4.0}
                           if x.probe == "stacking" else {}),
            )
            for x in self.jobs if not missing(x) for c in x.cells
        ]  # fmt: skip
        asked = dataclasses.asdict(self.study.settings["interference"])
        options = {k: list(v) if isinstance(v, tuple) else v for k, v in asked.items() if v is not None}
        training = {k: v for k, v in dataclasses.asdict(QUICK).items() if v is not None}
        said = {"transfer": list(self.languages), "targets": list(self.targets),
                "options": {"interference": options}, "language_training": training}  # fmt: skip
        return Records(
            tuple(found),
            self.jobs,
            {},
            said,
            {"tags": ACCURACY},
            self.study.languages,
            dict.fromkeys(self.targets, True),
        )

    def score(self, *languages: str, mix: str, target: str, factor: int = 4) -> float:
        """Mean over seeds, computed apart from the program."""
        scores = []
        for job in self.jobs:
            under: Any = job.condition.get("under")
            if not under or under["mix"] != mix:
                continue
            first = under["adapters"][0]
            if [x["language"] for x in under["adapters"]] == list(languages) and first[
                "reduction_factor"
            ] == factor:
                right, total = self.counts[job.condition_key, target].sum(0)
                scores.append(100 * right / total)
        return float(np.mean(scores))


class AnyData:
    """Test data of any language."""

    name, task, source = "any", "tags", "made by the tests"

    def languages(self, split: str) -> tuple[str, ...]:
        return Made.targets

    def fingerprint(self, language: str, split: str) -> str:
        return f"{language}-{split}"

    def examples(self, language: str, split: str, limit: int | None = None) -> list[Tagged]:
        return [Tagged((f"word{i}",), ("NOUN",)) for i in range(200)]


@pytest.fixture
def made(resolved: Resolved) -> Made:
    return Made(resolved)


def part(page: Page, title: str) -> Any:
    (found,) = [x for x in page.parts if x.title.startswith(title)]
    return found


def test_the_matrix_and_its_averages_are_those_of_the_definition(made: Made) -> None:
    (page,) = Interference().pages(made.records())
    matrix = part(page, "Interference on tags, untrained fusion")
    a_b = {}
    for i, b in enumerate(made.languages):
        for j, a in enumerate(made.languages):
            found = matrix.cells[i][j]
            if a == b:
                assert found == Number(None)
                continue
            pair = sorted((a, b))
            expected = made.score(*pair, mix="untrained", target=a) - made.score(a, mix="single", target=a)
            a_b[a, b] = expected
            assert found.value == pytest.approx(expected)
            assert found.low < expected < found.high
    for title, axis in (("Interference inflicted", 1), ("Interference suffered", 0)):
        table: Table = part(page, title)
        for row, language in zip(table.rows, made.languages, strict=True):
            expected = np.mean([v for k, v in a_b.items() if k[axis] == language])
            assert row[1].value == pytest.approx(expected)  # type: ignore[union-attr]
    arms = {(x[0], x[1]): x for x in part(page, "Interference by combination").rows}
    assert arms["untrained fusion", "2 languages"][2].value == pytest.approx(np.mean(list(a_b.values())))
    outside = [
        made.score(*pair, mix="untrained", target=g) - zero(made, g)
        for pair in combinations(made.languages, 2) for g in made.targets if g not in pair
    ]  # fmt: skip
    assert arms["untrained fusion", "2 languages"][3].value == pytest.approx(np.mean(outside))
    three = {x[0]: x for x in part(page, "Sets of three").rows}
    (row,) = three.values()
    expected = np.mean(
        [made.score(*made.languages, mix="average", target=a) - made.score(a, mix="single", target=a)
         for a in made.languages]
    )  # fmt: skip
    assert row[2].value == pytest.approx(expected)


def test_kinds_are_what_corrected_tests_carry(made: Made) -> None:
    (page,) = Interference().pages(made.records())
    rows = {(x[0], x[1]): x[2:] for x in part(page, "Kinds of languages").rows}
    for language in ("qaa", "qab"):
        helps, harms, unclear, what = rows[f"{language} ({language})", "average"]
        assert (helps, harms, unclear, what) == (0, 1, 1, "harmed by some")
    assert rows["qac (qac)", "average"][3] == "no clear effect"
    (text,) = [x for x in page.summary if x.startswith("Average")]
    assert "of 6 pairs, 2 harm and 0 help" in text
    unclear = "no clear effect"
    found = [("helps",) * 2, ("harms",) * 2, ("helps", "harms", unclear), ("helps", unclear), (unclear,) * 2]
    assert [kind(x) for x in found] == [  # type: ignore[arg-type]
        "helped by all", "harmed by all", "mixed", "helped by some", unclear
    ]  # fmt: skip
    assert benjamini_hochberg([0.01, 0.04])[0] == pytest.approx(0.02)


def test_the_sweep_is_read_in_one_table(made: Made) -> None:
    (page,) = Interference().pages(made.records())
    rows = {tuple(x[:3]): x[3:] for x in part(page, "Sensitivity").rows}
    found = rows["reduction_factor=2", "average", 2]
    own = rows["those of the study", "average", 2]
    expected = np.mean(
        [made.score(*sorted((a, b)), mix="average", target=a, factor=2)
         - made.score(a, mix="single", target=a, factor=2)
         for a in made.languages for b in made.languages if a != b]
    )  # fmt: skip
    assert found[0].value == pytest.approx(expected)
    assert found[1].value == pytest.approx(expected - own[0].value)
    assert own[1] is None


def test_broken_stacking_is_warned_of(resolved: Resolved, made: Made) -> None:
    (page,) = Interference().pages(made.records())
    assert page.warnings == ()
    (page,) = Interference().pages(Made(resolved, broken="qab").records())
    (line,) = page.warnings
    assert re.search(r"one adapter alone costs more than 2 points.* on qab \(qab\) -(29|3\d)\.\d;", line)


def test_stacking_s_page_has_changes_by_kind_and_the_adapters_losses(resolved: Resolved) -> None:
    made = Made(resolved, broken="qab")
    study = asking(made.study, transfer=made.languages)
    study = dataclasses.replace(study, languages=made.study.languages)
    made.jobs = tuple(Stacking().jobs(study))
    for job in made.jobs:
        for cell in job.cells:
            made.counts[job.condition_key, cell.target] = made.draw(job, cell.target)
    (page,) = Stacking().pages(made.records())
    rows = {x[0]: x[1:] for x in part(page, "Change of the score").rows}
    assert [rows[x][1:] for x in ("own", "related", "unrelated", "random")] == [
        (3, 3),
        (2, 2),
        (3, 4),
        (4, 4),
    ]
    own = [made.score(x, mix="single", target=x) - zero(made, x) for x in made.languages]
    assert rows["own"][0].value == pytest.approx(np.mean(own))
    random = [made.score("", mix="single", target=g) - zero(made, g) for g in made.targets]
    assert rows["random"][0].value == pytest.approx(np.mean(random))
    losses = part(page, "Language adapters").rows
    assert [x[2:] for x in losses] == [(Number(3.0), Number(2.5), Number(4.0), 2)] * 3
    assert len(page.warnings) == 1


def zero(made: Made, target: str) -> float:
    (job,) = [x for x in made.jobs if x.probe == "zero-shot"]
    right, total = made.counts[job.condition_key, target].sum(0)
    return float(100 * right / total)


def test_what_is_missing_empties_the_means_that_need_it(made: Made) -> None:
    def gone(job: Job) -> bool:
        return "qaa+qab average, seed 1" in job.label and "reduction" not in job.label

    (page,) = Interference().pages(made.records(gone))
    rows = {x[0]: x for x in part(page, "Interference suffered").rows}
    assert rows["qaa (qaa)"][2].value is None
    assert "qaa+qab average, seed 1" in rows["qaa (qaa)"][2].missing[0]
    assert rows["qaa (qaa)"][1].value is not None
    assert rows["qac (qac)"][2].value is not None
    assert any("4 evaluations missing" in x for x in page.summary)
