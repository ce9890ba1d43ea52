"""Faults in every hook and every method of a plugin, one at a time, and what the user is told and keeps.

    python tests/plugin_faults.py [TABLE.md] [WORD ...]

runs them all, or those whose name has a word in it, and writes the table.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import warm

HERE = Path(__file__).resolve().parent
PLUGIN = HERE / "packages" / "faulty" / "faulty_plugin.py"
NEARBY = HERE.parent / "examples" / "xlbench-nearby" / "src"
FAULTS = ("raise", "wrong", "nothing", "enormous", "print", "exit", "hang")
SMALL = (
    "--model", "tiny", "--targets", "qaa,qab", "--train-languages", "qaa", "--limit", "4",
    "--adapter", "epochs=1", "--adapter", "limit=8", "--adapter-seeds", "1", "--data", "pos=artificial",
)  # fmt: skip
TEXT = (
    "--transfer", "qag", "--seeds", "1", "--steps", "1", "--readings", "put-back",
    "--mlm", "chunk=16", "--mlm", "batch_size=2", "--mlm", "lines=40",
)  # fmt: skip
ZERO = ("--probe", "zero-shot", "--task", "pos")
LANGUAGE = (
    "--language-training", "steps=1", "--language-training", "chunk=16",
    "--language-training", "batch_size=2", "--language-training", "lines=40",
)  # fmt: skip
HOOKS = (
    "xlbench_tasks", "xlbench_task_data", "xlbench_corpora", "xlbench_languages", "xlbench_distances",
    "xlbench_models", "xlbench_probes", "xlbench_executors", "xlbench_observers", "xlbench_kinds",
    "xlbench_objectives", "xlbench_adapters", "xlbench_compositions", "xlbench_treatments",
)  # fmt: skip
STUDIES: dict[str, tuple[str, ...]] = {
    "import": (*ZERO, "--text", "artificial"),
    **dict.fromkeys(HOOKS, (*ZERO, "--text", "artificial")),
    "task": ("--probe", "zero-shot", "--task", "pos,faulty-task", "--text", "artificial"),
    "probe": (*ZERO, "--probe", "faulty-probe", "--text", "artificial"),
    "corpus": (*ZERO, "--probe", "transfer", "--text", "faulty-text", "--controls", "none", *TEXT),
    "objective": (
        *ZERO, "--probe", "transfer", "--text", "artificial", "--controls", "none", *TEXT,
        "--mlm", "objective=faulty-objective",
    ),
    "treatment": (
        *ZERO, "--probe", "transfer", "--text", "artificial", "--controls", "faulty-treatment", *TEXT
    ),
    "adapter": (
        *ZERO, "--probe", "stacking", "--text", "artificial", *TEXT, *LANGUAGE,
        "--language-adapter-kind", "faulty-adapter",
    ),
    "composition": (
        *ZERO, "--probe", "interference", "--text", "artificial", "--transfer", "qag,qah", *TEXT[2:],
        "--targets", "qag,qah",
        *LANGUAGE, "--option", "interference.mixes=faulty-composition,average",
    ),
    "executor": (*ZERO, "--text", "artificial", "--executor", "faulty-executor"),
    "observer": (*ZERO, "--text", "artificial", "--observer", "faulty-observer"),
    "architecture": (*ZERO, "--text", "artificial", "--model", "faulty-model"),
}  # fmt: skip
"""The study that uses a part of the plugin, by the first word of a place."""
PLACES = (
    "import", *HOOKS, "task.folder",
    *(f"data.{x}" for x in ("languages", "fingerprint", "examples")),
    *(f"example.{x}" for x in ("sentences", "fault")), "metric.count", "metric.score",
    *(f"kind.{x}" for x in ("load", "encode", "add_head", "targets", "loss", "places", "answers", "predicted",
                            "baseline")),
    *(f"corpus.{x}" for x in ("languages", "fingerprint", "lines")),
    *(f"probe.{x}" for x in ("jobs", "run", "pages", "frames")),
    *(f"objective.{x}" for x in ("load", "batches", "loss")),
    *(f"treatment.{x}" for x in ("load", "treat")), *(f"adapter.{x}" for x in ("load", "configuration")),
    *(f"composition.{x}" for x in ("load", "beneath")), "executor.run",
    *(f"observer.{x}" for x in ("observe", "tell")), "architecture.load",
)  # fmt: skip
OF_TASK = ("task", "data", "example", "metric", "kind")
NONE_IS_RIGHT = frozenset({"import", "observer.tell", "kind.add_head"})
"""Where a plugin gives nothing, so that other values are passed over."""


@dataclass(frozen=True)
class Case:
    """A fault in one place."""

    place: str
    fault: str

    @property
    def name(self) -> str:
        return f"{self.place}:{self.fault}"

    @property
    def study(self) -> tuple[str, ...]:
        first = self.place.partition(".")[0]
        words = STUDIES["task" if first in OF_TASK else first]
        model = () if "faulty-model" in words else SMALL[:2]
        words = (*model, *SMALL[2:], *words)
        if self.place == "task.folder":
            words = (*words, "--data", f"faulty-task={HERE}")
        return words


@dataclass(frozen=True)
class Result:
    """What came of it."""

    case: Case
    code: int
    said: str
    """The line that names the plugin; empty where none does."""
    others: bool
    """Whether the jobs that do not use the plugin have ended well."""
    stored: int
    """Files of results, all of which `xlbench results verify` has passed."""
    faults: tuple[str, ...]
    """What should not be."""

    @property
    def verdict(self) -> str:
        """In a few words."""
        if self.case.fault == "hang":
            return "interrupted, culprit named" if self.said else "interrupted"
        if self.code == 2:
            return "refused before the run"
        if self.code == 1:
            return "its jobs failed, others done"
        return "reported, all done" if self.said else "all done"


ENDLESS = (
    "xlbench_tasks", "data.languages", "data.examples", "corpus.languages", "corpus.lines", "probe.jobs",
    "probe.run", "probe.pages", "probe.frames",
)  # fmt: skip
"""Where something enormous is a sequence without end; elsewhere, a text of 30 MB."""
EVERYWHERE = (
    "import", "xlbench_tasks", "data.examples", "probe.jobs", "probe.run", "probe.pages", "kind.loss",
    "treatment.treat", "executor.run", "observer.tell",
)  # fmt: skip
"""One place in each stretch of a run, where every fault is tried."""


def meaningless(place: str, fault: str) -> bool:
    """Whether a fault is none in a place, or the same as another."""
    if place == "import":
        return fault in ("wrong", "nothing", "enormous")
    return fault == "enormous" and place not in (*ENDLESS, *EVERYWHERE, *HOOKS)


def cases() -> Iterator[Case]:
    """All of them: each place with each fault that is one there."""
    for place in PLACES:
        for fault in FAULTS:
            if meaningless(place, fault):
                continue
            usual = fault in ("raise", "wrong", "nothing") or (fault == "exit" and place not in HOOKS)
            if usual or place in EVERYWHERE or (fault == "enormous" and place in ENDLESS):
                yield Case(place, fault)


def site(folder: Path) -> Path:
    """The plugin, installed into a folder, beside the model of an example."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "faulty_plugin.py").write_bytes(PLUGIN.read_bytes())
    info = folder / "xlbench_faulty-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: xlbench-faulty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[xlbench]\nfaulty = faulty_plugin\n")
    return folder


def run(case: Case, installed: Path, folder: Path) -> Result:
    """Run the study of a case as users do, and see what is left."""
    results, mark = folder / "results", folder / "mark"
    path = os.pathsep.join((str(installed), str(NEARBY), os.environ.get("PYTHONPATH", "")))
    environment = {
        "PYTHONPATH": path, "XLBENCH_FAULT": case.name, "XLBENCH_FAULT_MARK": str(mark),
        "XDG_CACHE_HOME": str(folder / "cache"), "COLUMNS": "1000",
    }  # fmt: skip
    verb = ("plan",) if case.place in HOOKS else ("run", "--workers", "1")
    commands = [(*verb, *case.study, "--results", str(results))]
    if case.place == "probe.frames":  # which a run does not ask for
        asked = "faulty" if case.fault == "enormous" else "zero_shot"
        commands += [("export", "--results", str(results), "--what", asked, "--format", "json")]
    code, told = 0, ""
    for words in commands:
        command = warm.Command(words, cwd=folder, **environment)
        while command.wait(0.05 if case.fault == "hang" else None) is None:
            if mark.exists():
                command.send(signal.SIGINT)
                mark.unlink()
        assert command.returncode is not None
        code = command.returncode if words[0] != "export" or asked == "zero_shot" else code
        told += command.stderr + command.stdout
    if case.place == "import" or case.place in HOOKS:
        environment["XLBENCH_FAULT_MARK"] = str(mark)
        told += "" if case.fault == "hang" else warm.run("list", "plugins", **environment).stdout
    return _judged(case, code, told, results)


def _judged(case: Case, code: int, told: str, results: Path) -> Result:
    lines = [x.partition("; to try again")[0].partition("; what is done")[0] for x in told.splitlines()]
    said = [x for x in lines if x.startswith(("xlbench: ", "failed: ", "faulty "))]
    named = [
        x
        for x in said
        if ("faulty" in x or "architecture 'nearby'" in x) and "are in the training data too" not in x
    ]
    stored = [*results.rglob("jobs/**/*.parquet")] if results.exists() else []
    good = [x for x in stored if ".failed" not in x.name]
    faults = []
    if "Traceback" in told:
        faults.append("a traceback")
    harmless = case.fault == "print" or (case.fault in ("wrong", "enormous") and case.place in NONE_IS_RIGHT)
    harmless |= case.fault == "nothing" and case.place in (*NONE_IS_RIGHT, "example.fault")
    if not named and not harmless:
        faults.append("nobody is named")
    if max(map(len, told.splitlines()), default=0) > 2000:
        faults.append("a line of more than 2,000 characters")
    if stored and warm.run("results", "verify", str(results)).returncode:
        faults.append("results are not whole")
    if code not in (0, 1, 2, 130):
        faults.append(f"exit code {code}")
    others = bool(good)
    if code in (0, 1) and not others and case.place not in HOOKS:
        faults.append("jobs of others are missing")
    if case.fault == "print" and code != 0:
        faults.append(f"exit code {code} for a print")
    return Result(case, code, _short(named[-1] if named else ""), others, len(stored), tuple(faults))


def _short(line: str) -> str:
    line = " ".join(line.replace("|", "/").split())
    return line if len(line) < 240 else f"{line[:236]} ..."


def page(found: Sequence[Result]) -> str:
    """As Markdown: a row per place, a column per fault."""
    rows: dict[str, dict[str, Result]] = {}
    for one in found:
        rows.setdefault(one.case.place, {})[one.case.fault] = one
    lines = [f"| place | {' | '.join(FAULTS)} |", f"|---|{'---|' * len(FAULTS)}"]
    for place, row in rows.items():
        cells = []
        for fault in FAULTS:
            one = row.get(fault)
            wrong = f" **{'; '.join(one.faults)}**" if one is not None and one.faults else ""
            none = "no meaning" if meaningless(place, fault) else ""
            cells.append(none if one is None else one.verdict + wrong)
        lines.append(f"| `{place}` | {' | '.join(cells)} |")
    wrong = sum(bool(x.faults) for x in found)
    whole = sum(1 for _ in cases())
    done = "One run" if len(found) == whole else f"{len(found)} of {whole} faults"
    ends = "none ended" if not wrong else f"{wrong} ended"
    said = f"{done} at commit {commit()}: {len(found)} faults, of which {ends} otherwise than said above."
    return INTRODUCTION + said + "\n\n" + "\n".join(lines) + "\n"


def commit() -> str:
    """What was run, and whether files of it had been changed."""
    said = [
        subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()
        for words in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
    ]
    return said[0] + (" with changes" if said[1] else "")


INTRODUCTION = """# What a faulty plugin can do

Every hook and every method of a plugin was made to misbehave, one at a time, in an installed package beside
the built-in plugins: it raises an error; gives a value of the wrong type, nothing, or something enormous (a
sequence without end, or a text of 30 MB); prints; ends the process (`sys.exit(0)`); or hangs, until Ctrl-C.
For each, a study was run that uses that part of the plugin beside built-in ones; for each hook, a study was
planned that uses nothing of the plugin. Made by `python tests/plugin_faults.py
docs/explanation/plugin-faults.md`, in one process per study, each forked from one that has imported xlbench;
the same cases are slow tests.

- **reported, all done**: the plugin, or the part that is wrong, is left out and named by `xlbench list
  plugins`, or during the run; everything else works.
- **refused before the run**: one line names the plugin's task, data, text or probe and what is wrong; nothing
  was run or written.
- **its jobs failed, others done**: each failed job says which part of which plugin failed; jobs of others
  ended well, and `xlbench results verify` finds all files whole.
- **interrupted, culprit named**: Ctrl-C ends the run, names the plugin and line that it was in, and keeps
  what is done.
- **all done**: nothing is wrong, such as where a plugin prints.

Where a cell says "no meaning", that fault is none there: an import gives no value, and where one value is
given, something enormous is a value of the wrong type. A cell is empty where another place stands for it: all
hooks are called by one function, which `xlbench_tasks` shows whole, and each stretch of a run has one place
that prints and hangs.

"""


def main(words: Sequence[str]) -> int:
    """Run the cases that are asked for."""
    out = Path(words[0]) if words and words[0].endswith(".md") else None
    asked = [x for x in words if not x.endswith(".md")]
    found = []
    warm.prime("primed")
    with tempfile.TemporaryDirectory() as top:
        installed = site(Path(top) / "site")
        for case in cases():
            if asked and not any(x in case.name for x in asked):
                continue
            folder = Path(top) / case.name.replace(":", "-")
            folder.mkdir()
            start = time.monotonic()
            one = run(case, installed, folder)
            found.append(one)
            took = f"{time.monotonic() - start:5.1f} s"
            print(f"{case.name:32} {one.code:4} {took}  {'; '.join(one.faults):40} {one.said}", flush=True)
            if out is not None:
                out.write_text(page(found), "utf-8")
    return any(x.faults for x in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
