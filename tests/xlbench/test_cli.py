"""The command line, as a process of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import warm

from xlbench import load_results
from xlbench.results import Store
from xlbench.running.progress import duration, size

HEAVY = {"torch", "transformers", "datasets", "adapters", "numpy", "pandas", "pyarrow", "langcodes"}

PROBE = """
import sys
from xlbench.cli import main
sys.argv = ["xlbench", *{words!r}]
try:
    code = main()
except SystemExit as end:
    code = end.code
print("LOADED", *sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def xlbench(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return warm.run(*words, cwd=cwd, XLBENCH_PLUGINS="", OMP_NUM_THREADS="1")


def cold(*words: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """In an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-m", "xlbench.cli", *words],
        capture_output=True, text=True, check=False, cwd=cwd,
        env={**os.environ, "XLBENCH_PLUGINS": "", "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    "words", [("--help",), ("list", "tasks"), ("run", "--help"), ("--version",)], ids=" ".join
)
def test_quick_commands_load_nothing_heavy(words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(words=list(words))],
        capture_output=True, text=True, check=True, env={**os.environ, "XLBENCH_PLUGINS": ""},
    )  # fmt: skip
    (loaded,) = re.findall("LOADED (.*)", done.stderr)
    assert HEAVY.isdisjoint(x.split(".")[0] for x in loaded.split())


@pytest.mark.parametrize(
    "what", ["tasks", "models", "probes", "languages", "corpora", "executors", "plugins"]
)
def test_list_gives_json_and_a_table(what: str) -> None:
    rows = json.loads(cold("list", what, "--json").stdout)
    done = cold("list", what)
    assert done.returncode == 0
    assert rows
    for row in rows:
        assert str(row["name"]) in done.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("run", "--task", "po"), ["pos"]),
        (("plan", "--task", "pos,nli,po"), []),  # it is there already
        (("run", "--task", "pos,nli-"), ["pos,nli-americas"]),
        (("run", "--controls", "shuffled,n"), ["shuffled,none"]),
    ],
)
def test_a_shell_completes_names(words: tuple[str, ...], offered: list[str]) -> None:
    done = cold(
        _XLBENCH_COMPLETE="complete_bash",
        COMP_WORDS=" ".join(("xlbench", *words)),
        COMP_CWORD=str(len(words)),
    )
    assert done.stdout.split() == offered


def test_list_languages_of_a_task_and_a_model() -> None:
    everything = json.loads(cold("list", "languages", "--json").stdout)
    rows = json.loads(cold("list", "languages", "--task", "nli", "--model", "xlmr", "--json").stdout)
    found = {x["code"]: x for x in rows}
    assert found.keys() < {x["code"] for x in everything}
    swahili = {"code": "swa", "name": "Swahili", "family": "Niger-Congo", "genus": "Bantu", "script": "Latn"}
    assert found["swa"] == {**swahili, "seen": True, "nli": ["train", "dev", "test"], "text": True}


def test_list_languages_of_several_tasks_by_what_the_model_saw() -> None:
    words = ("list", "languages", "--task", "ner,pos", "--model", "xlmr", "--json")
    every, seen, unseen = (json.loads(cold(*words, *x).stdout) for x in ((), ("--seen",), ("--unseen",)))
    assert len(every) == len(seen) + len(unseen)
    assert {x["seen"] for x in seen} == {True}
    row = next(x for x in unseen if x["code"] == "bam")
    assert (row["ner"], row["pos"]) == ([], ["test"])
    line = cold("list", "languages", "--task", "pos", "--model", "mmbert", "--seen")
    assert (
        line.stderr.strip()
        .splitlines()[-1]
        .endswith("the model mmbert does not say which languages were seen; leave out --seen and --unseen")
    )


def test_list_languages_of_folders(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / "data" / "tha_x").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "tha_x" / f"{name}.conllu").write_text("1\ta\t_\tX\t_\t_\t0\troot\t_\t_\n\n")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "de.txt").write_text("ein Satz\n")
    data = ("--task", "pos", "--data", f"pos={tmp_path / 'data'}", "--text", str(tmp_path / "text"))
    (row,) = json.loads(cold("list", "languages", *data, "--json").stdout)
    assert (row["code"], row["pos"], row["text"]) == ("tha", ["train", "test"], False)


def test_alone_it_says_what_to_do_first() -> None:
    done = xlbench()
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert 3 <= len(lines) <= 5
    assert lines[0].endswith("xlbench run")
    assert max(map(len, lines)) <= 80


COMMANDS = (
    "run", "plan", "fetch", "doctor", "list", "show", "leaderboard", "report", "view", "recommend", "compare",
    "export", "results verify", "results merge", "results gc", "results migrate", "plugin new",
    "plugin check",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_defaults_and_an_example_and_no_type_of_python(command: str) -> None:
    from typer.testing import CliRunner

    from xlbench.cli.app import app

    said, same = (CliRunner().invoke(app, [*command.split(), x]).output for x in ("-h", "--help"))
    assert said == same
    assert not re.search(r"<(bool|path|str|int|float|text|integer)>", said)
    assert re.search(rf"Examples?:\s+xlbench {command}", said)


def test_every_option_that_takes_a_value_says_its_default() -> None:
    import typer

    from xlbench.cli.app import app

    def each(command: Any) -> Any:
        yield from command.params
        for below in getattr(command, "commands", {}).values():
            yield from each(below)

    for option in each(typer.main.get_command(app)):
        takes = option.param_type_name == "option" and not option.is_flag and not option.is_eager
        if takes and not option.required:
            told = option.show_default and option.default not in (None, ())
            assert told or "default" in option.help, option.opts


def test_completion_names_commands_and_loads_nothing_heavy() -> None:
    done = cold(_XLBENCH_COMPLETE="complete_bash", COMP_WORDS="xlbench sh", COMP_CWORD="1")
    assert done.stdout.split() == ["show"]


BAD = {
    "task": (("run", "--task", "nre"), "no task 'nre'; did you mean ner?"),
    "model": (("run", "--model", "mbrt"), "no model 'mbrt'; did you mean mbert"),
    "probe": (("plan", "--probe", "tranfer"), "no probe 'tranfer'; did you mean transfer?"),
    "language": (
        ("plan", "--targets", "finnnish"),
        "'finnnish' is not a language code or name; did you mean fin",
    ),
    "executor": (
        ("run", "--executor", "locale", "--task", "pos"),
        "no executor 'locale'; did you mean local?",
    ),
    "steps": (("run", "--steps", "0"), "steps must be at least 1, not 0"),
    "seeds": (("run", "--seeds", "1,1"), "seed 1 given twice"),
    "option": (("run", "--tasks", "ner"), "No such option"),
    "command": (("rum",), "No such command 'rum'"),
    "value": (("run", "--workers", "0"), "--workers"),
    "choice": (("list", "task"), "'tasks'"),
    "device": (("run", "--device", "gpu"), "no device 'gpu'; name auto, cpu, cuda"),
    "device colon": (("run", "--device", "cpu:"), "no device 'cpu:'"),
    "device of no number": (("plan", "--device", "auto:1"), "no device 'auto:1'"),
    "device number": (("plan", "--device", "cuda:x"), "no device 'cuda:x'"),
    "no such device": (("plan", "--device", "cuda:99"), "device 'cuda:99' cannot be used here"),
    "setting": (("plan", "--option", "transfer.typo=1"), "unknown key options.transfer.typo"),
    "no file": (("run", "nothing.toml"), "nothing.toml: no such study file"),
    "no folder": (("run", "--model", "./nothing"), "nor is it a checkpoint folder"),
    "no study": (("show", "--results", "nothing"), "no results in nothing: no such folder"),
    "no board": (("leaderboard", "--results", "nothing"), "no results in nothing: no such folder"),
    "control": (
        ("plan", "--task", "pos", "--controls", "shufled"),
        "unknown control 'shufled'; did you mean 'shuffled'?",
    ),
    "frozen layer": (
        ("plan", "--task", "pos", "--freeze", "layers:3-9"),
        "mlm.freeze: no layer 9; the model has 2, numbered from 0",
    ),
    "no report": (("report", "--results", "nothing"), "no results in nothing: no such folder"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_gets_one_line_and_2(kind: str, tmp_path: Path) -> None:
    words, expected = BAD[kind]
    done = xlbench(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert expected in done.stderr
    assert all(x.startswith("xlbench: ") for x in done.stderr.splitlines())
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("what", ["tasks", "languages --json"])
def test_a_closed_pipe_is_no_error(what: str, buffered: str) -> None:
    command = f"{sys.executable} -m xlbench.cli list {what} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONUNBUFFERED": buffered, "XLBENCH_PLUGINS": ""},
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 141  # 128 + SIGPIPE, not the 1 of failed jobs


INTERRUPT = """
import sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
from xlbench.cli import main
sys.argv = ["xlbench", "plan", "--task", "pos"]
sys.exit(main())
"""


@pytest.mark.parametrize("name", ["typer", "xlbench.cli.options", "xlbench.cli.running"])
def test_ctrl_c_while_starting_is_no_traceback(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT.format(name=name)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "XLBENCH_PLUGINS": ""},
    )  # fmt: skip
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.fixture(scope="module")
def study(checkpoint: Path) -> list[str]:
    """Seconds of work: one task on the artificial languages, an untrained model."""
    return [
        "--model", str(checkpoint), "--task", "pos", "--data", "pos=artificial", "--text", "artificial",
        "--transfer", "qaa", "--targets", "qaa,qab", "--train-languages", "qaa", "--steps", "1,2",
        "--seeds", "2", "--controls", "shuffled", "--limit", "10", "--mlm", "chunk=16,lines=200",
        "--adapter", "limit=20,epochs=1", "--results", "results",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def ran(study: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A folder in which the study ran, with what it printed."""
    folder = tmp_path_factory.mktemp("ran")
    done = cold("run", *study, "--workers", "1", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout, done.stderr


def test_a_run_ends_with_the_summary_alone(ran: tuple[Path, str, str]) -> None:
    folder, out, errors = ran
    said, blank, *lines = out.splitlines()
    assert (said[:9], blank) == ("9 jobs in", "")
    assert len(lines) <= 10
    assert ": effect in points [95% CI]; ▲ helps ▼ harms" in lines[0]
    assert lines[1].startswith("pos     Warning: The task adapters that are put back score ")  # untrained
    assert any(x.strip().startswith("· none clearly helps ") for x in lines)
    (files,) = [x for x in lines if x.startswith("Files ")]
    assert files.split()[1:] == ["results/report.html;", "results/leaderboard/README.md"]
    assert "</html>" in (folder / "results" / "report.html").read_text()
    assert ".png" in {x.suffix for x in (folder / "results" / "leaderboard" / "pictures").iterdir()}
    (further,) = [x for x in lines if x.startswith("Next ")]
    command = further.split("; ")[0].split()[1:]
    assert command[:2] == ["xlbench", "recommend"]
    assert xlbench(*command[1:], cwd=folder).stdout.strip().startswith("Recommendation: pos on ")
    assert "9 of 9 jobs (100%), done" in errors  # plain lines where there is no terminal


def test_show_gives_the_summary_and_a_quiet_run_nothing_else(
    ran: tuple[Path, str, str], study: list[str]
) -> None:
    lines = ran[1].splitlines(keepends=True)[2:]
    assert xlbench("show", cwd=ran[0]).stdout.splitlines(keepends=True) == lines
    quiet = xlbench("run", *study, "--quiet", cwd=ran[0])
    assert (quiet.stdout.splitlines(keepends=True), quiet.stderr) == (lines, "")


def test_show_has_details_by_task_probe_and_title(ran: tuple[Path, str, str]) -> None:
    titles = xlbench("show", "--list", cwd=ran[0]).stdout
    assert "transfer pos\n" in titles
    assert "  Best transfer language for each target (effect), 2 steps\n" in titles
    whole = xlbench("show", "--table", "all", cwd=ran[0]).stdout
    pos = xlbench("show", "--task", "pos", "--probe", "transfer", cwd=ran[0]).stdout
    one = xlbench("show", "--table", "best  TRANSFER", cwd=ran[0]).stdout
    assert "Transfer: pos" in pos
    assert "Zero-shot accuracy" in whole
    assert "Zero-shot accuracy" not in pos
    assert "Clearly helped" in pos
    assert "Best transfer language for each target" in one
    assert "Targets by recipience" not in one
    assert "Clearly helped" not in one
    for words, says in (
        (("--task", "poss"), "no pages of the task 'poss'; did you mean 'pos'?"),
        (("--probe", "nothing"), "no pages of the probe 'nothing'; known are"),
        (("--table", "nothing"), "no table there has 'nothing' in its title; see all titles: xlbench show"),
    ):
        done = xlbench("show", *words, cwd=ran[0])
        assert (done.returncode, done.stdout) == (2, "")
        assert says in done.stderr


def test_view_serves_the_report_to_this_machine_until_ctrl_c(ran: tuple[Path, str, str]) -> None:
    command = warm.Command(["view", "--no-open"], ran[0])
    while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/", command.stdout)):
        assert command.wait(0.05) is None, command.stderr
    with urllib.request.urlopen(found[0]) as answer:  # noqa: S310 - our own address
        assert "</html>" in answer.read().decode()
    for address, host in ((f"{found[0]}results/adapters", None), (found[0], "another.example:80")):
        asked = urllib.request.Request(address, headers={"Host": host} if host else {})  # noqa: S310
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked)  # noqa: S310 - the same
        assert refused.value.code == (403 if host else 404)
    command.send(signal.SIGINT)
    assert command.wait(30) == 0
    assert "Traceback" not in command.stderr


def test_answers_are_json_alone_where_that_is_asked(ran: tuple[Path, str, str]) -> None:
    def asked(*words: str) -> Any:
        return json.loads(xlbench(*words, "--json", cwd=ran[0]).stdout)

    summary, pages, titles = asked("show"), asked("show", "--task", "pos"), asked("show", "--list")
    advice = asked(*summary["commands"][0].split()[1:])
    assert summary["findings"][0]["verdict"] == "no clear effect"
    assert "".join(f"{x['label']}{x['text']}" for x in summary["lines"])
    tables = {x["title"]: x for page in pages["pages"] for x in page["tables"]}
    assert {x["table"] for x in titles["tables"] if x["task"] == "pos"} >= set(tables)
    best = tables["Best transfer language for each target (effect), 2 steps"]
    place = best["columns"].index("Own text")
    assert any(isinstance(row[place], dict) and "low" in row[place] for row in best["rows"])
    assert [x["probe"] for x in advice["pages"]] == ["transfer"]


def test_the_same_again_runs_nothing(ran: tuple[Path, str, str], study: list[str]) -> None:
    folder = ran[0]
    files = {x: x.stat().st_mtime_ns for x in (folder / "results" / "jobs").iterdir()}
    done = xlbench("run", *study, cwd=folder)
    assert done.returncode == 0
    assert "0 jobs in" in done.stdout
    assert "9 were done before" in done.stdout
    assert {x: x.stat().st_mtime_ns for x in (folder / "results" / "jobs").iterdir()} == files


def test_the_saved_study_and_the_command_ask_the_same(ran: tuple[Path, str, str]) -> None:
    folder = ran[0]
    (saved,) = (folder / "results").glob("studies/*/study.toml")
    done = xlbench("plan", str(saved), cwd=folder)
    assert re.search(r"to run +0\n", done.stdout)
    (line,) = re.findall(r"command +xlbench (.*)", done.stdout)
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m xlbench.cli plan {line.removeprefix('run ')}"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert re.search(r"jobs +9 \(1 zero-shot, 8 transfer\)", done.stdout)
    assert re.search(r"to run +0\n", done.stdout)


def test_plan_estimates_from_stored_timings_or_a_calibration(
    ran: tuple[Path, str, str], study: list[str], tmp_path: Path
) -> None:
    done = xlbench("plan", *study, "--seeds", "3", cwd=ran[0])  # the seeds 2 and 3
    assert re.search(r"to run +8\n", done.stdout)
    assert re.search(r"time +about \d+ s with \d workers? \(by stored timings\)", done.stdout)
    again = json.loads(xlbench("plan", *study, "--seeds", "3", "--json", cwd=ran[0]).stdout)
    assert (again["to_run"], again["jobs"], again["seconds_known_by"]) == (
        8, {"zero-shot": 1, "transfer": 8}, "stored timings",
    )  # fmt: skip
    assert f"time       about {duration(again['seconds'])} with" in done.stdout
    assert f"disk       about {size(again['disk'])}\n" in done.stdout
    assert f"command    {again['command']}\n" in done.stdout
    done = xlbench("plan", *study, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"to run +9\n", done.stdout)
    assert "(by a short calibration)" in done.stdout
    assert re.search(r"disk +about \d+ kB", done.stdout)
    assert re.search(r"memory +at least \d+\.\d MB per worker, and what a batch takes", done.stdout)
    assert list(tmp_path.iterdir()) == []  # planning writes nothing


def test_a_damaged_result_is_named_and_made_again(
    ran: tuple[Path, str, str], study: list[str], tmp_path: Path
) -> None:
    shutil.copytree(ran[0], tmp_path, dirs_exist_ok=True)
    path = max((tmp_path / "results" / "jobs").iterdir(), key=lambda x: x.stat().st_size)
    before = scores(tmp_path)
    path.write_bytes(path.read_bytes()[:-9])
    planned = xlbench("plan", *study, cwd=tmp_path)
    name = str(path.relative_to(tmp_path))
    assert planned.stderr == (
        f"xlbench: corrupted file {name} (it was cut off, overwritten, or is no results file) ignored; "
        "its job will run again, and the file is moved to aside/\n"
    )
    assert "to run     1\n" in planned.stdout
    for words in (("show",), ("leaderboard", "--out", "boards")):
        shown = xlbench(*words, cwd=tmp_path)
        assert shown.returncode == 0
        assert re.search(rf"corrupted file {name} \(.*\) ignored; run the study again\n", shown.stderr)
    again = xlbench("run", *study, "--workers", "1", cwd=tmp_path)
    assert (again.returncode, "1 job in" in again.stdout) == (0, True)
    assert scores(tmp_path) == before
    assert xlbench("show", cwd=tmp_path).stderr == ""
    assert len(list((tmp_path / "results" / "aside").iterdir())) == 1


def test_a_damaged_result_that_nothing_needs_is_named_where_all_is_asked_for(
    ran: tuple[Path, str, str], study: list[str], tmp_path: Path
) -> None:
    shutil.copytree(ran[0], tmp_path, dirs_exist_ok=True)
    path = tmp_path / "results" / "jobs" / f"{'a' * 40}-{'b' * 12}.parquet"
    path.write_bytes(b"")
    done = xlbench("run", *study, "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    done = xlbench("export", cwd=tmp_path)
    name = path.relative_to(tmp_path)
    assert done.stderr == f"xlbench: corrupted file {name} (it is empty) ignored; run its study again\n"
    with pytest.warns(UserWarning, match=r"corrupted file .* \(it is empty\) ignored; run its study again"):
        assert len(load_results(tmp_path / "results")) == done.stdout.count("\n") - 1
    assert path.exists()


def test_errors_of_failed_jobs_are_shown_with_their_traceback(
    ran: tuple[Path, str, str], tmp_path: Path
) -> None:
    shutil.copytree(ran[0], tmp_path, dirs_exist_ok=True)
    store = Store(tmp_path / "results")
    job = store.study().jobs[-1]
    for path in store.jobs.glob(f"{job.condition_key}*"):
        path.unlink()
    try:
        {}["missing"]
    except KeyError as error:
        store.write_failure(job, error, {"plugins": {"probe transfer": "transfer (xlbench 9.9)"}})
    done = xlbench("show", "--errors", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith(f"{job.label}: KeyError: 'missing'\n")
    assert "probe transfer: transfer (xlbench 9.9)" in done.stdout
    assert '{}["missing"]' in done.stdout
    assert done.stdout.endswith(f"1 job failed in study {store.study().id}\n")
    (row,) = json.loads(xlbench("show", "--errors", "--json", cwd=tmp_path).stdout)["failed"]
    assert (row["job"], row["type"], row["message"]) == (job.label, "KeyError", "'missing'")


def test_a_finished_study_on_a_read_only_disk_is_shown_and_run(
    ran: tuple[Path, str, str], study: list[str], tmp_path: Path
) -> None:
    """The operating system's refusal is made up, for tests may run as a user that may write everywhere."""
    shutil.copytree(ran[0], tmp_path, dirs_exist_ok=True)
    (tmp_path / "sitecustomize.py").write_text(
        "import errno\nfrom xlbench.files import disk\n"
        "def put(path, content):\n    raise OSError(errno.EROFS, 'Read-only file system', str(path))\n"
        "disk.put = put\n"
    )
    before = {x: x.stat().st_mtime_ns for x in (tmp_path / "results").rglob("*")}
    for words in (("show",), ("run", *study, "--quiet")):
        done = cold(*words, cwd=tmp_path, PYTHONPATH=str(tmp_path))
        assert done.returncode == 0, done.stderr
    assert {x: x.stat().st_mtime_ns for x in (tmp_path / "results").rglob("*")} == before
    assert "read-only disk" in done.stderr


def test_chunks_longer_than_the_model_takes_are_named(ran: tuple[Path, str, str], study: list[str]) -> None:
    longer = [x.replace("chunk=16", "chunk=49") for x in study]
    done = xlbench("plan", *longer, cwd=ran[0])
    said = "mlm.chunk 49 exceeds the model's maximum input length; chunks of 48 tokens are used"
    assert done.stderr == f"xlbench: {said}\n"


def test_a_broken_study_is_named_and_another_shown(ran: tuple[Path, str, str], tmp_path: Path) -> None:
    shutil.copytree(ran[0], tmp_path, dirs_exist_ok=True)
    broken = tmp_path / "results" / "studies" / "0123456789ab"
    broken.mkdir()
    (broken / "plan.json").write_text("{")
    (broken / "study.toml").write_text("")
    done = xlbench("show", cwd=tmp_path)
    assert done.returncode == 0
    assert "none clearly helps" in done.stdout
    assert re.fullmatch(r"xlbench: cannot read the study in results/studies/0123456789ab; .*\n", done.stderr)


def test_a_leaderboard_over_a_file_names_it(ran: tuple[Path, str, str], tmp_path: Path) -> None:
    (tmp_path / "boards").write_text("mine")
    done = xlbench("leaderboard", "--out", str(tmp_path / "boards"), cwd=ran[0])
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert str(tmp_path / "boards") in line
    assert "--out" in line
    assert (tmp_path / "boards").read_text() == "mine"


def scores(folder: Path) -> dict[tuple[str, ...], float]:
    frame = load_results(folder / "results").astype(object)
    keys = [
        "probe",
        "target",
        "condition.text.language",
        "condition.variant",
        "condition.steps",
        "condition.seed",
    ]
    return {tuple(map(str, row[keys])): row["score"] for _, row in frame.iterrows()}


def test_show_and_leaderboard(ran: tuple[Path, str, str], tmp_path: Path) -> None:
    folder = ran[0]
    assert "Zero-shot" in xlbench("show", "--table", "all", cwd=folder).stdout
    done = xlbench("leaderboard", "--out", str(tmp_path / "boards"), "--json", cwd=folder)
    assert done.returncode == 0
    assert {Path(x) for x in json.loads(done.stdout)["files"]} == {
        x for x in (tmp_path / "boards").rglob("*") if x.is_file()
    }
    text = next((tmp_path / "boards").glob("transfer-pos-*.md")).read_text()
    assert "xlbench run --model" in text
    assert "transfer (xlbench " in text  # which plugin made it


def test_report_writes_one_file_where_it_is_told(ran: tuple[Path, str, str], tmp_path: Path) -> None:
    out = tmp_path / "below" / "page.html"
    done = xlbench("report", "--out", str(out), cwd=ran[0])
    assert done.returncode == 0
    assert done.stderr in ("", "writing the report ...\n")
    assert done.stdout.startswith(f"report       {out}")
    assert [x.name for x in out.parent.iterdir()] == ["page.html"]
    assert "transfer" in out.read_text()


def test_one_page_is_no_pages(ran: tuple[Path, str, str], study: list[str], tmp_path: Path) -> None:
    shutil.copytree(ran[0], tmp_path, dirs_exist_ok=True)
    done = xlbench("run", *study, "--probe", "zero-shot", cwd=tmp_path)  # stored already
    assert "0 jobs in" in done.stdout
    done = xlbench("leaderboard", cwd=tmp_path)
    assert "leaderboards/README.md (1 page)\n" in done.stdout


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(study: list[str], tmp_path: Path) -> None:
    command = warm.Command(["run", *study, "--steps", "5000", "--workers", "2"], tmp_path)
    while " of " not in command.stderr:  # the first job is stored
        assert command.wait(0.05) is None
    command.send(signal.SIGINT)
    assert command.wait(30) == 130
    errors = command.stderr
    assert "stopped; what is done is kept, and the same command goes on: xlbench run" in errors
    assert "Traceback" not in errors
    assert list((tmp_path / "results" / "jobs").glob("*.parquet"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_output_to_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "xlbench.cli", "list", "tasks"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "XLBENCH_PLUGINS": ""},
        )  # fmt: skip
    assert done.returncode == 2
    assert re.fullmatch(r"xlbench: the disk is full; free some space .*\n", done.stderr)
