"""`xlbench plugin check` and `xlbench.testing`: what is wrong is named by hook, field and line."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xlbench import api, plugins
from xlbench.cli import main
from xlbench.contracts import Metric, OfExamples
from xlbench.errors import ExecutorError, PluginError, XlbenchError
from xlbench.metrics import accuracy, by_rows, macro_f1, matthews, spearman
from xlbench.running.executors.slurm import Settings, Slurm
from xlbench.testing import at_work, check_plugin, checks, data, importing, tiny_study
from xlbench.testing.metrics import faults
from xlbench.testing.subject import subject

SOURCE = """
from xlbench import hookimpl
from xlbench.contracts import AdapterTraining, Classified, Metric, Tagged, Task
from xlbench.errors import DataError
from xlbench.metrics import accuracy

def count(gold, predicted):
    return COUNTS

metric = Metric("right", ("right", "all"), count, lambda sums: SCORE)

class Lines:
    name, source, task = "lines", "made", "parity"
    def languages(self, split):
        return ("eng",)
    def fingerprint(self, language, split):
        return f"lines-{split}"
    def examples(self, language, split, limit=None):
        return [Classified((f"word {i}",), LABEL) for i in range(6)][:limit]

def folder(paths):
    raise DataError("no")

@hookimpl
def xlbench_tasks():
    yield Task("parity", 1, "Odd or even", KIND, ("even", "odd"), metric, AdapterTraining(epochs=1), 16,
               "lines", folder)

@hookimpl
def xlbench_task_data():
    yield Lines()
"""
SOUND = {
    "COUNTS": "(int(gold == predicted), 1)",
    "SCORE": "100 * sums[..., 0] / (sums[..., 1] + (sums[..., 1] == 0))",
    "LABEL": '"odd" if i % 2 else "even"',
    "KIND": '"classification"',
}


def written(folder: Path, **other: str) -> Path:
    path, source = folder / "mine.py", SOURCE
    for name, value in {**SOUND, **other}.items():
        source = source.replace(name, value)
    path.write_text(source)
    return path


def line(path: Path, text: str) -> int:
    return next(i for i, x in enumerate(path.read_text().splitlines(), 1) if text in x)


def found(path: Path, *names: str) -> str:
    """What the quick checks say, but for that of the import, which starts an interpreter."""
    return "\n".join(str(x) for one in checks(path, quick=True)[1:] for x in one.run() if not x.note)


def test_a_sound_plugin_has_nothing_wrong(tmp_path: Path) -> None:
    assert found(written(tmp_path)) == ""


def test_a_label_outside_the_set_is_named_with_its_example(tmp_path: Path) -> None:
    path = written(tmp_path, LABEL='"odd" if i == 3 else "none" if i == 4 else "even"')
    said = found(path)
    where = f"mine.py:{line(path, 'def examples')}: xlbench_task_data: data 'parity:lines': examples"
    assert f"{where}: eng, train data, example 5: " in said
    assert "'none'" in said


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (
            '"classifying"',
            r"xlbench_tasks: task 'parity': kind must be .*'classifying'.*",
        ),
        (
            '"tagging"',
            r"xlbench_tasks: task 'parity': kind: .* has Tagged examples, .* Classified",
        ),
    ],
)
def test_a_wrong_kind_is_named_at_its_task(tmp_path: Path, kind: str, says: str) -> None:
    path = written(tmp_path, KIND=kind)
    said = found(path)
    assert re.search(says, said)
    assert f"mine.py:{line(path, '@hookimpl')}: " in said


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"lines", folder', '"line", folder', r"xlbench_tasks: task 'parity': default_data: .*'line'"),
        ("raise DataError", "return DataError", r"task 'parity': folder: accepts a folder without data"),
        ("raise DataError", "raise KeyError", r"task 'parity': folder: raises KeyError"),
        ('return ("eng",)', 'return ("english",)', r"data 'parity:lines': languages: 'english': no code"),
        ('return ("eng",)', "return ()", r"task 'parity': default_data: .* no language with train data"),
        ('return f"lines-{split}"', "return str(__import__('time').time_ns())", r"fingerprint: .*then"),
        ("[:limit]", "[-(limit or 6):]", r"examples: eng, train data: limit=3 gives 3 examples that are not"),
        ("range(6)", "range(0)", r"examples: eng, train data: there are none"),
        ('f"word {i}"', '" "', r"examples: eng, train data, example 1: it has no text"),
        ("range(6)", "1 / 0", r"mine\.py:\d+: xlbench_task_data: .*eng, train data: ZeroDivisionError"),
        ('"made", "parity"', '"made", "parity2"', r"data 'parity2:lines': task: no task 'parity2'"),
    ],
)  # fmt: skip
def test_data_that_break_their_contract(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    assert re.search(says, found(path))


@pytest.fixture
def only_folders(tmp_path: Path) -> Path:
    """A task that has no data but those that its users name."""
    path = tmp_path / "mine.py"
    sound = written(tmp_path).read_text()
    reader = "from xlbench.readers import LabelledTexts, read_folders, table_files\n"
    form = (
        'LabelledTexts(texts={"text": ("text",)}, label=("label",), labels={x: x for x in ("even", "odd")})'
    )
    sound = sound.replace('"lines", folder', "None, folder").replace("    yield Lines()", "    return ()")
    sound = sound.replace(
        'raise DataError("no")', f'return read_folders(paths, table_files("parity", {form}))'
    )
    path.write_text(reader + sound)
    return path


def labelled(folder: Path, label: str = "odd") -> Path:
    folder.mkdir()
    for split in ("train", "test"):
        rows = "".join(f"{label}\tone and {i}\neven\ttwo and {i}\n" for i in range(4))
        (folder / f"eng.{split}.tsv").write_text(f"label\ttext\n{rows}")
    return folder


def test_a_task_that_only_reads_folders_is_sound_and_the_note_says_what_to_give(only_folders: Path) -> None:
    notes = {str(x) for one in checks(only_folders)[1:] for x in one.run()}
    said = [x for x in notes if "default_data" in x]
    assert said
    assert all("--data parity=FOLDER" in x for x in said)
    assert found(only_folders) == ""


def test_a_folder_to_check_with_is_read_and_its_task_is_put_to_work(
    only_folders: Path, tmp_path: Path
) -> None:
    path = only_folders.with_name("counting.py")
    path.write_text(only_folders.read_text().replace("(int(gold == predicted), 1)", "(0.5, 1)"))
    one = subject(path, {"parity": labelled(tmp_path / "good")})
    assert not list(data.of_task(one, "parity", one.registry.tasks["parity"]))
    (said,) = map(str, at_work.of_task(one, "parity", one.registry.tasks["parity"]))
    assert "metric.count: " in said
    one = subject(only_folders, {"parity": [labelled(tmp_path / "bad", "none")]})
    assert any("'none'" in str(x) for x in data.of_task(one, "parity", one.registry.tasks["parity"]))
    with pytest.raises(PluginError, match=r"data of 'party', which is no task; the plugin has parity"):
        checks(only_folders, data={"party": tmp_path})


def test_without_data_a_study_of_such_a_task_is_refused_in_one_line_that_says_what_to_give(
    only_folders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = ["--model", "tiny", "--probe", "zero-shot", "--task", "parity", "--targets", "eng"]
    study += ["--train-languages", "eng", "--results", str(tmp_path / "results")]
    given = ["--plugin", str(only_folders)]
    for words in (["plan", *study], ["fetch", *study], ["list", "languages", "--task", "parity"]):
        monkeypatch.setattr("sys.argv", ["xlbench", *words, *given])
        assert main() == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "the task 'parity' has no default data; name a folder with --data parity=FOLDER" in line
    folder = f"parity={labelled(tmp_path / 'set')}"
    for words in (["plan", *study, "--data", folder], ["list", "tasks"]):
        monkeypatch.setattr("sys.argv", ["xlbench", *words, *given])
        assert main() == 0
    assert "parity" in capsys.readouterr().out


def test_data_that_have_no_default_but_are_registered_are_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace('"lines", folder', "None, folder"))
    study = tiny_study(tasks=("parity",), targets=("eng",), train_languages=("eng",))
    with pytest.raises(XlbenchError, match=r"=FOLDER, or --data parity=NAME with one of lines") as caught:
        api.plan(study, results=tmp_path / "results", plugins=[path])
    assert "\n" not in str(caught.value)
    one = subject(path)
    assert one.given(one.registry.tasks["parity"]) == ("lines",)
    path.write_text(path.read_text().replace("None, folder", '"", folder'))
    assert "default_data must be the name of a data set" in found(path)


def test_a_check_ends_with_what_it_comes_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "check", lambda one: ())  # which starts an interpreter
    beyond = "; those that need a model are left out (--quick)"
    for label, last in ((SOUND["LABEL"], "none"), ('"odd" if i else "none"', "1")):
        path = written(tmp_path, LABEL=label)
        monkeypatch.setattr("sys.argv", ["xlbench", "plugin", "check", str(path), "--quick"])
        assert main() == (last != "none")
        assert capsys.readouterr().out.splitlines()[-1] == f"4 checks, {last} failed{beyond}"


def test_counts_that_are_not_whole_are_named_at_the_function(tmp_path: Path) -> None:
    """On what the embedded model predicts, through training and scoring."""
    path = written(tmp_path, COUNTS="(0.5, 1)")
    one = subject(path)
    (said,) = map(str, at_work.of_task(one, "parity", one.registry.tasks["parity"]))
    where = f"mine.py:{line(path, 'def count')}: xlbench_tasks: task 'parity': metric.count: "
    assert said.startswith(where)
    assert (
        "counts 0.5 as 'right', not a whole number; a metric with such counts states counts=\"real\"" in said
    )


def right(gold: Any, predicted: Any) -> tuple[int, int]:
    return int(gold == predicted), 1


def share(sums: Any) -> Any:
    return 100 * sums[..., 0] / np.maximum(sums[..., 1], 1)


class Remembers:
    calls = 0

    def __call__(self, gold: Any, predicted: Any) -> tuple[int, int]:
        self.calls += 1
        return self.calls % 7, 7


def first(rows: Any) -> float:
    return float(rows[0, 0]) * 100


PAIRS = [(("a",), ("a",)), (("b",), ("a",)), (("b",), ("b",)), (("a",), ("a",)), (("a",), ("b",))]
BASE = Metric("right", ("right", "all"), right, share)


@pytest.mark.parametrize(
    ("metric", "field", "says"),
    [
        (replace(BASE, count=lambda x, y: (0.5, 1)), "metric.count", "0.5 as 'right', not a whole"),
        (replace(BASE, count=lambda x, y: (1,)), "metric.count", "has 1 counts, not 2"),
        (replace(BASE, count=lambda x, y: (float("nan"), 1)), "metric.count", "nan as 'right', which is not"),
        (replace(BASE, count=lambda x, y: x.index("a")), "metric.count", "cannot be counted"),
        (replace(BASE, count=Remembers()), "metric.count", "the second time"),
        (replace(BASE, score=lambda x: -share(x)), "metric.score", "outside the range that"),
        (replace(BASE, score=lambda x: share(x) / 0 * 0), "metric.score", "nan"),
        (replace(BASE, score=lambda x: 2 * share(x)), "metric.score", "metric states, 0 to 100"),
        (replace(BASE, score=OfExamples(by_rows(first))), "metric.score", "another order of"),
        (replace(BASE, others=(("twice", lambda x: 2 * share(x)),)), "metric.others['twice']", "outside"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_metrics_that_break_their_own_statement(metric: Metric, field: str, says: str) -> None:
    with np.errstate(all="ignore"):
        wrong = list(faults(metric, PAIRS))
    assert wrong, says
    assert (field, True) in {(x, says in what) for x, what, _ in wrong}


@pytest.mark.parametrize("metric", [BASE, accuracy(), macro_f1(("a", "b")), matthews(("a", "b"))])
def test_metrics_of_ours_keep_it(metric: Metric) -> None:
    assert list(faults(metric, PAIRS)) == []


def test_a_metric_of_examples_keeps_it() -> None:
    rng = np.random.default_rng(0)
    assert list(faults(spearman(), [((float(x),), (float(y),)) for x, y in rng.normal(size=(12, 2))])) == []


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import time\ntime.sleep(1.2)\n", r"takes \d+\.\d s, more than the limit of 1 s"),
        ("print('hello')\nimport socket\ntry: socket.getaddrinfo('a.invalid', 80)\nexcept OSError: pass\n",
         r"uses the network \(socket.getaddrinfo\)[^$]*prints 'hello'"),
        ("import os\nos._exit(3)\n", r"ends the process with exit status 3"),
    ],
)  # fmt: skip
def test_what_an_import_may_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, says: str
) -> None:
    monkeypatch.setattr(importing, "_TRIES", 1)
    sound, bad = written(tmp_path), tmp_path / "bad.py"
    bad.write_text(source + SOURCE.replace("KIND", '"classification"'))
    one = replace(subject(sound), said=bad, things=(bad,))
    assert re.search(says, "\n".join(map(str, importing.check(one))))


def test_a_plugin_that_does_not_load_is_placed(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("from xlbench import hookimpl\n\nraise ValueError('not today')\n")
    with pytest.raises(AssertionError, match=r"broken\.py:3: import: failed to load: ValueError: not today"):
        check_plugin(str(path), quick=True)


EXECUTOR = """
from xlbench import hookimpl
from xlbench.errors import ExecutorError

class Mine:
    name, summary, settings = "mine", "Mine", None
    def capacity(self, settings):
        ROOM
    def run(self, batches, work, notify, workers, settings):
        BODY

@hookimpl
def xlbench_executors():
    yield Mine()
"""


@pytest.mark.parametrize(
    ("room", "body", "field", "at", "says"),
    [
        ("return 1", "raise ExecutorError('lost')", "run", "lost", "lost"),
        ("return 1", "raise ValueError('lost')", "run", "lost", "'mine' failed: ValueError: lost"),
        ("return 1", "return iter(())", "run", "def run", "'mine' ended without 3 of 3 jobs"),
        ("return 0", "return iter(())", "capacity", "def capacity", "gives 0, not a whole number"),
        ("return 1 / 0", "return iter(())", "capacity", "1 / 0", "ZeroDivisionError"),
    ],
)
def test_an_executor_that_gets_nothing_done_is_wrong_and_not_unchecked(
    tmp_path: Path, room: str, body: str, field: str, at: str, says: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(EXECUTOR.replace("ROOM", room).replace("BODY", body))
    one = subject(path)
    (wrong,) = at_work.of_executor(one, "mine", one.registry.executors["mine"])
    assert (wrong.note, wrong.field, wrong.place) == (False, field, f"mine.py:{line(path, at)}")
    assert says in wrong.what
    assert "\n" not in str(wrong)


def test_only_an_executor_that_has_no_room_is_not_checked(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    no_room = EXECUTOR.replace("ROOM", "raise ExecutorError('no cluster here')")
    path.write_text(no_room.replace("BODY", "return iter(())"))
    one = subject(path)
    (said,) = at_work.of_executor(one, "mine", one.registry.executors["mine"])
    assert (said.note, said.field, said.what) == (True, "capacity", "no cluster here; not checked")


def test_the_executor_slurm_has_no_room_where_nothing_can_be_submitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("submitit", reason="needs xlbench[slurm]")
    monkeypatch.setenv("PATH", "")
    assert Slurm().capacity(Settings(cluster="local", tasks=3)) == 3
    with pytest.raises(ExecutorError, match=r"Slurm cannot be used here .*sbatch"):
        Slurm().capacity(Settings())


@pytest.mark.parametrize(
    ("sinfo", "said"),
    [
        ("#!/bin/sh\necho no controller >&2\nexit 1\n", r"\(no controller\)"),
        (None, r"\(no queue answers: .*sinfo"),
    ],
)
def test_the_executor_slurm_has_no_room_where_no_queue_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sinfo: str | None, said: str
) -> None:
    pytest.importorskip("submitit", reason="needs xlbench[slurm]")
    for name, content in (("sbatch", "#!/bin/sh\n"), ("sinfo", sinfo)):
        if content is not None:
            (tmp_path / name).write_text(content)
            (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExecutorError, match=f"Slurm cannot be used here {said}"):
        Slurm().capacity(Settings())


def test_a_name_that_is_not_there_is_one_line() -> None:
    with pytest.raises(PluginError, match="no plugin 'transfr'; did you mean 'transfer'"):
        checks("transfr")


BUILT_IN = [x.name for x in plugins.load().plugins if x.distribution == plugins.OWN]


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_plugins_pass_the_checks_that_need_no_model(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "MOST", 20)
    for check in checks(f"xlbench/{name}", quick=True)[1:]:
        assert [str(x) for x in check.run() if not x.note] == [], check.name


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_plugins_pass_every_check(name: str) -> None:
    check_plugin(f"xlbench/{name}")


def test_a_model_of_real_languages_is_put_to_work_on_the_artificial_ones(tmp_path: Path) -> None:
    """Its tasks' own data have no text in languages that the embedded data are of."""
    checkpoint = plugins.load().models["tiny"].checkpoint
    path = tmp_path / "mine.py"
    path.write_text(f"""
from xlbench import hookimpl
from xlbench.contracts import BaseModel

@hookimpl
def xlbench_models():
    yield BaseModel(name="mine", summary="Mine", checkpoint={checkpoint!r},
                    pretraining_languages=frozenset({{"eng"}}), languages_source="made")
""")
    check_plugin(str(path))
