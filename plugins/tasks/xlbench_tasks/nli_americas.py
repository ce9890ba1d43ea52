"""AmericasNLI: the task `nli` on languages of the Americas, with the adapter of `nli`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xlbench import hookimpl
from xlbench.readers import HubData, read_folders, table_files
from xlbench_tasks import nli

if TYPE_CHECKING:
    from pathlib import Path

    from xlbench.contracts import Task, TaskData

CONFIGS = "aym bzd cni grn=gn hch nah oto quy shp tar"
AMERICAS = {x.partition("=")[0]: x.rpartition("=")[2] for x in CONFIGS.split()}
"""Configurations by ISO 639-3 code; Nahuatl and Otomi have the codes that the set gives them."""


def folder(paths: Sequence[Path]) -> TaskData:
    """Tables of pairs, as for `nli`."""
    return read_folders(paths, table_files("nli-americas", nli.FORM))


@hookimpl
def xlbench_tasks() -> Iterator[Task]:
    """The task `nli-americas`."""
    (task,) = nli.xlbench_tasks()
    yield replace(
        task,
        name="nli-americas",
        version=1,
        summary="natural language inference in languages of the Americas, with the adapter of nli: accuracy",
        default_data="americasnli",
        folder=folder,
        adapter=task.name,
    )


@hookimpl
def xlbench_task_data() -> Iterator[TaskData]:
    """AmericasNLI on the hub, which has no training data."""
    yield HubData(
        name="americasnli",
        parallel=True,
        task="nli-americas",
        repo="nala-cub/americas_nli",
        about="AmericasNLI (Ebrahimi et al. 2022), translations of XNLI, CC BY-SA 4.0",
        configs=AMERICAS,
        columns=nli.COLUMNS,
        decode=nli.decode,
        without={"train": frozenset(AMERICAS)},
    )
