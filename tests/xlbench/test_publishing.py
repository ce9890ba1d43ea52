"""What is made to be shared has no path of the machine that made it."""

import json
import shutil
from pathlib import Path

import pytest

from xlbench import load_results, plugins
from xlbench.api import Request
from xlbench.cli import reporting, stored
from xlbench.cli.running import run
from xlbench.contracts import BaseModel, Study
from xlbench.reporting.published import Publisher
from xlbench.results import Store

PARTS = ("zaphod", "secretproject", "vaultdir")


def conllu(path: Path, words: str, count: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for i in range(count):
            for place, word in enumerate([*words.split(), words.split()[i % 3]], 1):
                tag = ("NOUN", "VERB", "ADJ")[len(word) % 3]
                file.write(f"{place}\t{word}\t_\t{tag}\t_\t_\t{place - 1}\t_\t_\t_\n")
            file.write("\n")


@pytest.fixture(scope="module")
def shared(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Study]:
    """Results of a study all of whose things lie in folders with names that nobody else may learn."""
    deep = tmp_path_factory.mktemp("x") / "zaphod" / "secretproject"
    shutil.copytree(checkpoint, deep / "checkpoint-500")
    for split, count in (("train", 20), ("dev", 4), ("test", 8)):
        conllu(deep / "vaultdir" / "UD_German-Own" / f"de_own-ud-{split}.conllu", "ana beka koli", count)
    conllu(deep / "vaultdir" / "UD_Finnish-Own" / "fi_own-ud-test.conllu", "dumo sira tavo", 8)
    (deep / "texts").mkdir()
    (deep / "texts" / "deu.txt").write_text("\n".join(f"nelu oru pim zan {i}" for i in range(80)))
    study = Study(
        model=str(deep / "checkpoint-500"), tasks=("pos",), probes=("zero-shot", "transfer", "stacking"),
        data={"pos": (str(deep / "vaultdir" / "UD_*"),)}, text=str(deep / "texts"),
        transfer=("deu",), targets=("deu", "fin"), train_languages=("deu",), steps=(1,), seeds=(0,),
        controls=(), mlm={"chunk": 16}, adapter={"epochs": 1}, language_training={"steps": 1},
    )  # fmt: skip
    results = deep / "results"
    code = run(Request(study, results), device="cpu", workers=1, quiet=True)
    assert code == 0
    return results, study


def leaks(content: bytes) -> list[str]:
    return [x for x in PARTS if x.encode() in content]


def test_no_output_has_a_part_of_a_path(
    shared: tuple[Path, Study], tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    results, _ = shared
    read = reporting.read(results, None)
    reporting.leaderboard(read, tmp_path / "boards")
    reporting.page(read, tmp_path / "report.html")
    for form in ("csv", "json", "parquet"):
        stored.export(results, form, tmp_path / f"scores.{form}", None)  # type: ignore[arg-type]
    made = [x for x in tmp_path.rglob("*") if x.is_file()]
    assert {x.suffix for x in made} >= {".md", ".html", ".csv", ".json", ".parquet"}
    for path in (*made, *(x for x in (results / "jobs").iterdir() if x.is_file())):
        assert leaks(path.read_bytes()) == [], path
    configs = list((results / "adapters").rglob("*.json"))
    assert configs
    for path in configs:
        assert leaks(path.read_bytes()) == [], path
    assert any(json.loads(x.read_text()).get("model_name") == "checkpoint-500" for x in configs)
    (page,) = (tmp_path / "boards").glob("transfer-pos-*.md")
    text = page.read_text()
    assert "--model PATH/checkpoint-500" in text
    assert "PATH/UD_*" in text
    assert "zaphod" not in str(load_results(results).to_dict())


def test_the_private_record_keeps_the_paths(shared: tuple[Path, Study]) -> None:
    results, study = shared
    assert Store(results).study().study["model"] == study.model


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("open '/home/ann lee/ckpt/config.json': no", "open 'PATH/config.json': no"),
        ("/srv/a/b.txt:3:5: bad tag, and /etc/x/y", "PATH/b.txt:3:5: bad tag, and PATH/y"),
        ("C:\\Users\\ann\\x.txt is bad", "PATH/x.txt is bad"),
        ("file:///home/ann/x", "PATH/x"),
        ("in ~ann/sets/one", "in PATH/one"),
        ("at /home/ann", "at PATH"),
        ("and/or, ~3/4 points/step, 10 /s, org/name, https://a.b/c/d", None),
    ],
)
def test_paths_in_a_text_are_taken_out_and_nothing_else(text: str, left: str | None) -> None:
    assert Publisher({}).text(text) == (text if left is None else left)


def test_what_a_study_names_is_known_by_its_last_part() -> None:
    asked = {
        "model": "runs/ann/checkpoint-5", "text": "../ann/text", "targets": ["deu"],
        "data": {"pos": ["artificial", "sets/ann/UD_*"], "ner": "hub-set"},
        "language_adapters": {"deu": "org/name@main", "fin": "./ann/fin"},
    }  # fmt: skip
    study = Publisher(asked, "checkpoint-5").study
    assert "ann" not in str(study)
    assert study["language_adapters"] == {"deu": "org/name@main", "fin": "PATH/fin"}
    assert study["data"] == {"pos": ["artificial", "PATH/UD_*"], "ner": "hub-set"}
    assert Publisher({"model": "org/name"}, "org/name").study["model"] == "org/name"
    assert Publisher({"text": "hub:org/set:text:deu"}).study["text"] == "hub:org/set:text:deu"


@pytest.mark.parametrize(
    ("name", "checkpoint", "source"),
    [
        ("checkpoint-5", "/home/ann/runs/checkpoint-5", "checkpoint-5"),
        ("checkpoint-5", "runs/checkpoint-5/", "checkpoint-5"),
        ("here", "..", "here"),
        ("org/name", "org/name", "org/name"),
        ("own", "org/name", "org/name"),
    ],
)
def test_a_checkpoint_is_known_by_its_name(name: str, checkpoint: str, source: str) -> None:
    assert BaseModel(name, "", checkpoint).source == source


def test_registered_models_keep_their_hub_ids() -> None:
    for model in plugins.load().models.values():
        assert model.source == model.checkpoint or model.checkpoint.startswith("/")
