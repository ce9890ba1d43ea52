"""How much the settings of a transfer study matter: one study per setting, all else alike.

    python -m benchmarks.sensitivity --results DIR [--out LEADERBOARDS] [--plan] [--only "NAME;..."]

prints the commands of the sweep and runs them one after the other (with `--plan`: says what each costs), each
with the settings of `BASE` but for one, then puts the studies side by side (`xlbench compare`). A sweep that
was stopped goes on where it was. Transfer and target languages are unseen ones of `tiny`: two sisters (Toruk
and Turoki) and one that is unrelated to both (Kiral).
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from xlbench.results import Store

LANGUAGES = "qag,qah,qap"
SEEN = ("qaa", "qae", "qam", "qab", "qad", "qaf", "qai", "qaj", "qak", "qan")
EXAMPLES = 900
"""Training examples of a task adapter, of all its languages together."""
BASE = {
    "learning rate": "5e-4",
    "chunk": "64",
    "breadth": "10",
    "reduction factor": "16",
    "task adapters": "1",
}
OTHERS = (
    ("learning rate", "5e-5"),
    ("chunk", "24"),
    ("breadth", "3"),
    ("reduction factor", "4"),
    ("learning rate", "2e-3"),
    ("breadth", "1"),
    ("reduction factor", "64"),
)


def settings() -> dict[str, dict[str, str]]:
    """By name, what each study of the sweep has; the base comes first."""
    found = {"base": BASE} | {f"{what} {value}": {**BASE, what: value} for what, value in OTHERS}
    large = "reduction factor 4"
    return found | {f"{large}, three task adapters": {**found[large], "task adapters": "3"}}


def command(how: dict[str, str], results: str, verb: str = "run") -> list[str]:
    """The `xlbench` line of one study."""
    breadth = int(how["breadth"])
    adapter = {
        "limit": EXAMPLES // breadth,
        "examples": "none",
        "epochs": 3,
        "learning_rate": "5e-3",
        "batch_size": 32,
        "reduction_factor": how["reduction factor"],
    }
    return [
        "xlbench", verb, "--model", "tiny", "--probe", "transfer", "--task", "pos",
        "--transfer", LANGUAGES, "--targets", LANGUAGES, "--train-languages", ",".join(SEEN[:breadth]),
        "--steps", "100", "--seeds", "3", "--adapter-seeds", how["task adapters"],
        "--readings", "put-back,retrained", "--retraining", "warm_start_steps=none",
        "--controls", "shuffled", "--limit", "200",
        "--mlm", f"learning_rate={how['learning rate']},chunk={how['chunk']},lines=2000",
        "--adapter", ",".join(f"{key}={value}" for key, value in adapter.items()),
        "--workers", "1", "--results", results,
    ]  # fmt: skip


def main() -> None:
    """Run the sweep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", required=True)
    parser.add_argument("--out", help="folder for the page that has them side by side")
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--only", default=";".join(settings()))
    given = parser.parse_args()
    made = []
    for name in given.only.split(";"):
        print(f"# {name}", flush=True)
        _do(command(settings()[name], given.results, "plan" if given.plan else "run"), quiet=not given.plan)
        if not given.plan:
            made.append(Store(Path(given.results)).study().id)
    if len(made) > 1:
        out = ["--out", given.out] if given.out else []
        _do(["xlbench", "compare", *made, "--results", given.results, *out])


def _do(line: list[str], *, quiet: bool = False) -> None:
    print(shlex.join(line), flush=True)
    more = ["--quiet"] if quiet else []
    subprocess.run([sys.executable, "-m", "xlbench.cli", *line[1:], *more], check=True)


if __name__ == "__main__":
    main()
