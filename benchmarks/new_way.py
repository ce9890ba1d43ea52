"""A study as xlbench runs it, in a process of its own: planned, done and stored, without reports."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from xlbench import api
from xlbench.study import parse


def main() -> None:
    """Run the study of the JSON file named on the command line. Ends with 1 where a job failed."""
    said = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    done = api.run(parse(said["study"]), results=said["results"], device="cpu", workers=1)
    for label, error in done.failed.items():
        print(f"{label}: {error}")
    sys.exit(bool(done.failed))


if __name__ == "__main__":
    main()
