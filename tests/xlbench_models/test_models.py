"""What is said of the published models."""

import csv
from pathlib import Path

import pytest

from xlbench.contracts import BaseModel
from xlbench_models import mbert, xlmr
from xlbench_tasks.languages import codes

MODELS = {x.name: x for module in (mbert, xlmr) for x in module.xlbench_models()}


def test_names_and_checkpoints() -> None:
    assert {name: x.checkpoint for name, x in MODELS.items()} == {
        "mbert": "google-bert/bert-base-multilingual-cased",
        "xlmr": "FacebookAI/xlm-roberta-base",
        "xlmr-large": "FacebookAI/xlm-roberta-large",
    }


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_pretraining_languages_are_languages_with_a_source(model: BaseModel) -> None:
    assert model.pretraining_languages <= codes()
    assert model.languages_source


def test_the_lists_have_the_length_that_was_published() -> None:
    # 104 with Chinese twice, and `nor` is ours.
    assert len(MODELS["mbert"].pretraining_languages) == 104 - 1 + 1
    assert MODELS["xlmr"].pretraining_languages == MODELS["xlmr-large"].pretraining_languages


@pytest.mark.parametrize(("name", "column"), [("mbert", "in_mbert"), ("xlmr", "in_xlmr")])
def test_pretraining_languages_agree_with_the_manifest(shared_data: Path, name: str, column: str) -> None:
    with (shared_data / "MANIFEST.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    listed = {row["iso639_3"]: row[column] == "yes" for row in rows}
    seen = MODELS[name].pretraining_languages
    assert {code: code in seen for code in listed} == listed
