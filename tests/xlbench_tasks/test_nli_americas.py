"""AmericasNLI: the task, and the real sets."""

from pathlib import Path

from manifest import sizes

from xlbench.data import languages
from xlbench_tasks import nli, nli_americas


def test_the_task_is_nli_with_other_data() -> None:
    (task,), (other,) = nli_americas.xlbench_tasks(), nli.xlbench_tasks()
    assert task.adapter == other.name
    assert (task.kind, task.labels, task.metric, task.max_length) == (
        other.kind, other.labels, other.metric, other.max_length,
    )  # fmt: skip
    (data,) = nli_americas.xlbench_task_data()
    assert data.languages("train") == ()
    assert len(data.languages("test")) == 10
    assert set(data.languages("test")) <= languages.codes()
    assert data.configs["grn"] == "gn"


def test_all_real_sets(shared_data: Path) -> None:
    data = nli_americas.folder(sorted((shared_data / "nli").glob("*_anli")))
    found = {(x, s): len(data.examples(x, s)) for s in ("train", "dev", "test") for x in data.languages(s)}
    assert found == sizes(shared_data, "nli/", "_anli")
