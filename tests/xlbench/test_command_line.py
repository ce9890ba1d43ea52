"""What options mean, and which of them mean nothing."""

import errno
import inspect
import os
import re
import shlex
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from xlbench import cli
from xlbench.cli.app import app
from xlbench.cli.options import asks
from xlbench.contracts import Study
from xlbench.errors import StudyError
from xlbench.spec.study import command


def asked(**given: Any) -> Study:
    command = asks(lambda study: study)
    nothing = {name: x.default for name, x in inspect.signature(command).parameters.items()}
    return command(**nothing | given)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("option", "key", "value"),
    [
        ("interference.sizes=2", "sizes", 2),
        ("interference.sizes=2,3", "sizes", [2, 3]),
        ("interference.sizes=[2,3]", "sizes", [2, 3]),
        ("interference.sizes=[2\\, 3]", "sizes", [2, 3]),
        ("interference.mixes=tuned,average", "mixes", ["tuned", "average"]),
        ("interference.sets=deu+tur,deu+fin+tur", "sets", ["deu+tur", "deu+fin+tur"]),
        (
            "interference.sweep=fusion_steps=20,reduction_factor=4",
            "sweep",
            ["fusion_steps=20", "reduction_factor=4"],
        ),
        ("interference.sweep=a=1 b=2,c=3", "sweep", ["a=1 b=2", "c=3"]),
        ("interference.by=word order", "by", "word order"),
    ],
)
def test_a_setting_with_commas_is_a_list(option: str, key: str, value: object) -> None:
    assert asked(options=[option]).options == {"interference": {key: value}}


def test_settings_one_after_another() -> None:
    found = asked(options=["interference.sizes=2,3,interference.by=script", "transfer.x=[1]"])
    assert found.options == {"interference": {"sizes": [2, 3], "by": "script"}, "transfer": {"x": [1]}}


words = st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), min_size=1, max_size=8)


@given(st.dictionaries(st.sampled_from("abc"), st.one_of(words, st.integers(), st.lists(words)), min_size=1))
def test_the_command_of_a_study_asks_the_same(settings: dict[str, Any]) -> None:
    study = Study(options={"own": settings})
    said = shlex.split(command(study))
    given = [value for name, value in pairwise(said) if name == "--option"]
    read = asked(options=given).options["own"]
    assert read == settings


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"options": ["p.a=1", "p.a=2"]}, "--option p.a is given twice"),
        ({"options": ["p.a=1,p.a=2"]}, "--option p.a is given twice"),
        ({"options": ["p.a="]}, "--option takes NAME.KEY=VALUE, not 'p.a='"),
        ({"options": ["a=1"]}, "--option takes NAME.KEY=VALUE, not 'a=1'"),
        ({"adapter": ["epochs=1", "epochs=2"]}, "--adapter epochs is given twice, '1' and '2'"),
        ({"mlm": ["chunk=1,chunk=2"]}, "--mlm chunk is given twice"),
        ({"language_adapters": ["deu=a", "deu=b"]}, "--language-adapter deu is given twice"),
    ],
)
def test_no_value_is_dropped_in_silence(given: dict[str, Any], says: str) -> None:
    with pytest.raises(StudyError) as caught:
        asked(**given)
    assert str(caught.value).startswith(says)


def test_what_is_a_list_is_put_together() -> None:
    found = asked(tasks=["pos", "ner"], steps=["1", "10,100"], data=["pos=a", "pos=b"])
    assert (found.tasks, found.steps, found.data) == (("pos", "ner"), (1, 10, 100), {"pos": ("a", "b")})


GROUP: Any = get_command(app)
SINGLE = [
    (name, param.opts[0], param.is_flag)
    for name, one in GROUP.commands.items()
    for param in one.params
    if param.param_type_name == "option" and not param.multiple and not param.is_eager
]


@pytest.mark.parametrize(("name", "option", "flag"), SINGLE)
def test_a_single_option_is_given_once_and_not_empty(name: str, option: str, flag: bool) -> None:
    for words in [[option, option]] if flag else [[option, "1", option, "2"], [option, ""], [option, " "]]:
        with pytest.raises(Exception, match=r"given 2 times|is empty") as caught:
            GROUP.commands[name].make_context(name, words)
        assert option in str(getattr(caught.value, "message", ""))


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            OSError(errno.EMFILE, os.strerror(errno.EMFILE), "a.py"),
            "'Too many open files' at a.py: .*ulimit -n",
        ),
        (
            OSError(errno.EIO, os.strerror(errno.EIO), "b.txt"),
            "'Input/output error' at b.txt: .*check the disk",
        ),
        (OSError(errno.ESTALE, os.strerror(errno.ESTALE)), "stale file handle"),
        (ImportError("c.so: cannot open shared object file: Too many open files", path="c.so"), "ulimit -n"),
        (ImportError("d.so: failed to map segment from shared object"), "memory is used up"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"),
            "memory is used up",
        ),
    ],
)
def test_an_error_of_the_system_is_one_line_wherever_it_is_met(
    error: Exception, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        raise error

    monkeypatch.setattr("xlbench.cli.app.app", broken)
    assert cli.main() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(says, line)


def test_an_error_of_our_own_is_not_taken_for_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "e.py")

    monkeypatch.setattr("xlbench.cli.app.app", broken)
    with pytest.raises(FileNotFoundError):
        cli.main()
