"""Studies of real data through files as they are published, without conversion, from the command line."""

import shutil
from pathlib import Path

import pytest

from xlbench import api, cli
from xlbench.contracts import Study
from xlbench.errors import StudyError
from xlbench.spec.study import as_json, command, parse


def main(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> int:
    """Exit code of the command line."""
    monkeypatch.setattr("sys.argv", ["xlbench", *words])
    return cli.main()


@pytest.fixture(scope="module")
def release(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of all treebanks here; a second one for some languages, and two code-switched ones."""
    top = tmp_path_factory.mktemp("release") / "ud-treebanks-v9.9"
    banks = sorted(x.name for x in (shared_data / "ud").iterdir() if x.is_dir())
    more = {"en_gum": "en_ewt", "de_hdt": "de_gsd", "qhe_hiencs": "hi_pud", "qtd_sagt": "de_gsd"}
    for bank in (*banks, *more):
        code, _, name = bank.partition("_")
        folder = top / f"UD_{code.title()}-{name.upper()}"
        folder.mkdir(parents=True)
        for file in (shared_data / "ud" / more.get(bank, bank)).glob("*.conllu"):
            shutil.copy(file, folder / f"{bank}-ud-{file.name}")
        (folder / "README.md").write_text("about")
    assert len(list(top.iterdir())) >= 30
    return top


def test_a_release_is_planned_for_the_studys_languages(release: Path, tmp_path: Path) -> None:
    study = Study(
        model="tiny", probes=("zero-shot",), seeds=(0,), tasks=("pos",), targets=("deu", "wol", "tam"),
        train_languages=("eng",), data={"pos": (f"{release}/UD_*",), "pos.eng": ("*GUM",)},
    )  # fmt: skip
    plan = api.prepare(api.Request(study, results=tmp_path)).plan
    assert [x.partition(" (")[0] for x in plan.notes] == [
        "pos deu: UD_De-GSD; not UD_De-HDT", "pos eng: UD_En-GUM; not UD_En-EWT",
        "pos passed over, not of one language: qhe_hiencs, qtd_sagt",
    ]  # fmt: skip
    assert "--data 'pos.eng=*GUM'" in command(study)
    assert parse(as_json(plan.study)).data["pos.eng"] == ("*GUM",)


@pytest.mark.slow
def test_a_release_is_planned_and_run(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["--probe", "zero-shot", "--task", "pos", "--data", f"pos={release}/UD_*", "--model", "tiny"]
    asked += ["--targets", "deu,wol,tam", "--train-languages", "eng", "--limit", "10"]
    asked += ["--adapter", "epochs=1,limit=32", "--results", str(tmp_path / "results")]
    assert main(monkeypatch, ["plan", *asked]) == 0
    said = capsys.readouterr().out
    assert "pos eng: UD_En-EWT; not UD_En-GUM" in said
    assert "pos deu: UD_De-GSD; not UD_De-HDT" in said
    assert said.count("qhe_hiencs") == 1
    assert "Cy-CCG" not in said  # nobody asks for Welsh
    assert main(monkeypatch, ["plan", *asked, "--data", "pos.eng=*GUM"]) == 0
    again = capsys.readouterr().out
    assert "pos eng: UD_En-GUM; not UD_En-EWT" in again
    assert "--data 'pos.eng=*GUM'" in again
    assert main(monkeypatch, ["run", *asked, "--quiet", "--workers", "1"]) == 0


@pytest.mark.parametrize(
    ("task", "folder", "targets", "train", "said"),
    [
        ("ner-masakhane", "masakhaner2", "hau", "kin", ""),
        ("ner", "masakhaner2", "hau", "kin", "read as O"),
        ("ner", "uner", "eng", "", ""),
        ("nli", "americasnli", "aym,quy", "", ""),
        ("nli", "myxnli", "mya", "", ""),
    ],
)
def test_published_files_are_planned(
    shared_data: Path, tmp_path: Path, task: str, folder: str, targets: str, train: str, said: str
) -> None:
    folders = [str(shared_data / "raw" / folder)]
    if not train:  # the set has no training data: as people do, with other data for that language
        train, made = "fin", tmp_path / "fin_x"
        made.mkdir()
        ner = "Anna\tB-PER\nkam\tO\n\n" * 8
        nli = "premise\thypothesis\tlabel\n" + "a b\tc d\tneutral\n" * 8
        (made / ("train.conll" if task == "ner" else "train.tsv")).write_text(ner if task == "ner" else nli)
        folders.append(str(made))
    study = Study(
        model="tiny", probes=("zero-shot",), seeds=(0,), tasks=(task,), targets=tuple(targets.split(",")),
        train_languages=(train,), data={task: tuple(folders)},
    )  # fmt: skip
    plan = api.prepare(api.Request(study, results=tmp_path / "results")).plan
    assert len(plan.jobs) == 1
    assert len(plan.jobs[0].cells) == len(targets.split(","))
    assert said in "\n".join(plan.notes)


def test_a_limit_draws_from_sorted_files(shared_data: Path) -> None:
    study = Study(
        model="tiny", probes=("zero-shot",), seeds=(0,), tasks=("topic",), targets=("deu", "eng"), limit=30,
        train_languages=("eng",), data={"topic": (str(shared_data / "topic"),)},
    )  # fmt: skip
    resolved = api.prepare(api.Request(study)).resolved
    german, english = (resolved.examples("topic", x, "test") for x in ("deu", "eng"))
    assert [x.label for x in german] == [x.label for x in english]  # type: ignore[union-attr]
    assert len({x.label for x in german}) > 3  # type: ignore[union-attr]


def test_what_the_data_are_written_in(tmp_path: Path) -> None:
    for code, text in (
        ("eng", "Ana ima kuću u gradu"),
        ("srp", "Ана има кућу у граду"),
        ("kas", "यह घर नगर में"),
    ):
        rows = "".join(f"{i}\ttravel\t{text} {i}\n" for i in range(9))
        (tmp_path / f"{code}_x").mkdir()
        for split in ("train", "test"):
            (tmp_path / f"{code}_x" / f"{split}.tsv").write_text(f"index_id\tcategory\ttext\n{rows}", "utf-8")
    study = Study(
        model="tiny", probes=("zero-shot",), seeds=(0,), tasks=("topic",), targets=("srp", "kas"),
        train_languages=("eng",), data={"topic": (str(tmp_path),)},
    )  # fmt: skip
    languages = api.prepare(api.Request(study)).resolved.languages
    assert {x: languages[x].script for x in ("eng", "srp", "kas")} == {
        "eng": "Latn", "srp": "Cyrl", "kas": "Deva",
    }  # fmt: skip


def test_a_label_outside_the_set_is_found_in_planning(tmp_path: Path) -> None:
    for split, label in (("train", "neutral"), ("test", "maybe")):
        (tmp_path / "deu_x").mkdir(exist_ok=True)
        text = f"premise\thypothesis\tlabel\na\tb\tneutral\na\tb\t{label}\n"
        (tmp_path / "deu_x" / f"{split}.tsv").write_text(text)
    study = Study(
        model="tiny", probes=("zero-shot",), seeds=(0,), tasks=("nli",), targets=("deu",),
        train_languages=("deu",), data={"nli": (str(tmp_path),)},
    )  # fmt: skip
    with pytest.raises(StudyError, match=r"deu_x/test\.tsv:3: column 3: unknown label 'maybe'"):
        api.prepare(api.Request(study))


def test_names_that_are_sets_and_folders_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ud" / "deu_x").mkdir(parents=True)
    (tmp_path / "wikipedia").mkdir()
    (tmp_path / "wikipedia" / "deu.txt").write_text("Satz\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError) as error:
        api.prepare(api.Request(Study(tasks=("pos",), data={"pos": ("ud",)}, text="wikipedia")))
    assert "write pos=./ud for the folder" in str(error.value)
    assert "write ./wikipedia for the folder" in str(error.value)
