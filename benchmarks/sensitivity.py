"""How much the settings of a transfer study matter: one study per setting, all else alike.

    python -m benchmarks.sensitivity --results DIR [--plan] [--only NAME,...]

prints the commands of the sweep and runs them one after the other (with `--plan`: says what each costs), each
with the settings of `BASE` but for one. A sweep that was stopped goes on where it was. Donors and targets are
unseen languages of `tiny`: two sisters (Toruk and Turoki) and one that is unrelated to both (Kiral).
`xlbench compare` shows the studies side by side.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys

LANGUAGES = "qag,qah,qap"
SEEN = ("qaa", "qae", "qam", "qab", "qad", "qaf", "qai", "qaj", "qak", "qan")
EXAMPLES = 900
"""Training examples of a task adapter, of all its languages together."""
BASE = {"learning rate": "5e-4", "chunk": "64", "breadth": "10", "reduction factor": "16"}
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
    return {"base": BASE} | {f"{what} {value}": {**BASE, what: value} for what, value in OTHERS}


def command(how: dict[str, str], results: str, verb: str = "run") -> list[str]:
    """The `xlbench` line of one study."""
    breadth = int(how["breadth"])
    adapter = {
        "limit": EXAMPLES // breadth,
        "epochs": 3,
        "learning_rate": "5e-3",
        "batch_size": 32,
        "reduction_factor": how["reduction factor"],
    }
    return [
        "xlbench", verb, "--model", "tiny", "--probe", "transfer", "--task", "pos",
        "--transfer", LANGUAGES, "--targets", LANGUAGES, "--train-languages", ",".join(SEEN[:breadth]),
        "--steps", "100", "--seeds", "3", "--readings", "put-back,retrained", "--controls", "shuffled",
        "--limit", "200",
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
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--only", default=",".join(settings()))
    given = parser.parse_args()
    for name in given.only.split(","):
        line = command(settings()[name], given.results, "plan" if given.plan else "run")
        print(f"# {name}\n{shlex.join(line)}", flush=True)
        subprocess.run(
            [sys.executable, "-m", "xlbench.cli", *line[1:], *([] if given.plan else ["--quiet"])], check=True
        )


if __name__ == "__main__":
    main()
