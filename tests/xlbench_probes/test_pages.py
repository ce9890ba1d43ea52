"""Pages of the built-in probes, on a made-up study whose truth is known."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from synthetic import CODES, METRICS, Synthetic, distance

from xlbench.contracts import Cell, Curves, Job, Matrix, Number, Page, Subwords, Table
from xlbench.errors import ResultsError
from xlbench.probing.reading import interval
from xlbench_probes import transfer_pages, zero_shot_pages
from xlbench_probes.transfer import Transfer


@pytest.fixture(scope="module")
def study() -> Synthetic:
    return Synthetic(examples=300, strength=8.0, tasks=("pos", "ner"))


@pytest.fixture(scope="module")
def pages(study: Synthetic) -> list[Page]:
    return transfer_pages.pages(study.records())


def part(page: Page, title: str) -> Table | Matrix:
    found = next(x for x in page.parts if x.title.startswith(title))
    return found.table() if isinstance(found, Curves) else found


def column(table: Table | Matrix, name: str) -> dict[str, object]:
    assert isinstance(table, Table)
    place = table.columns.index(name)
    return {str(row[0]): row[place] for row in table.rows}


def score(study: Synthetic, task: str, target: str, **wanted: object) -> float:
    """Mean over seeds, from the counts, with none of the code under test."""
    found = []
    for job in study.jobs:
        text = job.condition.get("text", {}).get("language")
        if {k: {**job.condition, "text": text}.get(k) for k in wanted} == wanted and task in job.label:
            if not wanted and "steps" in job.condition:
                continue
            found += [
                float(METRICS[task].score(x.counts.sum(axis=0).astype(float)))
                for x in study.evaluate(job)
                if x.cell.target == target
            ]
    return float(np.mean(found))


def effect(study: Synthetic, task: str, f: str, g: str, k: int = 100, variant: str = "plain") -> float:
    return score(study, task, g, text=f, steps=k, variant=variant) - score(study, task, g)


def name(study: Synthetic, code: str) -> str:
    return f"{study.languages[code].name} ({code})"


def test_a_page_a_task(pages: list[Page]) -> None:
    assert [page.task for page in pages if not page.topic] == ["pos", "ner"]


@pytest.mark.parametrize("task", [0, 1])
def test_donation_recipience_and_matrix_are_the_definitions(
    study: Synthetic, pages: list[Page], task: int
) -> None:
    page, of = pages[task], study.tasks[task]
    donation = column(part(page, "Transfer languages by donation"), "Donation")
    for f in study.transfer:
        expected = np.mean([effect(study, of, f, g) for g in study.targets if g != f])
        found = donation[name(study, f)]
        assert isinstance(found, Number)
        assert found.value == pytest.approx(expected)
        assert found.low < found.value < found.high
    values = [x.value for x in donation.values()]
    assert values == sorted(values, reverse=True)
    targets = part(page, "Targets by recipience")
    for g in study.targets:
        expected = np.mean([effect(study, of, f, g) for f in study.transfer if g != f])
        assert column(targets, "Recipience")[name(study, g)].value == pytest.approx(expected)
        assert column(targets, "Zero-shot")[name(study, g)].value == pytest.approx(score(study, of, g))
        assert column(targets, "Majority")[name(study, g)] == 30.0 + CODES.index(g)
        assert column(targets, "Seen")[name(study, g)] == ("yes" if study.seen[g] else "no")
    for k in study.steps:
        matrix = next(x for x in page.parts if isinstance(x, Matrix) and f"{k} step" in x.title)
        for row, line in zip(matrix.rows, matrix.cells, strict=True):
            for target, number in zip(matrix.columns, line, strict=True):
                assert number.value == pytest.approx(effect(study, of, row[-4:-1], target[-4:-1], k))


def test_controls_are_paired_with_the_same_targets(study: Synthetic, pages: list[Page]) -> None:
    table, reference = part(pages[0], "Donation against controls"), study.reference
    for f in study.transfer:
        targets = [g for g in study.targets if g != f]
        plain = np.mean([effect(study, "pos", f, g) for g in targets])
        shuffled = np.mean([effect(study, "pos", f, g, variant="shuffled") for g in targets])
        control = np.mean([effect(study, "pos", reference, g) for g in targets])
        own = np.mean([effect(study, "pos", g, g) for g in targets])
        row = {x: column(table, x)[name(study, f)].value for x in table.columns[1:]}
        expected = [shuffled, plain - shuffled, control, plain - control, own, plain - own]
        assert list(row.values()) == pytest.approx(expected)
        said = column(table, "Donation minus own")[name(study, f)]
        assert said.word == ("harms" if said.high < 0 else "no clear effect")


def test_words_follow_corrected_tests_and_bold_follows_words(study: Synthetic, pages: list[Page]) -> None:
    for page in pages:
        for x in page.parts:
            cells = x.rows if isinstance(x, Table) else x.values if isinstance(x, Curves) else x.cells
            for number in (y for row in cells for y in row if isinstance(y, Number) and y.word):
                inside = number.low <= 0 <= number.high
                assert (number.word == "helps") <= (number.low > 0)
                assert (number.word == "harms") <= (number.high < 0)
                assert (number.word == "no clear effect") >= inside
    matrix = next(x for x in pages[0].parts if isinstance(x, Matrix))
    assert {y.word for row in matrix.cells for y in row} == {"helps", "harms", "no clear effect"}


def test_tiers_part_what_is_clearly_apart(study: Synthetic, pages: list[Page]) -> None:
    table = part(pages[0], "Transfer languages by donation")
    tiers = list(column(table, "Tier").values())
    assert tiers[0] == 1
    assert tiers == sorted(tiers)
    assert tiers[-1] > 1
    detectable, donation = column(table, "Minimum detectable effect"), column(table, "Donation")
    for f, number in donation.items():
        assert detectable[f] > (number.high - number.low) / 2, "more than what just leaves the interval"


def test_what_effects_go_with_is_the_distance(pages: list[Page]) -> None:
    terms = column(part(pages[0], "What predicts the effect"), "Change of effect")
    assert terms["letters distance"].word == "harms"
    assert "same family (the same for all pairs)" in part(pages[0], "What predicts the effect").note


def test_subwords_of_the_task_are_predictors(study: Synthetic) -> None:
    """Overlap that says what the distance says stands before it, and leaves it nothing to say."""
    nearness = {(f, g): 1 - distance(f, g) for f in study.transfer for g in study.targets}
    cut = {x: 1 + i * i % 7 / 3 for i, x in enumerate(CODES)}
    subwords = {"pos": Subwords(cut, cut, nearness)}
    pos, ner = (
        part(x, "What predicts the effect")
        for x in transfer_pages.pages(study.records(subwords=subwords))
        if not x.topic
    )
    terms = column(pos, "Change of effect")
    assert terms["vocabulary overlap"].word == "helps"
    assert "letters distance (told by the others)" in pos.note
    where = column(pos, "Varies with")
    assert where["subword fertility of the transfer language"] == "transfer language"
    assert where["subword fertility of the target language"] == "target language"
    assert column(ner, "Change of effect")["letters distance"].word == "harms"
    assert "vocabulary overlap (not known of " in ner.note


def test_own_text_is_apart(study: Synthetic, pages: list[Page]) -> None:
    itself = column(part(pages[0], "Transfer languages by donation"), "Own text")
    own = column(part(pages[0], "Best transfer language"), "Own text")
    for f in study.transfer:
        found = itself[name(study, f)]
        if f in study.targets:
            assert found.value == pytest.approx(effect(study, "pos", f, f))
        else:
            assert found is None
    for g in study.targets:
        assert own[name(study, g)].value == pytest.approx(effect(study, "pos", g, g))


def test_where_every_transfer_language_harms_none_is_the_best() -> None:
    study = Synthetic(strength=-20.0, controls=(), targets=CODES[2:6])
    table = part(transfer_pages.pages(study.records())[0], "Best transfer language")
    chosen, effects = column(table, "Best transfer language"), column(table, "Its effect")
    near = name(study, CODES[3])
    assert chosen[near] == "none"
    assert effects[near] is None


def test_best_transfer_language_is_the_nearest_other(study: Synthetic, pages: list[Page]) -> None:
    table = part(pages[0], "Best transfer language")
    chosen, share = column(table, "Best transfer language"), column(table, "Best in % of draws")
    for g in study.targets[3:]:
        nearest = min((f for f in study.transfer if f != g), key=lambda f: distance(f, g))
        assert chosen[name(study, g)] == name(study, nearest)
        assert share[name(study, g)] > 60


def test_seen_against_unseen(study: Synthetic, pages: list[Page]) -> None:
    table = part(pages[0], "Seen against unseen")
    assert [row[0] for row in table.rows] == ["Seen (3)", "Unseen (3)", "Unseen minus seen"]
    received = {
        g: np.mean([effect(study, "pos", f, g) for f in study.transfer if f != g]) for g in study.targets
    }
    sides = [np.mean([x for g, x in received.items() if study.seen[g] is side]) for side in (True, False)]
    last = column(table, "Steps 100").values()
    assert [x.value for x in last] == pytest.approx([*sides, sides[1] - sides[0]])


def test_known_distance_comes_back_for_seen_and_unseen_targets(pages: list[Page]) -> None:
    """From six transfer languages on: with fewer, a correlation says little of languages."""
    assert not any("known distance" in x.title for page in pages for x in page.parts)
    study = Synthetic(transfer=CODES[:7], targets=CODES[1:10], steps=(100,), controls=(), strength=8.0)
    page, *_ = transfer_pages.pages(study.records())
    table = part(page, "Effect and known distance")
    matrix = next(x for x in page.parts if isinstance(x, Matrix))
    cells = {
        (f, g): matrix.cells[matrix.rows.index(name(study, f))][matrix.columns.index(name(study, g))].value
        for f in study.transfer for g in study.targets if f != g
    }  # fmt: skip
    assert [row[1] for row in table.rows] == ["seen", "unseen"]
    for _, which, found, number, _ in table.rows:
        some = {pair: x for pair, x in cells.items() if study.seen[pair[1]] is (which == "seen")}
        expected = spearmanr(list(some.values()), [distance(*pair) for pair in some]).statistic
        assert isinstance(found, Number)
        assert found.value == pytest.approx(expected)
        assert expected < -0.6
        assert number == len(some)
        assert found.high is not None
        assert found.high < 0


def test_what_is_not_known_has_no_table(study: Synthetic) -> None:
    page = transfer_pages.pages(study.records(distances=(), seen={}))[0]
    assert not any(x.title.startswith(("Effect and known", "Seen against")) for x in page.parts)
    assert set(column(part(page, "Targets by recipience"), "Seen").values()) == {"not known"}


def test_summary_says_whether_0_is_inside(study: Synthetic, pages: list[Page]) -> None:
    text = " ".join(pages[0].summary)
    assert "4 transfer languages, 6 target languages, 3 seeds at 1 and 100 steps." in text
    top = next(iter(column(part(pages[0], "Transfer languages by donation"), "Donation")))
    assert f"The largest donation is that of {top}" in text
    assert "), helps" in text
    idle = Synthetic(strength=0.0, controls=(), steps=(1,))
    page = transfer_pages.pages(idle.records())[0]
    assert "CI includes 0" in " ".join(page.summary)
    assert not any(f"), {word}" in " ".join(page.summary) for word in ("helps", "harms"))


def test_failed_run_empties_its_means_and_is_named(study: Synthetic) -> None:
    bad = next(x for x in study.jobs if x.label == f"{study.transfer[0]}, 100 steps, seed 1, pos")

    def missing(job: Job, cell: Cell) -> bool:
        return job is bad

    records = study.records(missing, {bad.condition_key: "loss is NaN"})
    page, other, *_ = transfer_pages.pages(records)
    donation = column(part(page, "Transfer languages by donation"), "Donation")
    hole = donation[name(study, study.transfer[0])]
    assert hole.value is None
    assert "failed: loss is NaN" in hole.missing[0]
    assert list(donation)[-1] == name(study, study.transfer[0])
    assert all(x.value is not None for code, x in donation.items() if code != name(study, study.transfer[0]))
    assert all(x.value is None for x in column(part(page, "Targets by recipience"), "Recipience").values())
    by_steps = column(part(page, "Donation by steps"), "Steps 1")
    assert all(x.value is not None for x in by_steps.values())
    assert f"{len(bad.cells)} are missing" in page.summary[-1]
    assert "missing" not in " ".join(other.summary)


def test_study_that_has_not_begun(study: Synthetic) -> None:
    records = study.records(lambda job, cell: True)
    of_tasks = [x for x in transfer_pages.pages(records) if not x.topic]
    for page in (*of_tasks, *zero_shot_pages.pages(records)):
        assert "issing" in page.summary[-1] or "are missing" in page.summary[-1]
        for table in page.parts:
            if isinstance(table, Table):
                assert not any(
                    isinstance(x, Number) and x.value is not None for row in table.rows for x in row
                )


def test_one_transfer_language_and_one_target() -> None:
    small = Synthetic(transfer=CODES[:1], targets=CODES[1:2], steps=(1,), seeds=(0,), controls=())
    page = transfer_pages.pages(small.records())[0]
    assert (
        column(part(page, "Transfer languages by donation"), "Donation")[name(small, CODES[0])].value
        is not None
    )
    assert not any("known distance" in x.title for x in page.parts)
    assert "1 transfer language, 1 target language, 1 seed at 1 step." in page.summary[0]
    assert set(column(part(page, "Transfer languages by donation"), "Tier").values()) == {None}
    assert page.answer[0].startswith("With one seed, what is shown holds for this run only")
    several = Synthetic(transfer=CODES[:1], targets=CODES[1:2], steps=(1,), seeds=(0, 1, 2), controls=())
    page = transfer_pages.pages(several.records())[0]
    assert set(column(part(page, "Transfer languages by donation"), "Tier").values()) == {1}


def test_own_text_alone_leaves_donation_empty_but_not_missing() -> None:
    small = Synthetic(transfer=CODES[:1], targets=CODES[:1], steps=(1,), seeds=(0,), controls=())
    page = transfer_pages.pages(small.records())[0]
    found = column(part(page, "Transfer languages by donation"), "Donation")[name(small, CODES[0])]
    assert found is None or (found.value is None and not found.missing)
    assert page.answer[0].startswith("Every text is of the target language itself")
    said = " ".join((*page.answer, *page.summary))
    assert not any(x in said for x in ("Clearly", "something is missing", "Over all pairs"))
    assert set(column(part(page, "Transfer languages by donation"), "Tier").values()) == {None}


def test_zero_shot_page(study: Synthetic) -> None:
    page = zero_shot_pages.pages(study.records())[1]
    table = page.parts[0]
    for g in study.targets:
        found = column(table, "Score")[name(study, g)]
        assert found.value == pytest.approx(score(study, "ner", g))
        assert found.low < found.value < found.high
        assert column(table, "Truncated")[name(study, g)] == CODES.index(g) % 3
        assert column(table, "Examples")[name(study, g)] == study.examples
    values = [x.value for x in column(table, "Score").values()]
    assert values == sorted(values, reverse=True)


def test_unclear_scores_are_named() -> None:
    low = Synthetic(examples=8, targets=CODES[:2])
    page = zero_shot_pages.pages(low.records())[0]
    table = page.parts[0]
    unclear = [code for code, x in column(table, "Score").items() if x.low <= column(table, "Majority")[code]]
    assert unclear
    line = next(x for x in page.summary if x.startswith("Not clearly above"))
    assert all(code in line for code in unclear)


def test_a_measured_target_gets_its_transfer_languages_by_lower_end(study: Synthetic) -> None:
    target = study.targets[4]
    page = Transfer().recommend(study.records(), "pos", target)
    found = column(page.parts[0], "Effect")
    lows = [x.low for x in found.values()]
    assert lows == sorted(lows, reverse=True)
    for f in study.transfer:
        assert found[name(study, f)].value == pytest.approx(effect(study, "pos", f, target))
    lost = next(x for x in study.jobs if x.label == f"{study.transfer[0]}, 100 steps, seed 1, pos")
    holed = Transfer().recommend(study.records(lambda job, cell: job is lost), "pos", target)
    assert list(column(holed.parts[0], "Effect"))[-1] == name(study, study.transfer[0])
    assert name(study, study.transfer[0]) in holed.summary[-1]


def test_an_unmeasured_target_gets_a_prediction_and_its_cost(study: Synthetic) -> None:
    target = CODES[9]
    page = Transfer().recommend(study.records(), "pos", target)
    assert "Not measured" in page.summary[0]
    predicted = column(page.parts[0], "Predicted effect")
    assert next(iter(predicted)) == name(study, study.transfer[-1]), "the nearest"
    regret = column(page.parts[1], "Regret")
    assert 0 <= regret["the prediction"] < 0.5 < regret["nearest by genus and family"]
    assert ("does not beat plain rules here (best donor overall)" in page.summary[-1]) == (
        regret["best donor overall"] <= regret["the prediction"]
    )
    assert regret["most text"] is None
    truth = {(f, g): effect(study, "pos", f, g) for f in study.transfer for g in study.targets}
    oracle = Subwords({}, dict.fromkeys(study.targets, 1.0) | {study.targets[0]: 2.0}, truth)
    assert Transfer().recommend(study.records(subwords={"pos": oracle}), "pos", target) == page, (
        "what is not known of the target helps nowhere"
    )
    known = Subwords({}, {}, truth | {(f, target): float(i) for i, f in enumerate(study.transfer)})
    better = Transfer().recommend(study.records(subwords={"pos": known}), "pos", target)
    assert column(better.parts[0], "Predicted effect") != predicted, "what is known of it is used"
    assert column(better.parts[1], "Regret")["the prediction"] <= regret["the prediction"]
    lost = study.jobs[-1]
    with pytest.raises(ResultsError, match=r"no transfer results of nli"):
        Transfer().recommend(study.records(), "nli", target)
    with pytest.raises(ResultsError, match=r"needs the whole matrix"):
        Transfer().recommend(
            study.records(lambda job, cell: "100 steps" in job.label), lost.cells[0].task, target
        )
    small = Synthetic(transfer=CODES[:1], targets=CODES[1:3])
    with pytest.raises(ResultsError, match="at least 3 targets"):
        Transfer().recommend(small.records(), "pos", target)


def test_a_study_compared_with_itself_has_not_changed(study: Synthetic) -> None:
    page = Transfer().compare(study.records(), study.records())[0]
    assert page.summary[0].startswith("0 of ")
    assert not any(x.startswith("Only in") for x in page.summary)
    assert all(x.value == 0 for row in page.parts[1].cells for x in row)


def test_what_changed_is_found_and_other_test_data_are_left_out(study: Synthetic) -> None:
    weaker = Synthetic(examples=300, strength=4.0, tasks=("pos",))
    moved = study.targets[0]
    weaker.cell = lambda task, target: Cell(
        task, target, f"data of {task} {target}" + "x" * (target == moved)
    )  # type: ignore[method-assign]
    weaker.jobs.clear()
    weaker._plan("pos")
    (page,) = Transfer().compare(study.records(), weaker.records())
    (fewer,) = Transfer().compare(Synthetic(transfer=CODES[:3]).records(), Synthetic(steps=(1,)).records())
    assert "Only in one of the two: transfer language Dun (qad) and 100 steps." in fewer.summary
    others = Synthetic(transfer=CODES[4:6], targets=CODES[9:11], controls=())
    assert Transfer().compare(study.records(), others.records()) == []
    assert name(study, moved) in next(x for x in page.summary if x.startswith("Left out"))
    matrix = next(x for x in page.parts if isinstance(x, Matrix) and "100 steps" in x.title)
    assert name(study, moved) not in matrix.columns
    f, g = study.transfer[2], study.targets[1]
    cell = matrix.cells[matrix.rows.index(name(study, f))][matrix.columns.index(name(study, g))]
    assert cell.value == pytest.approx(effect(weaker, "pos", f, g) - effect(study, "pos", f, g))
    assert cell.word == "harms"
    assert any(row[:2] == (name(study, f), name(study, g)) for row in page.parts[0].rows)


def test_nothing_rounds_to_less_than_nothing() -> None:
    said = interval(Number(-0.001, -0.004, 0.25), "points")
    assert said == "0.00 points (95% CI 0.00 to 0.25), CI includes 0"


def test_the_highest_and_the_lowest_are_of_two() -> None:
    for targets in (CODES[:1], CODES[:3]):
        study = Synthetic(targets=targets, examples=30, steps=(10,), seeds=(0,), controls=())
        line = zero_shot_pages.pages(study.records())[0].summary[1]
        several = len(targets) > 1
        assert ("highest" in line, "lowest" in line) == (several, several)
        assert several or study.languages[CODES[0]].label in line
