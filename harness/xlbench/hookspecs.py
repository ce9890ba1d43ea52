"""Every hook, on one screen. A plugin is a module in the entry-point group `xlbench`.

Each hook takes nothing and yields typed values; a plugin implements those that it has something for:

    # my_package/plugin.py, with  [project.entry-points.xlbench]  my_plugin = "my_package.plugin"
    from xlbench import hookimpl
    from xlbench.contracts import Language

    xlbench_contract = 1

    @hookimpl
    def xlbench_languages():
        yield Language("mlt", "Maltese", "Afro-Asiatic", "Semitic", "Latn")
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from xlbench.contracts import (
        AdapterKind,
        BaseModel,
        CompositionKind,
        Corpus,
        Distance,
        Executor,
        KindOfTask,
        Language,
        Objective,
        Observer,
        Probe,
        Task,
        TaskData,
        Treatment,
    )

GROUP = "xlbench"
CONTRACT = 1
"""The contract of this xlbench, raised where a plugin that worked may have to be changed. A plugin states the
one that it was written for: `xlbench_contract = 1`, beside its hooks."""
OLDEST_CONTRACT = 1
"""The oldest contract whose plugins still work."""
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def xlbench_tasks() -> Iterable[Task]:
    """Tasks: `yield Task(name="pos", ...)`, as in `xlbench_tasks/pos.py`."""


@hookspec
def xlbench_task_data() -> Iterable[TaskData]:
    """Labelled data for tasks, one's own or others': `yield MyData()`, as in `xlbench_tasks/ner.py`."""


@hookspec
def xlbench_corpora() -> Iterable[Corpus]:
    """Unlabelled text: `yield MyCorpus()`, as in `xlbench_tasks/text.py`."""


@hookspec
def xlbench_languages() -> Iterable[Language]:
    """Languages: `yield Language("mlt", "Maltese", "Afro-Asiatic", "Semitic", "Latn")`."""


@hookspec
def xlbench_distances() -> Iterable[Distance]:
    """Known distances between languages: `yield Distance("lexical", "...", {("qaa", "qab"): 0.2})`."""


@hookspec
def xlbench_models() -> Iterable[BaseModel]:
    """Base models: `yield BaseModel("mine", "My encoder", "me/my-encoder")`."""


@hookspec
def xlbench_probes() -> Iterable[Probe]:
    """Probes: `yield MyProbe()`, as in `xlbench_probes/zero_shot.py`."""


@hookspec
def xlbench_executors() -> Iterable[Executor]:
    """Executors: `yield MyExecutor()`, as in `xlbench/running/executors/local.py`."""


@hookspec
def xlbench_observers() -> Iterable[Observer]:
    """Observers: `yield MyObserver()`, as in `xlbench/running/observers/jsonl.py`."""


@hookspec
def xlbench_kinds() -> Iterable[KindOfTask]:
    """Kinds of task: `yield KindOfTask(name="tagging", ...)`, as in `xlbench/lab/kinds/__init__.py`."""


@hookspec
def xlbench_objectives() -> Iterable[Objective]:
    """Objectives: `yield Objective(name="masked", ...)`, as in `xlbench/lab/objectives/__init__.py`."""


@hookspec
def xlbench_adapters() -> Iterable[AdapterKind]:
    """Kinds of adapter: `yield AdapterKind(name="seq_bn", ...)`, as in `xlbench/lab/adapters/__init__.py`."""


@hookspec
def xlbench_compositions() -> Iterable[CompositionKind]:
    """Compositions of language adapters: `yield CompositionKind(name="average", ...)`, as in
    `xlbench/lab/compositions/__init__.py`.
    """


@hookspec
def xlbench_treatments() -> Iterable[Treatment]:
    """Treatments: `yield Treatment(name="shuffled", ...)`, as in `xlbench/lab/treatments/__init__.py`."""
