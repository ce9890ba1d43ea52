"""Which jobs are handed out when: for any jobs, needs, failures and order of ending."""

from hypothesis import given, settings
from hypothesis import strategies as st

from xlbench.contracts import Job, Outcome
from xlbench.running.batches import Schedule


@st.composite
def studies(draw: st.DrawFn) -> list[Job]:
    """Jobs in groups, whose needs come before them, in an order in which groups are together."""
    jobs: list[Job] = []
    for number, group in enumerate(sorted(draw(st.lists(st.integers(0, 4), max_size=12)))):
        needs = draw(st.lists(st.sampled_from(jobs), max_size=3)) if jobs else []
        keys = tuple(x.condition_key for x in needs)
        jobs.append(Job("p", 1, {"number": number}, (), str(number), group=str(group), needs=keys))
    return jobs


@settings(max_examples=200)
@given(studies(), st.sets(st.integers(0, 11)), st.data())
def test_each_job_ends_once_after_what_it_needs(jobs: list[Job], fail: set[int], data: st.DataObject) -> None:
    schedule, ended, at_work = Schedule(jobs), {}, []
    while True:
        while (batch := schedule.take()) is not None:
            at_work.append(list(batch))
        if not at_work:
            break
        batch = at_work[data.draw(st.integers(0, len(at_work) - 1))]
        job = batch.pop(0)
        at_work = [x for x in at_work if x]
        assert all(need in ended for need in job.needs)
        bad = int(job.label) in fail or any(ended[need] for need in job.needs)
        for outcome in [one := Outcome(job, 0.0, "x" if bad else None), *schedule.ended(one)]:
            assert outcome.job.condition_key not in ended
            ended[outcome.job.condition_key] = outcome.error is not None
    assert len(schedule) == 0
    failed: dict[str, bool] = {}
    for job in jobs:
        failed[job.condition_key] = int(job.label) in fail or any(failed[x] for x in job.needs)
    assert ended == failed
