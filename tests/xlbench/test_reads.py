"""What of a study its probes read, and what may be said under a probe's own name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xlbench import hookimpl, plugins
from xlbench.contracts import CompositionKind, Imported, Probe, Resolved, Study
from xlbench.errors import PluginError, XlbenchError
from xlbench.plugins import Registry
from xlbench.results import Store
from xlbench.results.manifest import describe
from xlbench.spec.study import as_json, command, parse, said
from xlbench.studies import plan as planning
from xlbench.studies.missing_data import check_data
from xlbench.studies.resolve import resolve

STUDY = Study(tasks=("pos",), seeds=(0,), adapter_seeds=(0,), limit=20)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return plugins.load()


@pytest.fixture
def text(tmp_path: Path) -> str:
    """Text of a language that is neither a transfer language of the model's defaults, nor their reference."""
    folder = tmp_path / "text"
    folder.mkdir()
    (folder / "qaa.txt").write_text("".join(f"lakomi sa {x} tero\n" for x in range(40)), "utf-8")
    return str(folder)


def asked(study: Study, registry: Registry) -> Resolved:
    return resolve(*plugins.settle(study, registry))


def identities(study: Study, registry: Registry) -> list[str]:
    study, registry = plugins.settle(study, registry)
    jobs = planning.make(resolve(study, registry), registry, Store(Path("no-results"))).jobs
    return sorted(x.identity for x in jobs)


def test_a_probe_that_trains_on_no_text_asks_for_none(registry: Registry, text: str) -> None:
    found = check_data(asked(replace(STUDY, probes=("zero-shot",), text=text), registry))
    assert (found.text_languages(), found.unavailable) == ((), ())
    assert not {"transfer", "steps", "controls", "reference"} & said(found.study).keys()
    assert not any(x.group == "language adapters" for x in found.in_force)
    manifest: dict[str, Any] = describe(found)
    assert manifest["text"]["lines"] == manifest["text"]["dropped"] == {}
    with pytest.raises(XlbenchError, match="no text in qag in"):
        asked(replace(STUDY, probes=("zero-shot", "transfer"), text=text), registry)


def test_controls_are_those_of_the_probe_that_reads_them(registry: Registry, text: str) -> None:
    """Their text is not asked for where there are language adapters alone."""
    study = replace(STUDY, probes=("stacking",), transfer=("qaa",), targets=("qab",), text=text)
    assert asked(study, registry).text_languages() == ("qaa",)
    whole = replace(study, text="artificial", controls=("target", "reference"), reference="qac")
    assert asked(whole, registry).text_languages() == ("qaa",)
    both = replace(whole, probes=("stacking", "transfer"))
    assert asked(both, registry).text_languages() == ("qaa", "qac", "qab")


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"steps": [3, 5]}, {"steps": (3, 5)}),
        ({"steps": 7}, {"steps": (7,)}),
        ({"controls": []}, {"controls": ()}),
        ({"controls": "none"}, {"controls": ()}),
        ({"controls": ["target", "shuffled"]}, {"controls": ("target", "shuffled")}),
        ({"reference": "qaa", "steps": [2]}, {"reference": "qaa", "steps": (2,)}),
        ({"readings": "retrained"}, {"readings": ("retrained",)}),
    ],
)
def test_a_setting_of_a_probe_is_the_field_of_the_study(
    registry: Registry, own: dict[str, Any], said: dict[str, Any]
) -> None:
    study = replace(STUDY, probes=("transfer",))
    one = replace(study, options={"transfer": own})
    other = replace(study, **said)
    assert as_json(asked(one, registry).study) == as_json(asked(other, registry).study)
    assert identities(one, registry) == identities(other, registry)
    assert identities(one, registry) != identities(study, registry)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"options": {"transfer": {"steps": [3]}}, "steps": (4,)},
            "options.transfer.steps and steps say two",
        ),
        (
            {"options": {"transfer": {"steps": ["few"]}}},
            "options.transfer.steps: --steps takes whole numbers",
        ),
        ({"options": {"transfer": {"steps": []}}}, "options.transfer.steps is empty"),
        ({"options": {"transfer": {"steps": [0]}}}, "options.transfer.steps: steps must be at least 1"),
        (
            {"options": {"transfer": {"readings": "read"}}},
            "options.transfer.readings: unknown reading 'read'",
        ),
        ({"options": {"transfer": {"mlm": {"chunk": 9}}}}, "write it as a setting of the study, --mlm"),
        ({"options": {"transfer": {"limit": 9}}}, "unknown key options.transfer.limit"),
        ({"options": {"stacking": {"steps": 9}}, "probes": ("stacking",)}, "'stacking' has no settings"),
    ],
)
def test_what_a_field_cannot_be_is_refused_by_its_place(
    registry: Registry, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(XlbenchError, match=says):
        asked(replace(STUDY, **{"probes": ("transfer",), **change}), registry)


def test_what_nothing_reads_is_told(registry: Registry) -> None:
    study = replace(STUDY, probes=("stacking",), steps=(5,), controls=(), mlm={"lines": 500})
    assert asked(study, registry).unread == ("--steps", "--controls", "--mlm")
    assert asked(replace(study, probes=("transfer",)), registry).unread == ()
    defaults = replace(STUDY, probes=("zero-shot",))  # those of the model go without saying
    assert asked(defaults, registry).unread == ()


def test_a_study_that_is_filled_in_is_the_same_study(registry: Registry) -> None:
    """What a worker process has of it, and what stored results say of studies of earlier versions."""
    for probes in (("zero-shot",), ("stacking",), ("transfer", "stacking")):
        study = replace(STUDY, probes=probes, adapter_seeds=(), seeds=(0, 1, 2))
        found = asked(study, registry).study
        assert asked(parse(as_json(found)), registry).study == found
        earlier = replace(
            found, steps=(200,), controls=("shuffled",), reference="qam", readings=("put-back",)
        )
        assert "--steps" in command(earlier)
        if "transfer" not in probes:
            assert asked(earlier, registry).study == found
            assert identities(earlier, registry) == identities(study, registry)


def test_how_many_task_adapters_there_are_stays(registry: Registry) -> None:
    """As many as fine-tuning seeds where adapters are retrained, though this probe trains none anew."""
    study = Study(model="tiny", probes=("zero-shot",), tasks=("pos",), seeds=(0, 1), readings=("retrained",))
    assert asked(study, registry).study.adapter_seeds == (0, 1)


class Brought:
    """A plugin with these probes and compositions."""

    def __init__(self, *brought: Any) -> None:
        self.brought = brought

    @hookimpl
    def xlbench_probes(self) -> Iterator[Probe]:
        yield from (x for x in self.brought if not isinstance(x, CompositionKind))

    @hookimpl
    def xlbench_compositions(self) -> Iterator[CompositionKind]:
        yield from (x for x in self.brought if isinstance(x, CompositionKind))


class Mine:
    """A probe that does nothing; it says nothing of what it reads."""

    name, version, summary, settings = "mine", 1, "Mine", None

    def jobs(self, resolved: Resolved) -> list[Any]:
        return []

    def run(self, job: Any, lab: Any) -> list[Any]:
        return []

    def pages(self, records: Any) -> list[Any]:
        return []


class Reading(Mine):
    """One that says so."""

    def __init__(self, *reads: str) -> None:
        self.reads = frozenset(reads)


def loaded(*brought: Any) -> Registry:
    return plugins.load(given=plugins.give([Brought(*brought)]))


def test_a_probe_that_says_nothing_may_read_all(text: str) -> None:
    study = replace(STUDY, probes=("mine",), transfer=("qaa",), reference="qaa", text=text)
    found = asked(study, loaded(Mine()))
    assert (found.unread, found.text_languages()) == ((), ("qaa",))
    assert found.study.steps
    with pytest.raises(XlbenchError, match="no text in qag in"):
        asked(replace(study, transfer=()), loaded(Mine()))


def test_a_third_partys_probe_has_the_fields_that_it_reads(text: str) -> None:
    study = replace(STUDY, probes=("mine",), options={"mine": {"steps": [9]}}, text=text)
    found = asked(study, loaded(Reading("steps")))
    assert (found.study.steps, found.study.options) == ((9,), {})
    with pytest.raises(PluginError, match=r"reads\['limit'\] must be a field of a study that only some"):
        loaded(Reading("limit"))


def test_mixes_may_name_their_distribution() -> None:
    average = Imported("xlbench.lab.compositions.average:Average")
    rival = CompositionKind(name="average", summary="Another", load=average, needs="average")
    registry = loaded(rival)
    study = replace(STUDY, probes=("interference",), transfer=("qag", "qah"), targets=("qag",))
    mine, own = (
        replace(study, options={"interference": {"mixes": x, "random": False}})
        for x in (["Brought/average"], "xlbench/average")
    )
    assert asked(mine, registry).settings["interference"].mixes == ("average",)
    plain = replace(own, options={"interference": {"mixes": ["average"], "random": False}})
    built_in = identities(plain, plugins.load())
    assert identities(own, registry) == built_in
    assert set(identities(mine, registry)) - set(built_in)
    with pytest.raises(XlbenchError, match="composition 'average' is ambiguous"):
        plugins.settle(plain, registry)
