"""Discovery: each plugin has its own try, and what fails harms nothing."""

import sys
from pathlib import Path

import pytest

from xlbench import plugins
from xlbench.contracts import Study
from xlbench.errors import PluginError, StudyError, UnknownNameError

LANGUAGE = """
from xlbench import hookimpl
from xlbench.contracts import Language

@hookimpl
def xlbench_languages():
    yield Language("{code}", "{name}", "Made", "Made", "Latn")
"""


class Site:
    """A folder on the path, with installed distributions of one plugin each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, source: str, entry: str | None = None) -> None:
        module = f"plugin_{name.replace('-', '_')}"
        sys.modules.pop(module, None)  # that of an earlier test
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"{name}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(f"[xlbench]\n{entry or name} = {module}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv(plugins.LIMIT, raising=False)
    return Site(tmp_path)


def one(registry: plugins.Registry, name: str) -> plugins.Plugin:
    (found,) = (x for x in registry.plugins if x.name == name)
    return found


def test_built_in_plugins_come_through_entry_points() -> None:
    registry = plugins.load(strict=True)
    assert {"ner", "pos", "nli"} <= set(registry.tasks)
    assert {"transfer", "zero-shot"} <= set(registry.probes)
    assert {x.distribution for x in registry.plugins if x.name in {"ner", "tiny", "local"}} == {"xlbench"}


FAILURES = {
    "no module": ("", "its entry point 'plugin-bad!' is no module"),
    "import": ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
    "exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "syntax": ("def (", "SyntaxError"),
    "misspelt": (
        "from xlbench import hookimpl\n@hookimpl\ndef xlbench_langages():\n    return []",
        "xlbench_langages",
    ),
    "arguments": (
        "from xlbench import hookimpl\n@hookimpl\ndef xlbench_languages(what):\n    return []",
        "what",
    ),
    "type": (
        "from xlbench import hookimpl\n@hookimpl\ndef xlbench_languages():\n    yield 'mlt'",
        "xlbench_languages, value 1: must be a Language, not 'mlt'",
    ),
    "nothing": (
        "from xlbench import hookimpl\n@hookimpl\ndef xlbench_languages():\n    pass",
        "xlbench_languages returns None",
    ),
    "single": (
        LANGUAGE.format(code="qtz", name="One").replace("yield", "return"),
        "xlbench_languages returns Language(code='qtz'",
    ),
    "no hook": ("def xlbench_languages():\n    return []", "xlbench_languages lacks @hookimpl"),
    "empty": ("", "no hook"),
    "class": (
        "from xlbench import hookimpl\n@hookimpl\ndef xlbench_executors():\n"
        "    class Mine:\n        name = 'mine'\n    yield Mine",
        "the class Mine itself; yield an instance",
    ),
    "midway": (
        LANGUAGE.format(code="qtz", name="Half") + "    raise ValueError('midway')",
        "ValueError: midway",
    ),
    "twice": (
        LANGUAGE.format(code="qtz", name="Once") + "    yield Language('qtz', 'Again', 'A', 'A', 'Latn')",
        "'qtz' twice",
    ),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_plugin_that_fails_is_kept_as_data(site: Site, kind: str) -> None:
    source, expected = FAILURES[kind]
    site.install("bad", source)
    if kind == "no module":
        (site.folder / "bad-1.5.dist-info" / "entry_points.txt").write_text("[xlbench]\nbad = plugin-bad!\n")
    site.install("good", LANGUAGE.format(code="qty", name="Good"))
    registry = plugins.load()
    bad = one(registry, "bad")
    assert expected in (bad.problem or "")
    assert "\n" not in (bad.problem or "")
    assert (bad.distribution, bad.version) == ("bad", "1.5")
    assert "qtz" not in registry.languages  # nothing of it is used
    assert registry.languages["qty"].name == "Good"
    assert registry.owners["language", "qty"].distribution == "good"
    assert set(registry.failed) >= {bad}
    with pytest.raises(PluginError, match=r"plugin 'bad' of bad 1\.5 failed"):
        plugins.load(strict=True)


def test_a_hook_that_raises_takes_all_of_its_plugin_and_names_it_to_who_asks(site: Site) -> None:
    site.install("bad", FAILURES["midway"][0])
    with pytest.raises(UnknownNameError, match=r"plugin 'bad' of bad 1\.5: failed .* ValueError: midway"):
        plugins.load().find("language", "qtz")


def test_a_bad_value_costs_no_other_value_of_its_plugin(site: Site) -> None:
    site.install(
        "half", LANGUAGE.format(code="qty", name="Good") + "    yield Language('QT', 'Q', 'Q', 'Q', 'x')"
    )
    registry = plugins.load()
    half = one(registry, "half")
    assert (half.error, half.provides) == (None, (("language", "qty"),))
    (refused,) = half.refused
    assert (refused.kind, refused.name) == ("language", "QT")
    assert refused.why == half.problem
    assert "code must be an ISO 639-3 code" in refused.why
    assert "script must be an ISO 15924 code" in refused.why
    assert half in registry.failed
    with pytest.raises(UnknownNameError, match=r"plugin 'half' of half 1\.5: language 'QT': code must be"):
        registry.find("language", "QT")
    with pytest.raises(PluginError, match="code must be an ISO 639-3 code"):
        plugins.load(strict=True)


def test_a_code_means_one_language_whoever_describes_it(site: Site) -> None:
    site.install("first", LANGUAGE.format(code="eng", name="Anglais"))
    site.install("second", LANGUAGE.format(code="qty", name="One"))
    site.install("third", LANGUAGE.format(code="qty", name="Other"))
    registry = plugins.load()
    assert registry.languages["eng"].name == "English"
    assert registry.languages["qty"].name == "One"
    assert registry.owners["language", "qty"].distribution == "second"


MODEL = """
from xlbench import hookimpl
from xlbench.contracts import BaseModel

@hookimpl
def xlbench_models():
    yield BaseModel("{name}", "{summary}", "some/{summary}", pretraining_languages=frozenset({{"{code}"}}))
"""


def test_a_name_that_two_distributions_claim_is_ambiguous_and_breaks_nothing_else(site: Site) -> None:
    site.install("first", MODEL.format(name="mine", summary="one", code="eng"))
    site.install("other-one", MODEL.format(name="mine", summary="two", code="eng"), entry="second")
    registry = plugins.load(strict=True)
    assert "mine" not in registry.models
    with pytest.raises(UnknownNameError) as caught:
        registry.find("model", "mine")
    for said in (
        "plugin 'first' of first 1.5", "plugin 'second' of other-one 1.5", "first/mine or other-one/mine",
        "XLBENCH_PLUGINS=-second",
    ):  # fmt: skip
        assert said in str(caught.value)
    assert registry.find("model", "first/mine").summary == "one"
    assert registry.find("model", "Other_One/mine").summary == "two"
    assert registry.find("model", "xlbench/tiny") is registry.find("model", "tiny")
    assert {"first/mine", "other-one/mine", "tiny"} <= registry.named("model").keys()
    with pytest.raises(UnknownNameError, match=r"plugin 'first' of first 1\.5 and .* write first/mine or"):
        registry.find("model", "nobody/mine")
    settled, bound = plugins.settle(Study(model="other-one/mine"), registry)
    assert settled.model == "mine"
    assert bound.find("model", "mine").summary == "two"
    assert plugins.spelled(settled, bound).model == "other-one/mine"
    with pytest.raises(StudyError, match="model 'mine' is ambiguous"):
        plugins.settle(Study(model="mine"), registry)


def test_a_claimed_built_in_name_stays_the_built_in_one_for_who_does_not_say_it(site: Site) -> None:
    site.install("rival", MODEL.format(name="tiny", summary="rival", code="eng"))
    registry = plugins.load()
    study, bound = plugins.settle(Study(), registry)
    assert study == Study()
    assert bound.owners["model", "tiny"].distribution == "xlbench"
    assert plugins.settle(Study(model="rival/tiny"), registry)[1].models["tiny"].summary == "rival"


def test_two_values_of_one_name_in_a_distribution_are_both_left_out(site: Site) -> None:
    site.install("first", MODEL.format(name="mine", summary="one", code="eng"))
    (site.folder / "plugin_more.py").write_text(MODEL.format(name="mine", summary="two", code="eng"))
    entries = site.folder / "first-1.5.dist-info" / "entry_points.txt"
    entries.write_text(entries.read_text() + "more = plugin_more\n")
    registry = plugins.load()
    assert "mine" not in registry.models
    with pytest.raises(UnknownNameError, match=r"model 'mine' twice \(plugin 'first' and plugin 'more'\)"):
        registry.find("model", "mine")


@pytest.mark.parametrize("code", ["en", "ger", "xyq", "mul"])
def test_a_model_of_languages_that_are_none_is_left_out(site: Site, code: str) -> None:
    site.install("first", MODEL.format(name="mine", summary="one", code=code))
    with pytest.raises(UnknownNameError, match=f"pretraining_languages.*{code}"):
        plugins.load().find("model", "mine")


def test_the_environment_limits_what_loads(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install("first", LANGUAGE.format(code="qty", name="One"))
    site.install("second", LANGUAGE.format(code="qtx", name="Other"))
    own = {x.name for x in plugins.load().plugins} - {"first", "second"}
    monkeypatch.setenv(plugins.LIMIT, "")
    assert {x.name for x in plugins.load().plugins} == own
    monkeypatch.setenv(plugins.LIMIT, " second ,")
    assert {x.name for x in plugins.load().plugins} == own | {"second"}
    monkeypatch.setenv(plugins.LIMIT, "secnd")
    with pytest.raises(UnknownNameError, match=r"secnd.*first, second"):
        plugins.load()


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ("-second", {"first"}),
        ("-second/second", {"first"}),
        ("-first,-second", set()),
        ("first,-second", {"first"}),
        ("second,-second", set()),
        ("-xlbench/typology", {"first", "second"}),
    ],
)
def test_the_environment_leaves_plugins_out(
    site: Site, monkeypatch: pytest.MonkeyPatch, said: str, there: set[str]
) -> None:
    site.install("first", LANGUAGE.format(code="qty", name="One"))
    site.install("second", LANGUAGE.format(code="qtx", name="Other"))
    monkeypatch.setenv(plugins.LIMIT, said)
    names = {x.name for x in plugins.load().plugins}
    assert {"first", "second"} & names == there
    assert ("typology" in names) == ("typology" not in said)
    assert "ner" in names
    monkeypatch.setenv(plugins.LIMIT, "-secnd")
    with pytest.raises(UnknownNameError, match=r"-secnd.*first, second"):
        plugins.load()


def test_unknown_names_come_with_the_nearest() -> None:
    registry = plugins.load()
    with pytest.raises(UnknownNameError, match=r"no task 'nre'.*did you mean ner.*xlbench list tasks"):
        registry.find("task", "nre")
    with pytest.raises(UnknownNameError, match=r"no probe 'tranfer'.*transfer"):
        registry.find("probe", "tranfer")
    assert registry.find("task", "ner").name == "ner"
