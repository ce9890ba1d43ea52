"""A study of many jobs without a model, on a Ray cluster: `python stubbed_study.py RESULTS ADDRESS`."""

import sys
from pathlib import Path

from benchmarks.stub_work import Stub
from xlbench.contracts import Cell, Job
from xlbench.results import Store
from xlbench.running.executors.ray_cluster import Ray, Settings
from xlbench.running.outcomes import outcomes

CELLS = tuple(Cell("t", f"qa{x}", f"data {x}") for x in "abcdefgh")
JOBS = [Job("p", 1, {"number": n}, CELLS, f"job {n}", group=f"group {n // 4}") for n in range(600)]


def main(results: str, address: str) -> None:
    """Do it with two workers."""
    store = Store(Path(results))
    store.prepare()
    how = Settings(address=address)
    ended = list(outcomes(Ray(), JOBS, Stub(results), lambda event: None, 2, store, how))
    assert sorted(x.job.label for x in ended) == sorted(x.label for x in JOBS)
    assert not any(x.error for x in ended)


if __name__ == "__main__":
    main(*sys.argv[1:])
