"""What an executor costs at the paper's size: 1,520 conditions with 462 cells each, no model in them.

    python -m benchmarks.executors [--executors local,ray,slurm] [--conditions 1520] [--cells 462]

Workers store a result of random counts for every job, as real ones do; what is measured is the process that
hands out the jobs. Its processor time is given per job, its memory as the peak in MiB resident, beside that
of the same process before the first job. Ray and Slurm (submitit's executor for one machine) are left out
where their packages are missing. Jobs are in groups of four, as one fine-tuning serves four tasks.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import tempfile
import time
from pathlib import Path

from tabulate import tabulate

from benchmarks.machine import REPOSITORY, describe
from benchmarks.stub_work import Stub
from xlbench.contracts import Cell, Executor, Job
from xlbench.contracts.settings import make
from xlbench.results import Store
from xlbench.running.executors.local import Local
from xlbench.running.executors.ray_cluster import Ray
from xlbench.running.executors.slurm import Slurm
from xlbench.running.outcomes import outcomes

EXECUTORS: dict[str, tuple[Executor, dict[str, str], str]] = {
    "local": (Local(), {}, "xlbench"),
    "ray": (Ray(), {}, "ray"),
    "slurm": (Slurm(), {"cluster": "local"}, "submitit"),
}
"""By name: with its settings, and the package that it needs."""
GROUP = 4


def measure(
    name: str, conditions: int, cells: int, workers: int
) -> tuple[str, int, float, float, float, float]:
    """Name, jobs, seconds in all, milliseconds of the driver's processor a job, peak and first memory."""
    executor, said, _ = EXECUTORS[name]
    where = tuple(
        Cell("t", f"q{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}", f"data {n}") for n in range(cells)
    )
    jobs = [
        Job("p", 1, {"number": n}, where, f"job {n}", group=f"group {n // GROUP}") for n in range(conditions)
    ]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder).absolute())
        store.prepare()
        settings = make(executor.settings, said) if executor.settings is not None else None
        before, start, cpu = _peak(), time.perf_counter(), time.process_time()
        ended = list(
            outcomes(executor, jobs, Stub(str(store.path)), lambda event: None, workers, store, settings)
        )
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        if len({x.job.identity for x in ended}) != conditions or any(x.error for x in ended):
            raise RuntimeError(f"{name}: {len(ended)} of {conditions} jobs ended well")
        return name, conditions, seconds, 1000 * cpu / conditions, _peak(), before


def _peak() -> float:
    """Of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure one executor after the other, each in a process of its own, and print the table."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    parser = argparse.ArgumentParser()
    parser.add_argument("--executors", default=",".join(EXECUTORS))
    parser.add_argument("--conditions", type=int, default=1520)
    parser.add_argument("--cells", type=int, default=462)
    parser.add_argument("--workers", type=int, default=2)
    said = parser.parse_args()
    os.environ["PYTHONPATH"] = str(REPOSITORY)  # where workers find the stub
    rows = []
    for name in said.executors.split(","):
        if importlib.util.find_spec(EXECUTORS[name][2]) is None:
            print(f"{name}: the package {EXECUTORS[name][2]} is missing")
            continue
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            rows.append(pool.submit(measure, name, said.conditions, said.cells, said.workers).result())
    heads = (
        "executor",
        "jobs",
        "seconds",
        "driver's CPU, ms a job",
        "peak memory, MiB",
        "before the first job",
    )
    print(tabulate(rows, heads, floatfmt=".1f", tablefmt="github"))
    print(f"\n{said.cells} cells a job, {said.workers} workers. {describe(said.workers)}")


if __name__ == "__main__":
    main()
