"""Published matrices as studies: shown, recommended from, compared, never mixed with what was measured."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from synthetic import CODES, METRICS, Synthetic, write_all

import xlbench
from xlbench.cli import stored
from xlbench.compared import compare
from xlbench.contracts.published import metric_of, source_of
from xlbench.data.matrices import read
from xlbench.errors import DataError, StudyError, XlbenchError
from xlbench.importing import import_matrix
from xlbench.probing import Reading
from xlbench.results import Store, upkeep
from xlbench.stored import Stored
from xlbench_probes.published import PublishedScores

SOURCES, TARGETS = tuple(CODES[:6]), tuple(CODES[:11])


def matrix(
    path: Path, seed: int = 0, names: tuple[tuple[str, ...], tuple[str, ...]] = (SOURCES, TARGETS)
) -> Path:
    rng = np.random.default_rng(seed)
    level, quality = ({x: rng.uniform(20, 60) for x in names[1]}, {x: rng.uniform(0, 20) for x in names[0]})
    lines = [
        f"{f},{g},some-model,{level[g] + quality[f] + rng.uniform(0, 3):.3f},{rng.uniform():.3f}"
        for f in names[0]
        for g in names[1]
    ]
    path.write_text("\n".join(["source,target,model_id,score,accuracy", *lines]), "utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published")
    import_matrix(matrix(path / "scores.csv"), "pos", results=path / "results", source="a paper")
    return path


def test_scores_are_stored_as_they_stand_and_named_in_provenance(folder: Path) -> None:
    shown = Stored(folder / "results")
    lines = (folder / "scores.csv").read_text().splitlines()[1:]
    file = {tuple(x.split(",")[:2]): float(x.split(",")[3]) for x in lines}
    found = {
        (source_of(x.condition), x.evaluation.cell.target): metric_of(x.condition).score(  # type: ignore
            x.evaluation.counts.sum(axis=0)
        )
        for x in shown.records.records
    }
    assert found == pytest.approx(file)
    (page,) = [page for _, page in shown.pages]
    assert not shown.problems
    facts = dict(shown.provenance(shown.published[0][1]).facts)
    digest = hashlib.sha256((folder / "scores.csv").read_bytes()).hexdigest()
    assert facts["Published scores"] == (
        f"scores.csv (a paper), SHA-256 {digest}; long, scores in the column score"
    )
    assert shown.provenance(shown.published[0][1]).command.startswith("xlbench import scores.csv --task pos")
    assert "not measured here" in page.summary[0]
    assert upkeep.verify(Store(folder / "results"), METRICS).problems == []


def test_the_best_source_on_the_page_is_that_of_a_two_way_table(folder: Path) -> None:
    shown = Stored(folder / "results")
    y = np.full((len(SOURCES), len(TARGETS)), np.nan)
    for x in shown.records.records:
        i, j = SOURCES.index(str(source_of(x.condition))), TARGETS.index(x.evaluation.cell.target)
        y[i, j] = x.evaluation.counts[0, 0] if i != j else np.nan
    rows = [(i, j) for i in range(len(SOURCES)) for j in range(len(TARGETS)) if i != j]
    design = np.array(
        [[float(i == a) for a in range(6)] + [float(j == b) for b in range(len(TARGETS))] for i, j in rows]
    )
    fitted = np.linalg.lstsq(design, np.array([y[x] for x in rows]), rcond=None)[0][:6]
    table = shown.pages[0][1].parts[0]
    assert table.rows[0][0] == Reading(shown.records).name(SOURCES[int(np.argmax(fitted))])  # type: ignore[union-attr]


def test_it_recommends_for_published_and_for_other_targets(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored.recommend(folder / "results", "pos", "some-model", TARGETS[7], None)
    assert "Published. " in capsys.readouterr().out
    stored.recommend(folder / "results", "pos", "some-model", CODES[11], None, as_json=True)
    page = json.loads(capsys.readouterr().out)
    assert "Not measured: a prediction" in str(page)
    assert "Shortlist (" in str(page)


def test_two_published_matrices_and_a_measured_one_are_compared_by_rank(folder: Path, tmp_path: Path) -> None:
    import_matrix(matrix(tmp_path / "other.csv", 1), "pos", results=tmp_path / "r", model="other")
    (page,) = compare(folder / "results", tmp_path / "r")
    assert page.topic == "agreement"
    assert len(page.parts[0].rows) == len(TARGETS)  # type: ignore[union-attr]
    measured = Synthetic(tasks=("pos",), controls=(), examples=20, seeds=(0,), steps=(10,))
    write_all(tmp_path / "measured", measured)
    names = measured.transfer, measured.targets
    import_matrix(matrix(tmp_path / "made.csv", 1, names), "pos", results=tmp_path / "own", model="own")
    (page,) = [x for x in compare(tmp_path / "own", tmp_path / "measured") if x.topic == "agreement"]
    assert "effect after 10 steps" in page.title


def test_the_same_reading_is_the_same_study_and_any_other_is_not(folder: Path, tmp_path: Path) -> None:
    again = import_matrix(folder / "scores.csv", "pos", results=folder / "results", source="elsewhere")
    assert [x.id for x in Store(folder / "results").studies()] == [again.study_id]
    file, other = folder / "scores.csv", matrix(tmp_path / "scores.csv", 5)
    ways = (
        read(file), read(file, column="accuracy"), read(other), read(file, only={"source": SOURCES[0]}),
    )  # fmt: skip
    told = [json.dumps(x.condition(SOURCES[0], unit)) for x in ways for unit in ("points", "percent")]
    assert len(set(told)) == 6, "lines of one source alone have the same scores of it"
    jobs = PublishedScores().imported(ways[0], "pos", "points")
    assert {job.probe for job, _ in jobs} == {"published"}


def test_it_is_not_mixed_with_what_was_measured(folder: Path, tmp_path: Path) -> None:
    write_all(tmp_path / "r", Synthetic(tasks=("pos",), controls=(), examples=4, seeds=(0,), steps=(10,)))
    with pytest.raises(StudyError, match="has measured results of pos with the model tiny"):
        import_matrix(folder / "scores.csv", "pos", results=tmp_path / "r", model="tiny")
    found = import_matrix(folder / "scores.csv", "pos", results=tmp_path / "r")
    assert len(xlbench.load_results(tmp_path / "r", found.study_id)) == len(SOURCES) * len(TARGETS)
    with pytest.raises(StudyError, match="are not run"):
        PublishedScores().jobs(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"only": ("model_id",)}, "write COLUMN=VALUE"),
        ({"rows": "rows"}, "write sources or targets"),
        ({"rows": "sources"}, "says itself what is a source"),
        ({"score": "bleu"}, "no column 'bleu'"),
        ({"only": ("model_id=none",)}, "no line has model_id=none"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    folder: Path, tmp_path: Path, more: dict[str, object], says: str
) -> None:
    said = {"only": (), **more}
    with pytest.raises(XlbenchError, match=says) as caught:
        stored.import_matrix(folder / "scores.csv", "pos", tmp_path, **said)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir()), "nothing is written"


def test_a_bad_file_or_task_is_one_line_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("source,target,score\neng,deu,1\neng,fin,high\n", "utf-8")
    with pytest.raises(DataError, match=r"bad\.csv, line 3: score: 'high' is not a number"):
        import_matrix(tmp_path / "bad.csv", "pos", results=tmp_path / "r")
    with pytest.raises(XlbenchError, match="nosuch"):
        import_matrix(folder / "scores.csv", "nosuch", results=tmp_path / "r")
    assert not (tmp_path / "r").exists()
