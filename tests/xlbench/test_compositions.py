"""Compositions: what they compute and which adapters they take, and one-file plugins of both vocabularies."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from xlbench import api, plugins
from xlbench.contracts import (
    Composition,
    CompositionKind,
    Fusion,
    GivenAdapter,
    LanguageAdapter,
    LanguageTraining,
    Resolved,
    Study,
)
from xlbench.errors import ModelError, PluginError, StudyError
from xlbench.lab import Lab
from xlbench.plugins.given import give
from xlbench.stored import Stored

LORA = LanguageTraining(config="lora", rank=2, alpha=4)
BOTTLENECK = LanguageTraining(config="seq_bn_inv", reduction_factor=4)


def pair(how: LanguageTraining) -> tuple[LanguageAdapter, ...]:
    return tuple(LanguageAdapter("random", "", how, seed) for seed in (1, 2))


def drawn(lab: Lab, how: LanguageTraining) -> tuple[list[str], tuple[LanguageAdapter, ...]]:
    """Names in the model of two adapters, whose weights are all random, and the adapters."""
    found = pair(how)
    names = [lab.attached.load(x) for x in found]
    for number, name in enumerate(names):
        torch.manual_seed(number)
        for _, parameter in lab.encoder.weights_of(name):
            torch.nn.init.normal_(parameter, 0.0, 0.2)
    return names, found


@pytest.fixture
def lab(resolved: Resolved, checkpoint: Path, tmp_path: Path) -> Lab:
    lab = Lab(resolved, str(checkpoint), tmp_path / "adapters", device="cpu", threads=1)
    lab.task_adapter("tags")
    lab.restore()
    return lab


@pytest.mark.parametrize("how", [LORA, BOTTLENECK], ids=["lora", "seq_bn_inv"])
@pytest.mark.parametrize("weights", [(), (3.0, 1.0)], ids=["alike", "weighted"])
def test_merged_weights_are_the_weighted_mean_of_each_weight(
    lab: Lab, how: LanguageTraining, weights: tuple[float, ...]
) -> None:
    names, adapters = drawn(lab, how)
    under = Composition(adapters, "merged", weights=weights)
    before = lab.encoder.weights()
    counts = lab.evaluate(lab.resolved.cells("tags"), under)
    one, other = ({k.replace(x, "*"): p for k, p in lab.encoder.weights_of(x)} for x in names)
    (merged,) = lab.attached._compose(under, "tags").added
    found = {k.replace(merged, "*"): p for k, p in lab.encoder.weights_of(merged)}
    first, second = np.array(weights or (1.0, 1.0)) / sum(weights or (1.0, 1.0))
    assert found.keys() == one.keys()
    assert len(found) >= 4
    for key, parameter in found.items():
        torch.testing.assert_close(parameter, first * one[key] + second * other[key])
    assert all(torch.equal(before[x], y) for x, y in lab.encoder.weights().items())
    # The same again from memory, and anew; in the model nothing is left of it.
    again = lab.evaluate(lab.resolved.cells("tags"), under)
    assert all(np.array_equal(x.counts, y.counts) for x, y in zip(counts, again, strict=True))
    lab.finetune("qaa", steps=1, seed=0)
    assert merged not in lab.encoder.model.adapters_config


def test_the_invertible_part_of_merged_weights_is_merged_and_can_be_kept_out(lab: Lab) -> None:
    _, adapters = drawn(lab, BOTTLENECK)
    batch = lab.stream(lab.resolved.cells("tags"))[1][0]
    found = []
    for invertible in (True, False):
        under = Composition(adapters, "merged", invertible)
        with lab.attached.composed(under, "tags"), torch.inference_mode():
            found.append(lab.encoder.hidden(batch))
            name = lab.attached._compose(under, "tags").added[0]
            assert (name in lab.encoder.body.invertible_adapters) is invertible
    assert not torch.allclose(*found)


@pytest.mark.parametrize("mix", ["average", "untrained", "tuned", "merged"])
def test_layers_that_are_left_out_are_so_in_every_composition(lab: Lab, mix: str) -> None:
    """Two copies of one adapter are that adapter, up to what fusion layers add at first (1e-6)."""
    how = LanguageTraining(reduction_factor=4, leave_out=(1,))
    one = LanguageAdapter("random", "", how, 1)
    weights = lab.encoder.weights_of(lab.attached.load(one))
    copied = lab.encoder.weights_of(lab.attached.load(one, 1))
    for (_, parameter), (_, copy) in zip(weights, copied, strict=True):
        torch.nn.init.normal_(parameter, 0.0, 0.3)
        copy.data.copy_(parameter.data)
    assert not any("layer.1." in path for path, _ in weights)
    batch = lab.stream(lab.resolved.cells("tags"))[1][0]
    found = []
    for under in (Composition((one,)), Composition((one, one), mix, fusion=Fusion(steps=2))):
        with lab.attached.composed(under, "tags"), torch.inference_mode():
            found.append(lab.encoder.hidden(batch))
    torch.testing.assert_close(*found, atol=1e-3, rtol=0)


def test_adapters_of_other_sizes_cannot_be_merged(lab: Lab) -> None:
    unlike = (*pair(LORA)[:1], *pair(replace(LORA, rank=3))[1:])
    with pytest.raises(ModelError, match=r"unlike in r \(2 and 3\) cannot be merged"):
        lab.evaluate(lab.resolved.cells("tags"), Composition(unlike, "merged"))
    assert lab.evaluate(lab.resolved.cells("tags"), Composition(pair(LORA), "merged"))


def test_what_a_composition_cannot_take_is_refused_by_name(resolved: Resolved) -> None:
    given = replace(resolved, given={"qaa": GivenAdapter("mine", "nowhere", "print", kind="ia3")})
    lora, bottleneck = pair(LORA), pair(LanguageTraining())
    cases = [
        (
            Composition(lora, "tuned"),
            "tuned cannot take language adapters of the kind lora; .*average, merged",
        ),
        (Composition(lora, "averege"), "no composition 'averege'; did you mean 'average'"),
        (Composition(lora, "single"), "single takes one adapter, not 2"),
        (
            Composition((LanguageAdapter("given", "qaa", LORA), bottleneck[0]), "average"),
            "different places .*qaa: ia3, as factors within the linear layers, random: seq_bn, after",
        ),
    ]
    for under, message in cases:
        with pytest.raises(StudyError, match=message):
            given.check_composition(under)
    for under in (Composition(lora, "merged"), Composition(bottleneck, "tuned")):
        given.check_composition(under)


def test_the_identity_has_what_the_composition_heeds(resolved: Resolved) -> None:
    def of(mix: str, **more: Any) -> dict[str, Any]:
        return resolved.composition_identity(Composition(pair(LORA), mix, **more))

    assert of("average") == of("average", seed=3, fusion=Fusion(steps=9), weights=(1.0, 3.0))
    assert of("untrained") != of("untrained", seed=3)
    assert of("untrained") == of("untrained", fusion=Fusion(steps=9))
    assert of("tuned") != of("tuned", fusion=Fusion(steps=9))
    assert of("merged") == of("merged", seed=3)
    under = Composition(pair(LORA), "merged", weights=(1.0, 3.0))
    assert resolved.composition_identity(under)["weights"] == [1.0, 3.0]
    assert resolved.composition(resolved.composition_identity(under)) == under


# Plugins

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "writing-a-plugin.md").read_text("utf-8")


def from_guide(name: str) -> str:
    """The example of this name in the guide for authors."""
    return GUIDE.partition(f"```python\n# {name}\n")[2].partition("```")[0]


KIND, COMPOSITION = from_guide("my_adapter.py"), from_guide("my_composition.py")
NEEDY = COMPOSITION.replace('"first"', '"picked"').replace("load=load", 'load=load, needs="pick"')


@pytest.fixture
def study(checkpoint: Path) -> Study:
    return Study(
        model=str(checkpoint), tasks=("pos",), probes=("stacking",), transfer=("qaa", "qab"),
        targets=("qaa", "qab"), train_languages=("qaa",), data={"pos": ("artificial",)}, text="artificial",
        limit=8, seeds=(0,), adapter={"epochs": 1, "limit": 12},
        language_training={"chunk": 16, "batch_size": 2, "lines": 40, "steps": 2, "checks": 1},
    )  # fmt: skip


def test_one_file_adds_a_kind_of_adapter_for_tasks_and_languages(study: Study, tmp_path: Path) -> None:
    path, results = tmp_path / "my_parallel.py", tmp_path / "results"
    path.write_text(KIND)
    own = {"config": "parallel", "alpha": 2}
    study = replace(
        study, adapter={**study.adapter, **own}, language_training={**study.language_training, **own}
    )
    done = api.run(study, results=results, workers=1, device="cpu", plugins=[path])
    assert done.failed == {}
    stored = Stored(results, plugins=[path])
    jobs = [x for x in stored.stored.jobs if x.probe == "stacking"]
    assert {x.condition["under"]["adapters"][0]["language"] for x in jobs} == {"qaa", "qab", ""}
    for facts in stored.store.provenances():
        assert facts["plugins"]["adapter parallel"].startswith("my_parallel (my_parallel.py ")
    for job in jobs:
        for one in (job.condition["adapter"], job.condition["under"]["adapters"][0]):
            assert (one["config"], one["alpha"], one["reduction_factor"]) == ("parallel", 2, 4)
            assert "rank" not in one
            assert one["adapter_plugin"].startswith("sha256:")
    assert {len(x.evaluation.counts) for x in stored.records.records} == {8}
    assert any(x.parts for name, x in stored.pages if name == "stacking")
    with pytest.raises(StudyError, match="leave_out: adapters of the kind parallel have no leave_out"):
        api.plan(replace(study, adapter={**study.adapter, "leave_out": [0]}), plugins=[path])
    mixed = replace(study, probes=("interference",))
    with pytest.raises(StudyError, match="untrained cannot take language adapters of the kind parallel"):
        api.plan(mixed, plugins=[path])
    with pytest.raises(StudyError, match=r"adapter.config: no adapter 'parallel'"):
        api.plan(study)


def test_one_file_adds_a_composition_that_is_run_in_interference(study: Study, tmp_path: Path) -> None:
    path, results = tmp_path / "my_first.py", tmp_path / "results"
    path.write_text(COMPOSITION)
    (other := tmp_path / "needy.py").write_text(NEEDY)
    options = {"interference": {"mixes": ["first", "average"], "random": False}}
    study = replace(study, probes=("interference",), options=options)
    done = api.run(study, results=results, workers=1, device="cpu", plugins=[path])
    assert done.failed == {}
    stored = Stored(results, plugins=[path])
    by = {
        (x.condition["under"]["mix"], x.evaluation.cell.target): x.evaluation.counts
        for x in stored.records.records
        if "under" in x.condition and x.condition["under"]["adapters"][0]["language"] == "qaa"
    }
    for target in ("qaa", "qab"):  # the first of a set is that adapter alone
        assert np.array_equal(by["first", target], by["single", target])
    (page,) = [x for name, x in stored.pages if name == "interference"]
    arms = next(x for x in page.parts if x.title == "Interference by combination")
    assert {row[0] for row in arms.rows} == {"first", "average"}
    assert "First: the first adapter alone; average: the uniform mean" in arms.note
    refused = {"interference": {"mixes": ["picked"]}}
    with pytest.raises(StudyError, match="picked cannot take language adapters of the kind seq_bn"):
        api.plan(replace(study, options=refused), plugins=[other])


def broken(does: str) -> str:
    right = KIND[KIND.index("    from adapters") : KIND.index("\n\n\n@hookimpl")]
    assert right in KIND
    return KIND.replace(right, f"    {does}")


WRONG: dict[str, tuple[str, str]] = {
    "raises": ("raise KeyError('nothing')", "adapter 'parallel' (plugin 'bad' of bad.py"),
    "refuses": ("return lambda **_: 1 / 0", "ZeroDivisionError: division by zero"),
    "takes other settings": ("return lambda size: size", "unexpected keyword argument"),
    "another thing": ("return lambda **_: 42", "gives int, not an AdapterConfig"),
    "no weights": (
        "from adapters import LoRAConfig; return lambda **_: LoRAConfig(attn_matrices=[])",
        "LoRAConfig adds no weights, in a model of this architecture",
    ),
    "shared weights": (
        "from adapters import PrefixTuningConfig; return lambda **_: PrefixTuningConfig(flat=True)",
        "PrefixTuningConfig shares weights between layers, which no file keeps",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_kind_that_is_wrong_is_one_line_with_its_plugin(
    resolved: Resolved, checkpoint: Path, tmp_path: Path, case: str
) -> None:
    does, message = WRONG[case]
    path = tmp_path / "bad.py"
    path.write_text(broken(does))
    method = plugins.load(given=give([path])).method
    how = replace(resolved.training["tags"], config="parallel")
    found = replace(resolved, method=method, training={**resolved.training, "tags": how})
    lab = Lab(found, str(checkpoint), tmp_path / "adapters", device="cpu", threads=1)
    with pytest.raises(PluginError) as caught:
        lab.task_adapter("tags")
    assert message in str(caught.value)
    assert "plugin 'bad'" in str(caught.value)
    assert "\n" not in str(caught.value)
    plain = resolved.training["tags"]
    assert lab.task_adapter("tags", plain)  # nothing of it stands in the way


def together(body: str) -> Callable[[], Any]:
    def load() -> Any:
        from xlbench.lab.compositions.composition import Together

        scope: dict[str, Any] = {"Together": Together}
        exec(textwrap.dedent(body), scope)  # noqa: S102 - the test's own text
        return scope["found"]

    return load


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("found = 42", "gives 42, not a subclass of Together"),
        ("class found(Together):\n    pass", "does not say what lies beneath"),
        ("class found(Together):\n    def beneath(self): return 'nobody'", "composition 'bad'"),
        ("class found(Together):\n    def beneath(self): return self.names[0]", "does not say which weights"),
        (
            "class found(Together):\n    def beneath(self): return self.names[0]\n"
            "    def trained(self): return [], lambda: 0.0",
            "it names no weights to train",
        ),
    ],
)
def test_a_composition_that_is_wrong_is_one_line_with_its_plugin(lab: Lab, body: str, message: str) -> None:
    trained = "weights" in message
    kind = CompositionKind(name="bad", summary="", load=together(body), seeded=True, trained=trained)
    method = lab.resolved.method
    made = replace(
        method,
        compositions={**method.compositions, "bad": kind},
        owners={**method.owners, ("composition", "bad"): "plugin 'mine' of mine.py"},
    )
    lab.resolved = lab.attached.resolved = replace(lab.resolved, method=made)
    with pytest.raises(PluginError) as caught:
        lab.evaluate(lab.resolved.cells("tags"), Composition(pair(LORA), "bad"))
    assert message in str(caught.value)
    assert "composition 'bad' (plugin 'mine' of mine.py)" in str(caught.value)
    assert lab.evaluate(lab.resolved.cells("tags"), Composition(pair(LORA), "average"))
