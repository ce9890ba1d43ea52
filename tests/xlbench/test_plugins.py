"""Discovery: each plugin has its own try, and what fails harms nothing."""

import sys
from pathlib import Path

import pytest

from xlbench import plugins
from xlbench.errors import PluginError, UnknownNameError

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
        module = f"plugin_{name}"
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
        "TypeError: xlbench_languages yields str, not Language",
    ),
    "midway": (
        LANGUAGE.format(code="qtz", name="Half") + "    raise ValueError('midway')",
        "ValueError: midway",
    ),
    "twice": (
        LANGUAGE.format(code="qtz", name="Once") + "    yield Language('qtz', 'Again', '', '', 'Latn')",
        "'qtz' twice",
    ),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_plugin_that_fails_is_kept_as_data(site: Site, kind: str) -> None:
    source, expected = FAILURES[kind]
    site.install("bad", source)
    site.install("good", LANGUAGE.format(code="qty", name="Good"))
    registry = plugins.load()
    bad = one(registry, "bad")
    assert expected in (bad.error or "")
    assert "\n" not in (bad.error or "")
    assert (bad.distribution, bad.version, bad.module) == ("bad", "1.5", "plugin_bad")
    assert "qtz" not in registry.languages  # nothing of it is used
    assert registry.languages["qty"].name == "Good"
    assert registry.owners["language", "qty"].distribution == "good"
    assert set(registry.failed) >= {bad}
    with pytest.raises(PluginError, match=r"plugin 'bad' of bad 1\.5 failed"):
        plugins.load(strict=True)


def test_two_plugins_with_one_name_are_both_named(site: Site) -> None:
    site.install("first", LANGUAGE.format(code="qty", name="One"))
    site.install("second", LANGUAGE.format(code="qty", name="Other"))
    with pytest.raises(PluginError) as caught:
        plugins.load()
    assert "plugin 'first' of first 1.5" in str(caught.value)
    assert "plugin 'second' of second 1.5" in str(caught.value)
    assert "language 'qty'" in str(caught.value)


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


def test_unknown_names_come_with_the_nearest() -> None:
    registry = plugins.load()
    with pytest.raises(UnknownNameError, match=r"no task 'nre'.*did you mean ner.*xlbench list tasks"):
        registry.find("task", "nre")
    with pytest.raises(UnknownNameError, match=r"no probe 'tranfer'.*transfer"):
        registry.find("probe", "tranfer")
    assert registry.find("task", "ner").name == "ner"
