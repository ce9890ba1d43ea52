"""Kinds of adapter: what they compute, against plain linear algebra, and what they can be in a study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from adapters.composition import Average, Stack
from made import built_in
from torch import nn

from xlbench import plugins
from xlbench.contracts import AdapterTraining, LanguageTraining, Resolved, Study
from xlbench.contracts.settings import tuples
from xlbench.errors import StudyError
from xlbench.lab.adapters import configuration
from xlbench.lab.encoder import Encoder
from xlbench.spec.problems import Problems
from xlbench.studies import adapter_kinds


@pytest.fixture(scope="module")
def encoder(checkpoint: Path) -> Encoder:
    return Encoder(str(checkpoint), torch.device("cpu"))


@pytest.fixture
def fresh(encoder: Encoder) -> Any:
    """Puts adapters with random weights into the model, by name, for one test."""
    made: list[str] = []

    def add(name: str, how: AdapterTraining | LanguageTraining) -> dict[str, nn.Parameter]:
        configuration.add(encoder, built_in(), how, name)
        made.append(name)
        torch.manual_seed(len(made))
        weights = dict(encoder.weights_of(name))
        for parameter in weights.values():
            nn.init.normal_(parameter, 1.0 if how.config == "ia3" else 0.0, 0.3)
        return weights

    yield add
    encoder.use_no_adapter()
    for name in made:
        encoder.delete_adapter(name)


def vectors(encoder: Encoder, setup: Any) -> torch.Tensor:
    encoder.model.set_active_adapters(setup)
    with torch.inference_mode():
        found: torch.Tensor = encoder.body(input_ids=torch.arange(5, 25).reshape(2, 10))[0]
    return found


def by_hand(checkpoint: Path, *steps: tuple[str, dict[str, nn.Parameter], float]) -> torch.Tensor:
    """Vectors of plain transformers, its weights changed by low-rank matrices or by factors, in order."""
    from transformers import AutoModel

    plain = AutoModel.from_pretrained(str(checkpoint)).eval()
    with torch.no_grad():
        for kind, weights, scaling in steps:
            for path, b in weights.items():
                if not path.endswith("lora_B"):
                    continue
                place = path.partition(".loras.")[0].partition(".")[2]
                linear = plain.get_submodule(place)
                if kind == "lora":
                    linear.weight += scaling * b @ weights[path.replace("lora_B", "lora_A")]
                else:
                    linear.weight *= b.reshape(-1, 1)
                    linear.bias *= b.reshape(-1)
        found: torch.Tensor = plain(input_ids=torch.arange(5, 25).reshape(2, 10))[0]
    return found


RANKS = {"lora": {"rank": 3, "alpha": 6}, "ia3": {}}


@pytest.mark.parametrize("beneath", ["lora", "ia3"])
@pytest.mark.parametrize("over", ["lora", "ia3"])
def test_an_adapter_over_another_begins_from_the_layers_own_input(
    encoder: Encoder, checkpoint: Path, fresh: Any, beneath: str, over: str
) -> None:
    """The library alone gives the upper one what the lower adds, and loses the lower one."""
    lower = fresh("lower", LanguageTraining(config=beneath, **RANKS[beneath]))  # type: ignore[arg-type]
    upper = fresh("upper", AdapterTraining(config=over, **RANKS[over]))  # type: ignore[arg-type]
    alone = by_hand(checkpoint, (over, upper, 2.0))
    both = by_hand(checkpoint, (beneath, lower, 2.0), (over, upper, 2.0))
    assert torch.allclose(vectors(encoder, "upper"), alone, atol=1e-5)
    assert torch.allclose(vectors(encoder, Stack("lower", "upper")), both, atol=1e-5)
    assert not torch.allclose(alone, both, atol=1e-2)


def test_layers_that_an_adapter_leaves_out_have_the_others_alone(
    encoder: Encoder, checkpoint: Path, fresh: Any
) -> None:
    how = LanguageTraining(config="lora", **RANKS["lora"], leave_out=(1,))
    lower, other = fresh("lower", how), fresh("other", how)
    assert not any("layer.1." in x for x in lower)
    assert any("layer.0." in x for x in lower)
    upper = fresh("upper", AdapterTraining(config="lora", **RANKS["lora"]))
    both = by_hand(checkpoint, ("lora", lower, 2.0), ("lora", upper, 2.0))
    assert torch.allclose(vectors(encoder, Stack("lower", "upper")), both, atol=1e-5)
    mean = Average("lower", "other", weights=[1.0, 1.0], normalize_weights=False)
    found = vectors(encoder, Stack(mean, "upper"))
    parts = ("lora", lower, 1.0), ("lora", other, 1.0), ("lora", upper, 2.0)
    assert torch.allclose(found, by_hand(checkpoint, *parts), atol=1e-5)


def test_bottlenecks_that_leave_out_a_layer_are_averaged_in_the_others(encoder: Encoder, fresh: Any) -> None:
    """Two copies of one adapter have its vectors; the library alone finds no adapter in layer 1."""
    how = LanguageTraining(reduction_factor=4, leave_out=(1,))
    one, copy = fresh("one", how), fresh("copy", how)
    fresh("upper", AdapterTraining(reduction_factor=4))
    with torch.no_grad():
        for path, parameter in one.items():
            copy[path.replace(".one.", ".copy.")].copy_(parameter)
    mean = Average("one", "copy", weights=[1.0, 1.0], normalize_weights=False)
    assert torch.allclose(
        vectors(encoder, Stack(mean, "upper")), vectors(encoder, Stack("one", "upper")), atol=1e-5
    )


@pytest.mark.parametrize("kind", ["lora", "ia3"])
def test_stacks_in_layers_that_make_queries_keys_and_values_at_once(kind: str) -> None:
    """As merged into the weights, which the library does for one at a time."""
    from adapters import GPT2AdapterModel
    from transformers import GPT2Config

    from xlbench.lab.compositions import stacks

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=40, n_positions=32, n_embd=16, n_layer=2, n_head=2)
    model = GPT2AdapterModel(config).eval()
    stacks.put_right(model)
    trained = AdapterTraining(config=kind, **RANKS[kind])  # type: ignore[arg-type]
    for name in ("lower", "upper"):
        model.add_adapter(name, config=configuration.configured(built_in(), trained))
    for path, parameter in model.named_parameters():
        if ".loras." in path:
            nn.init.normal_(parameter, float(kind == "ia3"), 0.3)
    ids = torch.arange(5, 25).reshape(2, 10)
    with torch.inference_mode():
        model.set_active_adapters(Stack("lower", "upper"))
        found = model.transformer(input_ids=ids)[0]
        model.set_active_adapters(None)
        bare = model.transformer(input_ids=ids)[0]
        for name in ("lower", "upper"):
            for module in model.modules():
                if hasattr(module, "merge_adapter") and hasattr(module, "loras"):
                    module.merge_adapter(name)
                    module.merged = False
        merged = model.transformer(input_ids=ids)[0]
    assert torch.allclose(found, merged, atol=1e-5)
    assert not torch.allclose(found, bare, atol=1e-2)


# In a study


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ({"adapter": {"config": "lorra"}}, "adapter.config: no adapter 'lorra'; did you mean lora?"),
        (
            {"adapter": {"tags.config": "seq_bn_inv"}},
            "adapter.config: seq_bn_inv cannot be a task adapter; name one of seq_bn, lora, ia3",
        ),
        (
            {"language_training": {"config": "ia3", "rank": 4}},
            "language_training.rank: adapters of the kind ia3 have no rank; it has leave_out",
        ),
        ({"adapter": {"rank": 4}}, "adapter.rank: adapters of the kind seq_bn have no rank; it has"),
        (
            {"adapter": {"leave_out": [0, 2]}},
            "adapter.leave_out: no layer 2; the model has 2, counted from 0",
        ),
        ({"language_training": {"leave_out": [1, 0]}}, "leave_out: all 2 layers of the model; one must have"),
    ],
)
def test_kinds_and_settings_that_make_no_sense_are_one_line(study: dict[str, Any], message: str) -> None:
    asked, problems = Study(**study), Problems()
    said = {k.rpartition(".")[2]: v for k, v in asked.adapter.items()}
    training = {"tags": AdapterTraining(**tuples(said))}
    language = LanguageTraining(**tuples(asked.language_training))
    adapter_kinds.check(asked, training, language, plugins.load(), 2, problems)
    (line,) = problems.lines
    assert message in line


def test_what_a_task_sets_for_one_kind_does_nothing_for_another(resolved: Resolved) -> None:
    """A study that names the kind alone need not unset what the task's author chose for bottlenecks."""
    own = replace(resolved.training["tags"], reduction_factor=4)
    lora = replace(own, config="lora")
    problems = Problems()
    adapter_kinds.check(
        Study(adapter={"config": "lora"}), {"tags": lora}, LanguageTraining(), plugins.load(), 2, problems
    )
    assert not problems.lines
    identity = resolved.with_training({"tags": lora}).adapter_identity("tags")
    assert (identity["rank"], identity["alpha"]) == (8, 8)
    assert "reduction_factor" not in identity
    plain = resolved.with_training({"tags": replace(own, reduction_factor=None)}).adapter_identity("tags")
    assert (plain["reduction_factor"], "config" in plain) == (16, False)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--task-adapter", "lora"], {"adapter": {"config": "lora"}}),
        (
            ["--task-adapter", "ia3", "--adapter", "epochs=2,leave_out=1", "--language-adapter-kind", "lora"],
            {
                "adapter": {"config": "ia3", "epochs": 2, "leave_out": [1]},
                "language_training": {"config": "lora"},
            },
        ),
        (
            ["--task-adapter", "lora", "--adapter", "config=ia3"],
            "--task-adapter lora and --adapter config=ia3 say two things; leave one out",
        ),
    ],
)
def test_kinds_have_options_of_their_own(words: list[str], expected: Any) -> None:
    import typer
    from typer.testing import CliRunner

    from xlbench.cli.options import asks

    app, found = typer.Typer(), []
    app.command()(asks(lambda study: found.append(study)))
    done = CliRunner().invoke(app, words)
    if isinstance(expected, str):
        assert isinstance(done.exception, StudyError)
        assert str(done.exception) == expected
    else:
        assert found == [Study(**expected)]
