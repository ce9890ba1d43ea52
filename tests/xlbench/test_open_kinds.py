"""Kinds of task that others bring: registered, checked, and as good as the built-in ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from xlbench import hookimpl, plugins
from xlbench.contracts import AdapterTraining, KindOfTask, Tagged, Task
from xlbench.errors import PluginError
from xlbench.plugins import Registry


@pytest.fixture(scope="module")
def registry() -> Registry:
    return plugins.load()


def yielding(*values: Any) -> Any:
    """An object of this process that registers tasks and kinds."""

    class Plugin:
        @hookimpl
        def xlbench_tasks(self) -> Iterator[Task]:
            yield from (x for x in values if isinstance(x, Task))

        @hookimpl
        def xlbench_kinds(self) -> Iterator[KindOfTask]:
            yield from (x for x in values if isinstance(x, KindOfTask))

    return Plugin()


def refused(*given: Any) -> str:
    """Why these plugins are refused; one line."""
    with pytest.raises(PluginError) as caught:
        plugins.load(given=plugins.give(given))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def nothing() -> Any:
    raise NotImplementedError


def test_a_task_of_a_kind_that_nobody_registers_is_refused(registry: Registry) -> None:
    line = refused(yielding(replace(registry.tasks["pos"], name="mine", kind="taging")))
    assert "plugin 'Plugin'" in line
    assert "task 'mine': kind must be one that is registered (tagging, classification, " in line
    assert line.endswith("not 'taging'; did you mean 'tagging'?")


def test_training_and_kind_go_together(registry: Registry) -> None:
    line = refused(yielding(replace(registry.tasks["lm"], name="mine", training=AdapterTraining())))
    assert "task 'mine': training must be None, since its kind is 'language-model', not AdapterT" in line
    line = refused(yielding(replace(registry.tasks["pos"], name="mine", training=None)))
    assert "task 'mine': training must be AdapterTraining(...), since its kind is 'tagging', not None" in line


def test_kind_and_task_may_come_from_two_plugins_in_any_order(registry: Registry) -> None:
    task = replace(registry.tasks["pos"], name="mine", kind="my-kind")
    kind = KindOfTask(
        name="my-kind", summary="Mine", load=nothing, examples=Tagged, gold="tags", predicted="tags"
    )
    assert "kind must be one" in refused(yielding(task))
    for given in ((yielding(task), yielding(kind)), (yielding(kind), yielding(task))):
        found = plugins.load(given=plugins.give(given))
        assert found.tasks["mine"] == task
        assert found.method.kinds["my-kind"] == kind
        assert found.method.identity("kind", "my-kind")["kind_version"] == 1
        assert found.method.identity("kind", "tagging") == {}
