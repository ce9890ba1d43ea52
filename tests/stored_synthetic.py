"""A results folder with a synthetic study in it, and what it says of itself."""

from pathlib import Path

from synthetic import METRICS, PROVENANCE, Synthetic

from xlbench.results import Store


def fill(store: Store, study: Synthetic) -> str:
    for job in study.jobs:
        store.write(job, study.evaluate(job), PROVENANCE, METRICS)
    return store.save_study(study.study, study.jobs, study.described())


def damaged(store: Store) -> list[Path]:
    return [error.path for error in store.listing().damaged]


def told(store: Store, study: str | None = None) -> tuple[str, ...]:
    stored = store.study(study)
    contents = store.contents(stored)
    contents.records(METRICS)
    return contents.damage()


def listing(store: Store) -> list[str]:
    return sorted(path.name for path in store.jobs.iterdir())
