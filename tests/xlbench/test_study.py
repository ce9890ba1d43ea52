"""One study, three spellings: TOML, JSON and a command line."""

import dataclasses
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from xlbench.cli.options import asks
from xlbench.contracts import Study, forms, forms_of_tables
from xlbench.errors import StudyError
from xlbench.spec import study as studies

NAMES = st.text("abcxyz-_.é", min_size=1, max_size=6).filter(lambda x: not x.startswith("-") and x != "none")
PATHS = st.text("abc/ ,*'\"$=", min_size=1, max_size=8).filter(lambda x: x == x.strip() and x[0] not in "-,=")
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text("ab1,. =\"'{", min_size=1, max_size=5).filter(lambda x: x == x.strip()),
    st.lists(st.integers(0, 3), max_size=3),
)


def unique(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=4, unique=True).map(tuple)


STUDIES = st.builds(
    Study,
    model=NAMES,
    revision=st.none() | NAMES,
    probes=unique(NAMES),
    tasks=unique(NAMES),
    transfer=unique(NAMES),
    targets=unique(NAMES),
    train_languages=unique(NAMES),
    steps=unique(st.integers(1, 5000)),
    seeds=unique(st.integers(0, 9)),
    adapter_seeds=unique(st.integers(0, 9)),
    controls=st.none() | unique(st.sampled_from(["target", "reference", "shuffled"])),
    reference=st.none() | NAMES,
    data=st.dictionaries(
        NAMES, st.lists(PATHS.filter(lambda x: "=" not in x), min_size=1).map(tuple), max_size=2
    ),
    text=st.none() | PATHS.filter(lambda x: "=" not in x),
    limit=st.none() | st.integers(1, 99),
    precision=st.none() | st.sampled_from(["float32", "bfloat16"]),
    skip_unavailable=st.booleans(),
    adaptive=st.booleans(),
    mlm=st.fixed_dictionaries(
        {}, optional={"chunk": st.integers(1, 99), "learning_rate": st.floats(1e-9, 1, allow_nan=False)}
    ),
    adapter=st.fixed_dictionaries({}, optional={"epochs": st.integers(1, 9), "seed": st.integers(0, 9)}),
    options=st.dictionaries(
        st.from_regex(forms_of_tables.PROBE, fullmatch=True, alphabet="abx-_é1"),
        st.dictionaries(
            st.from_regex(forms_of_tables.KEY, fullmatch=True, alphabet="abx_é1"),
            SCALARS,
            min_size=1,
            max_size=2,
        ),
        max_size=2,
    ),
)


def from_command(line: str) -> Study:
    """What the real option parser makes of a line."""
    caught: list[Study] = []

    def run(study: Study) -> None:
        caught.append(study)

    app = typer.Typer()
    app.command()(asks(run))
    name, verb, *words = shlex.split(line)
    assert (name, verb) == ("xlbench", "run")
    app(words, standalone_mode=False)
    return caught[0]


@settings(deadline=None)
@given(STUDIES)
def test_json_and_toml_and_command_say_the_same(study: Study) -> None:
    import tomllib

    assert studies.parse(studies.as_json(study)) == study
    assert studies.parse(tomllib.loads(studies.as_toml(study))) == study
    assert from_command(studies.command(study)) == study


def test_what_unsets_a_model_s_setting_is_said_in_every_form() -> None:
    import tomllib

    study = Study(retraining={"warm_start_steps": None})
    assert studies.parse(tomllib.loads(studies.as_toml(study))) == study
    assert studies.command(study).endswith(" --retraining warm_start_steps=none")
    assert from_command(studies.command(study)) == study


def test_a_file_is_read_back(tmp_path: Path) -> None:
    study = Study(tasks=("ner",), steps=(1, 10), controls=(), data={"ner": ("a", "b c")}, mlm={"chunk": 128})
    studies.write(study, tmp_path / "study.toml")
    assert studies.read(tmp_path / "study.toml") == study


BAD = {
    'modle = "tiny"': "unknown key 'modle'; did you mean 'model'?",
    '[options.transfer]\n"." = 1': "options: '.' is not a name of a probe or setting",
    '[options.transfer]\n"a-b" = 1': "options: 'a-b' is not a name of a probe or setting",
    '[options."a.b"]\nx = 1': "options: 'a.b' is not a name of a probe or setting",
    '[options.""]\nx = 1': "options: '' is not a name of a probe or setting",
    'text = ""': "text is empty; name one, or leave it out",
    'reference = " "': "reference is empty",
    'targets = [" "]': "targets has an empty name in it",
    'train-languages = ["eng"]': "did you mean 'train_languages'?",
    "steps = [0]": "steps must be at least 1, not 0",
    "steps = [1, -10]": "steps must be at least 1, not -10",
    "steps = 10": "steps must be a list of whole numbers, not 10",
    'steps = ["ten"]': "steps must be a list of whole numbers",
    "steps = [true]": "steps must be a list of whole numbers",
    "seeds = [1, 2, 1]": "seed 1 given twice",
    "seeds = 0": "must be at least 1, not 0",
    "seeds = [-1]": "a seed must be at least 0",
    'tasks = "ner"': "tasks must be a list of texts, not 'ner'",
    'targets = ["fin", "fin"]': "targets: 'fin' is given twice",
    "limit = 0": "limit must be at least 1",
    "limit = 1.5": "limit must be a whole number",
    'precision = "float16"': "precision must be float32 or bfloat16, not 'float16'",
    "model = 3": "model must be a text, not 3",
    "[mlm]\nchunks = 3": "unknown key mlm.chunks; did you mean 'chunk'?",
    "[mlm]\nchunk = 0": "mlm.chunk must be above 0",
    '[mlm]\nchunk = "big"': "mlm.chunk must be a whole number",
    "[mlm]\nmask_probability = 1.5": "mlm.mask_probability must be below 1",
    '[mlm]\nschedule = "cosine"': "mlm.schedule must be one of 'linear', 'constant'",
    "[adapter]\nepochs = true": "adapter.epochs must be a whole number",
    'data = "x"': "data must be a table",
    "[data]\npos = 3": "data.pos must be a list of texts",
    "model = ": "not TOML",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_file_gets_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(StudyError) as caught:
        studies.read(path)
    line = str(caught.value)
    assert BAD[text] in line
    assert line.startswith(f"{path}: ")
    assert "\n" not in line


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"none\.toml: no such study file"):
        studies.read(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("words", "seeds"),
    [("3", (0, 1, 2)), ("0,5,9", (0, 5, 9)), ("7,", (7,)), ("1 --seeds 4", (1, 4))],
)
def test_seeds_are_a_number_or_a_list(words: str, seeds: tuple[int, ...]) -> None:
    assert from_command(f"xlbench run --seeds {words}").seeds == seeds


def test_options_repeat_and_take_commas() -> None:
    study = from_command(
        "xlbench run --task ner,pos --task nli --data pos=a,b,ner=c --data pos=d --controls none "
        "--mlm chunk=128,batch_size=4 --option drift.x=1 --option drift.y=two"
    )
    assert study.tasks == ("ner", "pos", "nli")
    assert study.data == {"pos": ("a", "b", "d"), "ner": ("c",)}
    assert study.controls == ()
    assert study.mlm == {"chunk": 128, "batch_size": 4}
    assert study.options == {"drift": {"x": 1, "y": "two"}}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--steps ten", "--steps takes whole numbers"),
        ("--data folder", "--data takes TASK=FOLDER"),
        ("--mlm chunk", "--mlm takes KEY=VALUE"),
        ("--option x=1", "--option takes NAME.KEY=VALUE"),
        ("--seeds 1,1", "seed 1 given twice"),
    ],
)
def test_a_bad_option_gets_one_line(words: str, message: str) -> None:
    with pytest.raises(StudyError, match=re.escape(message)):
        from_command(f"xlbench run {words}")


def test_options_overrule_the_file_table_by_table(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('tasks = ["ner"]\nseeds = 2\n[mlm]\nchunk = 64\nlines = 10\n')
    study = from_command(f"xlbench run {shlex.quote(str(path))} --task pos --mlm chunk=32")
    assert study.tasks == ("pos",)
    assert study.seeds == (0, 1)
    assert study.mlm == {"chunk": 32, "lines": 10}


def test_defaults_fill_only_what_is_not_said() -> None:
    study = Study(tasks=("ner",), controls=(), mlm={"chunk": 64})
    full = studies.filled(
        study, Study(tasks=("pos",), controls=("target",), steps=(5,), mlm={"chunk": 1, "lines": 2})
    )
    assert full.tasks == ("ner",)
    assert full.controls == ()
    assert full.steps == (5,)
    assert full.mlm == {"chunk": 64, "lines": 2}


def test_adapter_settings_of_one_task_as_a_table_or_a_dotted_key() -> None:
    nested = studies.parse({"adapter": {"epochs": 2, "nli": {"learning_rate": 1e-4}}})
    assert nested == studies.parse({"adapter": {"epochs": 2, "nli.learning_rate": 1e-4}})
    assert "--adapter nli.learning_rate=0.0001" in studies.command(nested)
    with pytest.raises(StudyError, match=r"unknown key adapter\.nli\.epoch; did you mean 'epochs'"):
        studies.parse({"adapter": {"nli": {"epoch": 1}}})


@pytest.mark.parametrize("said", [{"seeds": [2**31]}, {"steps": [2**40]}, {"limit": 10**23}])
def test_numbers_that_no_library_takes_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(StudyError, match="too large; at most 2147483647"):
        studies.parse(said)


@pytest.mark.parametrize("name", ["steps", "seeds", "tasks", "targets", "transfer", "probes"])
def test_a_list_with_nothing_in_it_is_not_nothing_said(tmp_path: Path, name: str) -> None:
    path = tmp_path / "study.toml"
    path.write_text(f"{name} = []\n")
    with pytest.raises(StudyError, match=f"{name} is empty; name one or more, or leave it out"):
        studies.read(path)
    option = {"tasks": "--task", "probes": "--probe"}.get(name, f"--{name}")
    with pytest.raises(StudyError, match=f"^{name} is empty"):
        from_command(f"xlbench run {option} ,")
    path.write_text("controls = []\n")
    assert studies.read(path).controls == ()


@pytest.mark.parametrize("given", ["[]", '""'])
def test_a_task_with_no_data_named_does_not_take_the_default(tmp_path: Path, given: str) -> None:
    path = tmp_path / "study.toml"
    path.write_text(f"[data]\npos = {given}\n")
    with pytest.raises(StudyError, match=r"study\.toml: data\.pos is empty"):
        studies.read(path)
    with pytest.raises(StudyError, match=r"^data\.pos is empty"):
        from_command("xlbench run --data pos=,ner=a")
    assert from_command("xlbench run --data pos=a,").data == {"pos": ("a",)}


@pytest.mark.parametrize(("seeds", "shown"), [((0,), "1"), ((5,), "5,"), ((0, 1), "0,1"), ((1,), "1,")])
def test_the_command_shows_seeds_as_people_write_them(seeds: tuple[int, ...], shown: str) -> None:
    line = studies.command(Study(seeds=seeds))
    assert line == f"xlbench run --model tiny --seeds {shown}"
    assert from_command(line).seeds == seeds


def test_no_controls_stand_alone() -> None:
    with pytest.raises(StudyError, match="'none' stands alone"):
        from_command("xlbench run --controls none,target")


def test_a_folder_is_no_study_file(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"a folder; a study is a file, such as .*study\.toml"):
        studies.read(tmp_path)


def test_settings_of_a_probe_are_laid_over_each_other_one_by_one() -> None:
    below = Study(options={"drift": {"x": 1, "y": 2}, "other": {"z": 3}})
    assert studies.filled(Study(options={"drift": {"y": 5}}), below).options == {
        "drift": {"x": 1, "y": 5},
        "other": {"z": 3},
    }
    assert studies.merge(below, {"options": {"drift": {"x": 7}}}).options["drift"] == {"x": 7, "y": 2}


def test_a_byte_order_mark_is_no_part_of_a_study_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b'\xef\xbb\xbfmodel = "tiny"\n')
    assert studies.read(tmp_path / "a.toml") == Study(model="tiny")


def test_a_set_is_chosen_for_one_language(tmp_path: Path) -> None:
    study = Study(data={"pos": ("rel/UD_*",), "pos.eng": ("*GUM",)})
    studies.write(study, tmp_path / "a.toml")
    assert studies.read(tmp_path / "a.toml") == study
    (tmp_path / "b.toml").write_text('[data]\npos.eng = "*GUM"\n')
    assert studies.read(tmp_path / "b.toml").data == {"pos.eng": ("*GUM",)}


def test_paths_with_commas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "c,d", "my, set"):
        (tmp_path / name).mkdir()
    assert studies.FIELDS["data"].form.given(["pos=a,b"]) == {"pos": ["a", "b"]}
    assert studies.FIELDS["data"].form.given(["pos=c,d"]) == {"pos": ["c,d"]}
    assert studies.FIELDS["data"].form.given(["pos=a,c,d,b,ner=c,d"]) == {
        "pos": ["a", "c,d", "b"],
        "ner": ["c,d"],
    }
    assert studies.FIELDS["data"].form.given([r"pos=x\,y,b"]) == {"pos": ["x,y", "b"]}
    assert studies.FIELDS["data"].form.given(["pos=e,f"]) == {"pos": ["e", "f"]}


@pytest.mark.parametrize("text", ["a = " + "[" * 3000, "steps = [" + "9" * 5000 + "]", "a = " + "{b=" * 3000])
def test_absurd_study_files_are_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(StudyError, match=r"a\.toml: not") as error:
        studies.read(tmp_path / "a.toml")
    assert len(str(error.value)) < 300


@dataclasses.dataclass(frozen=True, slots=True)
class Larger(Study):
    """A study with one more setting, which nothing else knows."""

    warmth: int | None = forms.asked(None, "--warmth", "How warm.", "N", least=3)
    moods: tuple[str, ...] = forms.asked((), "--moods", "Moods.", "MOOD,...", what="mood")


def test_a_setting_is_one_field() -> None:
    known = forms.fields(Larger)
    assert list(known) == [*studies.FIELDS, "warmth", "moods"]
    assert known["warmth"].form.read(known["warmth"].form.given(["4"])) == 4
    assert list(known["moods"].form.words(["sad", "glad"])) == ["sad,glad"]
    assert known["moods"].form.read(known["moods"].form.given(["sad", "glad,"])) == ("sad", "glad")
    with pytest.raises(StudyError, match="warmth must be at least 3, not 2"):
        known["warmth"].form.read(2)
    with pytest.raises(StudyError, match="moods: 'sad' is given twice"):
        known["moods"].form.read(("sad", "sad"))


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"steps": [0]}, "steps must be at least 1, not 0"),
        ({"tasks": "ner"}, "tasks must be a list of texts, not 'ner'"),
        ({"mlm": {"chunks": 3}}, "unknown key mlm.chunks; did you mean 'chunk'"),
        ({"limit": True}, "limit must be a whole number, not True"),
        ({"skip_unavailable": 1}, "skip_unavailable must be true or false, not 1"),
    ],
)
def test_a_study_checks_itself_where_it_is_made(said: dict[str, Any], says: str) -> None:
    with pytest.raises(StudyError, match=re.escape(says)):
        Study(**said)


def test_lists_and_numbers_of_seeds_become_what_they_mean() -> None:
    assert Study(tasks=["ner"], seeds=3) == Study(tasks=("ner",), seeds=(0, 1, 2))  # type: ignore[arg-type]
