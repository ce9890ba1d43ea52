"""What plugin authors test with: `xlbench plugin check`, and the same checks as tests of pytest.

    # tests/test_plugin.py of my-package
    from xlbench.testing import contract_tests

    test_contract = contract_tests("my-plugin")

A check says what is wrong by file and line, hook, field, and what to do. It covers what is checked when a
plugin loads and what goes wrong only later: data, metrics, parts of the method, models and probes at work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from xlbench.testing.checks import Check, checks
from xlbench.testing.findings import Finding
from xlbench.testing.small import tiny_study

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xlbench.testing.subject import Given

__all__ = ["Check", "Finding", "check_plugin", "checks", "contract_tests", "tiny_study"]


def check_plugin(
    plugin: object, *, quick: bool = False, data: Mapping[str, Given] | None = None
) -> Sequence[Finding]:
    """Run every check of a plugin: the name of an installed one, a path of a file, a module, or an object.

    `quick` leaves out what needs a model. `data` has a folder (or several, or the name of a set) by task, as
    `--data TASK=FOLDER`: a task that has no default data is trained and scored on these. Gives the notes
    (what could not be checked, and why). Raises AssertionError, with one line for each finding; PluginError
    for a plugin that is not there.
    """
    found = [x for one in checks(plugin, quick=quick, data=data) for x in one.run()]
    if wrong := [str(x) for x in found if not x.note]:
        raise AssertionError("\n".join(wrong))
    return found


def contract_tests(
    plugin: object, *, quick: bool = False, data: Mapping[str, Given] | None = None
) -> Callable[..., None]:
    """A test function for pytest, with one test for each check of a plugin; see `check_plugin`."""
    import pytest

    @pytest.mark.parametrize("check", checks(plugin, quick=quick, data=data), ids=str)
    def test_contract(check: Any) -> None:
        if wrong := [str(x) for x in check.run() if not x.note]:
            pytest.fail("\n".join(wrong), pytrace=False)

    made: Callable[..., None] = test_contract
    return made
