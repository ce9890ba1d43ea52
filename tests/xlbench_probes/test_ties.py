"""Which transfer languages cannot be told from the best for a target, on every surface that says so."""

from synthetic import Synthetic

from xlbench.contracts import Matrix, Table
from xlbench.probing import Reading, difference, judge
from xlbench_probes import transfer_advice, transfer_pages
from xlbench_probes.arms import Arm
from xlbench_probes.transfer_view import View

STUDY = Synthetic(steps=(100,), examples=200)


def adjusted(p: list[float], one: float) -> float:
    """Benjamini and Hochberg's, written out: the least, from this one on, of p times n over its rank."""
    return min(x * len(p) / sum(y <= x for y in p) for x in p if x >= one)


def test_ties_are_by_paired_tests_against_the_first_corrected_over_the_target() -> None:
    view = View.of(Reading(STUDY.records()), "pos")
    some = set()
    for g in view.targets:
        first, *others = view.shortlist(g, 100)
        effects = {f: view.effects.effect(Arm(f, 100), g) for f in (first, *others)}
        apart = judge({f: difference(effects[first], effects[f]) for f in others})
        expected = {first}
        for f, x in apart.items():
            assert x.p is not None
            assert x.number.value is not None
            if x.number.value < 0 or adjusted([y.p or 0.0 for y in apart.values()], x.p) > 0.05:
                expected.add(f)
        assert view.tied(g, 100) == expected
        some |= {f in expected for f in others}
    assert some == {True, False}


def test_the_matrix_and_the_recommendation_say_the_same() -> None:
    records = STUDY.records()
    (page, *_) = transfer_pages.pages(records)
    matrix = next(x for x in page.parts if isinstance(x, Matrix))
    for j, target in enumerate(matrix.columns):
        code = target[-4:-1]
        table = transfer_advice.advise(records, "pos", code).parts[0]
        assert isinstance(table, Table)
        said = {row[0]: row[-1] == "yes" for row in table.rows}
        tied = {matrix.rows[i] for i in matrix.ties[j]}
        assert tied == {row for row, x in said.items() if x}
        assert target not in tied, "a language's own text is no choice"


def test_with_one_seed_nothing_is_tied() -> None:
    records = Synthetic(steps=(100,), seeds=(0,)).records()
    matrix = next(x for x in transfer_pages.pages(records)[0].parts if isinstance(x, Matrix))
    assert not any(matrix.ties)
    assert transfer_advice.advise(records, "pos", "qac").parts[0].columns[-1] == "Effect"  # type: ignore[union-attr]


def test_of_equal_languages_all_are_tied() -> None:
    study = Synthetic(steps=(100,), strength=0.0)
    matrix = next(x for x in transfer_pages.pages(study.records())[0].parts if isinstance(x, Matrix))
    choices = sum(f != g for f in matrix.rows for g in matrix.columns)
    assert sum(map(len, matrix.ties)) > 0.9 * choices
