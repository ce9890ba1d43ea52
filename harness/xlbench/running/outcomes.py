"""What an executor says, checked: every job once, and a file for every job that ended well."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlbench.contracts import Outcome
from xlbench.errors import ExecutorError, MemoryUsedUpError, XlbenchError, ran_out, said_of
from xlbench.running.batches import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xlbench.contracts import Executor, Job, Notify, Work
    from xlbench.results import Store


def outcomes(
    executor: Executor,
    jobs: Sequence[Job],
    work: Work,
    notify: Notify,
    workers: int,
    store: Store,
    settings: Any = None,
) -> Iterator[Outcome]:
    """Run `jobs` and yield how each ended, once.

    Raises ExecutorError, at the end where others can still be run, for jobs without an outcome or without a
    file in `store`, for outcomes of other jobs, and where the executor itself fails; what `work` raises for
    its own reasons goes through.
    """
    if not jobs:
        return
    folder = Path.cwd()
    schedule = Schedule(jobs)
    waiting = {job.condition_key: job for job in jobs}
    problems: list[str] = []
    try:
        for outcome in executor.run(schedule, work, notify, workers, settings):
            if not isinstance(outcome, Outcome):
                problems.append(f"gave {type(outcome).__name__} instead of an outcome")
                continue
            job = waiting.pop(outcome.job.condition_key, None)
            if job is None or job.identity != outcome.job.identity:
                known = any(x.identity == outcome.job.identity for x in jobs)
                why = "a second outcome for" if known else "an outcome for a job it was not given,"
                problems.append(f"gave {why} {outcome.job.label!r}")
                continue
            if outcome.error is None and not store.has(job):
                problems.append(f"says that {job.label!r} is done, but {store.path} has no whole file of it")
                continue
            ended = Outcome(job, outcome.seconds, outcome.error)
            # Before it goes on, so that the executor finds what this makes ready.
            lost = schedule.ended(ended)
            yield ended
            for one in lost:
                del waiting[one.job.condition_key]
                yield one
    except (XlbenchError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # its sys.exit() must not end the run, least of all with 0
        if ran_out(error):
            raise MemoryUsedUpError(
                f"memory ran out beside the jobs ({said_of(error)}); what is done is kept: use fewer "
                "--workers or more memory, and run the same command again"
            ) from error
        raise ExecutorError(_say(executor, f"failed: {said_of(error)}")) from error
    finally:
        os.chdir(folder)
    if waiting:
        first = next(iter(waiting.values())).label
        problems.append(f"ended without {len(waiting)} of {len(jobs)} jobs, such as {first!r}")
    if problems:
        raise ExecutorError("\n".join(_say(executor, x) for x in dict.fromkeys(problems)))


def _say(executor: Executor, problem: str) -> str:
    return (
        f"the executor {executor.name!r} {problem}; what is done is kept: run the same command again, "
        "or with --executor local"
    )
