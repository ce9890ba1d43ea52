"""Language adapters that come with a study: made by plain `adapters` code, checked against the model."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xlbench import checkpoints, given_adapters
from xlbench.contracts import BaseModel
from xlbench.errors import ModelError

Save = Callable[..., Path]


@pytest.fixture(scope="module")
def config(checkpoint: Path) -> Any:
    return checkpoints.config(checkpoints.locate(BaseModel("made", "", str(checkpoint))))


@pytest.fixture(scope="module")
def save(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Save:
    """Saves an adapter as anyone would who has never heard of xlbench."""

    def write(kind: str, **how: Any) -> Path:
        from adapters import AutoAdapterModel

        model = AutoAdapterModel.from_pretrained(checkpoint)
        model.add_adapter("lang", config=kind)
        folder = tmp_path_factory.mktemp("adapter")
        model.save_adapter(str(folder), "lang", **how)
        return folder

    return write


@pytest.mark.parametrize("how", [{}, {"use_safetensors": True}])
def test_an_adapter_of_plain_adapters_code_is_found(save: Save, config: Any, how: dict[str, Any]) -> None:
    folder = save("seq_bn", **how)
    found = given_adapters.find(str(folder), config)
    assert (found.source, found.folder, found.invertible) == (folder.name, str(folder), False)
    assert found.mixable
    assert not given_adapters.find(str(save("double_seq_bn", **how)), config).mixable
    assert given_adapters.find(str(save("seq_bn_inv", **how)), config).invertible


def test_the_fingerprint_follows_the_weights_and_not_the_place(
    save: Save, config: Any, tmp_path: Path
) -> None:
    one, other = save("seq_bn"), save("seq_bn")
    copy = tmp_path / "elsewhere"
    shutil.copytree(one, copy)
    first = given_adapters.find(str(one), config).fingerprint
    assert given_adapters.find(str(copy), config).fingerprint == first
    assert given_adapters.find(str(other), config).fingerprint != first


def spoiled(folder: Path, **changes: Any) -> Path:
    path = folder / given_adapters.CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda save: spoiled(save("seq_bn"), model_type="roberta"),
            "made for architecture roberta, but the",
        ),
        (
            lambda save: spoiled(save("seq_bn"), hidden_size=999),
            "made for hidden size 999, but the model's is",
        ),
        (lambda save: spoiled(save("seq_bn"), config=None), "adapter_config.json is not that of an adapter"),
        (lambda save: save("lora"), "not a bottleneck adapter but lora"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(
    save: Save, config: Any, spoil: Callable[[Save], Path], message: str
) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        given_adapters.find(str(spoil(save)), config)
    assert "\n" not in str(caught.value)


def test_what_is_no_adapter_is_refused(config: Any, checkpoint: Path, tmp_path: Path, save: Save) -> None:
    with pytest.raises(ModelError, match="no such folder of an adapter"):
        given_adapters.find("./nowhere", config)
    with pytest.raises(ModelError, match=r"no adapter_config\.json"):
        given_adapters.find(str(checkpoint), config)
    shutil.copy(save("seq_bn") / given_adapters.CONFIG, tmp_path)
    with pytest.raises(ModelError, match="no weights beside"):
        given_adapters.find(str(tmp_path), config)
    (tmp_path / given_adapters.CONFIG).write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        given_adapters.find(str(tmp_path), config)
