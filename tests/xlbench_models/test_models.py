"""What is said of the published models."""

import csv
import re
from pathlib import Path

import pytest

from xlbench.contracts import BaseModel
from xlbench.data.codes import parse
from xlbench.data.languages import codes
from xlbench_models import cc100, decoders, glot500, mbert, mmbert, t5, xlmr

MODELS = {
    x.name: x
    for module in (mbert, xlmr, cc100, glot500, mmbert, t5, decoders)
    for x in module.xlbench_models()
}  # fmt: skip
LISTED = {name: x for name, x in MODELS.items() if x.pretraining_languages is not None}


def test_names_and_checkpoints() -> None:
    assert {name: x.checkpoint for name, x in MODELS.items()} == {
        "mbert": "google-bert/bert-base-multilingual-cased",
        "xlmr": "FacebookAI/xlm-roberta-base",
        "xlmr-large": "FacebookAI/xlm-roberta-large",
        "xlmv": "facebook/xlm-v-base",
        "mdeberta": "microsoft/mdeberta-v3-base",
        "minilm": "microsoft/Multilingual-MiniLM-L12-H384",
        "glot500": "cis-lmu/glot500-base",
        "mmbert": "jhu-clsp/mmBERT-base",
        "mt5-small": "google/mt5-small",
        "mt5-base": "google/mt5-base",
        "umt5-small": "google/umt5-small",
        "qwen3-0.6b": "Qwen/Qwen3-0.6B-Base",
        "gemma-3-270m": "google/gemma-3-270m",
        "smollm3": "HuggingFaceTB/SmolLM3-3B-Base",
        "apertus": "swiss-ai/Apertus-8B-2509",
    }


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_model_has_a_source_and_pins_a_commit_if_any(model: BaseModel) -> None:
    assert model.languages_source
    assert model.revision is None or re.fullmatch("[0-9a-f]{40}", model.revision)
    assert re.search(r"\d+ layers of \d+", model.summary)


@pytest.mark.parametrize("model", LISTED.values(), ids=LISTED)
def test_pretraining_languages_are_languages(model: BaseModel) -> None:
    assert model.pretraining_languages <= codes()
    assert all(parse(x, "iso639-3") == x for x in model.pretraining_languages)


def test_the_lists_have_the_length_that_was_published() -> None:
    # 104 with Chinese twice, and `nor` is ours.
    assert len(MODELS["mbert"].pretraining_languages) == 104 - 1 + 1
    assert LISTED.keys() - {"mbert"} == {"xlmr", "xlmr-large", "xlmv", "mdeberta", "minilm"}
    assert len({x.pretraining_languages for x in LISTED.values()}) == 2


@pytest.mark.parametrize(("name", "column"), [("mbert", "in_mbert"), ("xlmr", "in_xlmr")])
def test_pretraining_languages_agree_with_the_manifest(shared_data: Path, name: str, column: str) -> None:
    with (shared_data / "MANIFEST.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    listed = {row["iso639_3"]: row[column] == "yes" for row in rows}
    seen = MODELS[name].pretraining_languages
    assert {code: code in seen for code in listed} == listed
