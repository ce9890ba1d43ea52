"""From a study to what it names: filled in, checked, all problems at once."""

import pickle
import shutil
from pathlib import Path

import pytest

from xlbench import plugins
from xlbench.contracts import Study
from xlbench.errors import StudyError, UnknownNameError
from xlbench.plugins import Registry
from xlbench.spec.problems import ManyProblemsError
from xlbench.studies.lookup import describe_language
from xlbench.studies.missing_data import check_data, left_out
from xlbench.studies.resolve import resolve


@pytest.fixture(scope="module")
def registry() -> Registry:
    return plugins.load()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Folders in the layouts of tagging and classification data, and text."""
    sentence = "1\t{w}\t_\tNOUN\t_\t_\t0\troot\t_\t_\n2\t{w}s\t_\tVERB\t_\t_\t1\tdep\t_\t_\n\n"
    for code in ("en", "de", "fi"):
        folder = tmp_path / "ud" / f"{code}_made"
        folder.mkdir(parents=True)
        for split in ("train", "test") if code != "fi" else ("test",):
            (folder / f"{split}.conllu").write_text(
                "".join(sentence.format(w=f"{code}{split}{i}") for i in range(4))
            )
    for code in ("eng", "deu"):
        folder = tmp_path / "ner" / f"{code}_made"
        folder.mkdir(parents=True)
        for split in ("train", "test"):
            (folder / f"{split}.conll").write_text(f"Ana{split}\tB-PER\nran\tO\n\n" * 2)
    text = tmp_path / "text"
    text.mkdir()
    for code in ("eng", "deu", "tur"):
        (text / f"{code}.txt").write_text(f"a line of {code}\nanother\n")
    return tmp_path


def ask(checkpoint: Path, root: Path, **changes: object) -> Study:
    said = {
        "model": str(checkpoint),
        "tasks": ("pos", "ner"),
        "transfer": ("tur",),
        "data": {"pos": (f"{root}/ud/*",), "ner": (f"{root}/ner/*",)},
        "text": f"{root}/text",
        **changes,
    }
    return Study(**said)  # type: ignore[arg-type]


def problems(study: Study, registry: Registry) -> tuple[str, ...]:
    with pytest.raises(ManyProblemsError) as caught:
        resolve(study, registry)
    assert all("\n" not in x for x in caught.value.problems)
    return caught.value.problems


def test_what_is_left_open_is_filled_in(checkpoint: Path, data: Path, registry: Registry) -> None:
    found = resolve(ask(checkpoint, data, adapter={"epochs": 1}, mlm={"chunk": 64}), registry)
    study = found.study
    assert study.probes == ("transfer",)
    assert (study.steps, study.seeds) == ((1, 10, 100), (0, 1, 2))
    assert study.controls == ("target", "reference", "shuffled")
    assert study.train_languages == ("eng",)
    assert study.reference == "eng"
    assert set(study.targets) == {"deu", "eng", "fin"}
    assert set(found.targets["pos"]) == {"deu", "eng", "fin"}
    assert set(found.targets["ner"]) == {"deu", "eng"}
    assert left_out(found) == ("ner: no test data in fin; left out there",)
    assert {x.epochs for x in found.training.values()} == {1}
    assert found.training["pos"].learning_rate == registry.tasks["pos"].training.learning_rate
    assert (found.mlm.chunk, found.mlm.batch_size) == (64, 8)
    assert found.languages["tur"].name == "Turkish"
    check_data(found)
    # What is filled in is all there is: the filled study resolves to itself.
    assert resolve(study, registry).study == study


def test_codes_become_iso_639_3(checkpoint: Path, data: Path, registry: Registry) -> None:
    found = resolve(ask(checkpoint, data, transfer=("tr",), targets=("de", "fi")), registry)
    assert (found.study.transfer, found.study.targets) == (("tur",), ("deu", "fin"))


def test_the_same_fingerprint_from_another_place(checkpoint: Path, data: Path, registry: Registry) -> None:
    study = ask(checkpoint, data, targets=("deu",))
    moved = data.parent / "moved"
    data.rename(moved)
    other = ask(checkpoint, moved, targets=("deu",))
    moved.rename(data)
    first = resolve(study, registry)
    before = (first.adapter_identity("pos"), first.text_identity("tur"), first.cells("pos"))
    data.rename(moved)
    second = resolve(other, registry)
    assert (second.adapter_identity("pos"), second.text_identity("tur"), second.cells("pos")) == before


def test_all_problems_are_told_at_once(checkpoint: Path, data: Path, registry: Registry) -> None:
    study = ask(
        data / "text",
        data,
        probes=("tranfer",),
        tasks=("pos", "nre"),
        transfer=("tur", "fin", "Turkich"),
        targets=("deu", "de", "kor"),
        train_languages=("eng", "fin"),
        data={"pos": (f"{data}/ud/*",), "poss": ("x",)},
        reference="fin",
    )
    found = problems(study, registry)
    expected = (
        "no probe 'tranfer'; did you mean transfer?",
        "'Turkich'",
        "targets: 'deu' and 'de' are both deu",
        "no task 'nre'; did you mean ner?",
        "no task 'poss'; did you mean pos?",
        "no test data in kor",
        "no training data in fin for pos",
        "no text in fin in",
        "no text in fin, the reference language",
        "no config.json",
    )
    for part in expected:
        assert any(part in x for x in found), (part, found)
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tasks": ()}, "no task: name one or more"),
        ({"text": None}, "no text to finetune on"),
        ({"text": "wikipedai"}, "no corpus 'wikipedai'; did you mean wikipedia?"),
        ({"data": {"pos": ("nowhere",)}, "tasks": ("pos",)}, "no data 'nowhere' for the task pos"),
        ({"data": {"pos": ("no*where",)}, "tasks": ("pos",)}, "no data 'no*where' for the task pos"),
        ({"targets": ("fin",), "tasks": ("ner",)}, "no test data in fin for ner"),
        ({"targets": ("fin",)}, "no test data in any target for ner"),
        ({"options": {"nothing": {"a": 1}}}, "no probe 'nothing'"),
    ],
)
def test_each_problem(
    checkpoint: Path, data: Path, registry: Registry, changes: dict[str, object], expected: str
) -> None:
    (line,) = problems(ask(checkpoint, data, **changes), registry)
    assert expected in line


def test_unknown_models(registry: Registry) -> None:
    with pytest.raises(UnknownNameError, match=r"no model 'mbrt'; did you mean mbert"):
        resolve(Study(model="mbrt"), registry)
    with pytest.raises(UnknownNameError, match="nor is it a checkpoint folder"):
        resolve(Study(model="./nowhere"), registry)


def test_broken_files_are_found_before_anything_trains(
    checkpoint: Path, data: Path, registry: Registry
) -> None:
    (data / "ud" / "de_made" / "test.conllu").write_text("1\tonly\tthree\n\n")
    (data / "text" / "tur.txt").write_text("\n\n")
    with pytest.raises(ManyProblemsError) as caught:
        check_data(resolve(ask(checkpoint, data), registry))
    first, second = caught.value.problems
    assert "test.conllu:1" in first
    assert "tur.txt: no text" in second
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.problems == caught.value.problems
    assert isinstance(again, StudyError)


def test_a_language_that_no_plugin_knows_still_has_a_name(registry: Registry) -> None:
    code = next(x for x in ("niu", "rap", "tvl", "yap") if x not in registry.languages)
    language = describe_language(code, registry)
    assert language.code == code
    assert language.name not in {"", code}
    assert language.family == "unknown"


def test_no_text_is_needed_where_nothing_is_finetuned(
    checkpoint: Path, data: Path, registry: Registry
) -> None:
    found = resolve(ask(checkpoint, data, transfer=(), text=None, probes=("zero-shot",)), registry)
    assert list(found.corpus.languages()) == []


def test_the_study_says_what_an_unregistered_model_has_seen(
    registry: Registry, checkpoint: Path, data: Path
) -> None:
    silent = resolve(ask(checkpoint, data), registry)
    assert silent.seen("deu") is None
    told = resolve(ask(checkpoint, data, pretraining_languages=("en", "deu")), registry)
    assert (told.seen("eng"), told.seen("deu"), told.seen("tur")) == (True, True, False)
    assert told.model_fingerprint == silent.model_fingerprint


def test_adapter_settings_for_one_task_leave_the_others_alone(
    registry: Registry, checkpoint: Path, data: Path
) -> None:
    said = {"epochs": 2, "ner.epochs": 7, "ner.learning_rate": 1e-4}
    found = resolve(ask(checkpoint, data, adapter=said), registry)
    assert (found.training["pos"].epochs, found.training["ner"].epochs) == (2, 7)
    assert found.training["pos"].learning_rate == found.tasks["pos"].training.learning_rate
    assert found.training["ner"].learning_rate == 1e-4
    (line,) = problems(ask(checkpoint, data, adapter={"nli.epochs": 1}), registry)
    assert "'nli' is not in the study" in line


def test_a_probe_takes_only_what_it_has_to_set(registry: Registry, checkpoint: Path, data: Path) -> None:
    (line,) = problems(ask(checkpoint, data, options={"transfer": {"typo": 1}}), registry)
    assert line == "unknown key options.transfer.typo; known are further_seeds, gradients"
    (line,) = problems(ask(checkpoint, data, options={"zero-shot": {}}), registry)
    assert "the probe 'zero-shot' is not in the study" in line


def test_an_adapter_takes_the_place_of_text(registry: Registry, checkpoint: Path, data: Path) -> None:
    from adapters import AutoAdapterModel

    model = AutoAdapterModel.from_pretrained(checkpoint)
    model.add_adapter("mine", config="seq_bn_inv")
    model.save_adapter(str(data / "mine"), "mine")
    given = {"wo": str(data / "mine")}
    found = resolve(
        ask(checkpoint, data, transfer=("tur", "wol"), language_adapters=given, probes=("stacking",)),
        registry,
    )
    assert found.study.language_adapters == {"wol": str(data / "mine")}
    one = found.language_adapter("wol", 3)
    assert (one.kind, found.is_invertible(one)) == ("given", True)
    assert one == found.language_adapter("wol", 4)  # a given adapter has no seed
    assert found.language_adapter("tur", 3).kind == "trained"
    (line,) = problems(ask(checkpoint, data, language_adapters=given, probes=("stacking",)), registry)
    assert "wol is not among the transfer languages" in line
    lines = problems(
        ask(
            checkpoint,
            data,
            transfer=("wol",),
            language_adapters={"wo": "nowhere/at/all"},
            probes=("stacking",),
        ),
        registry,
    )
    assert lines == ("nowhere/at/all: no such folder of an adapter; a hub id is OWNER/NAME[@REVISION]",)


def hub_study(checkpoint: Path, **said: object) -> Study:
    """Over data and text of a hub; nothing of it is looked up before jobs are planned."""
    return Study(
        model=str(checkpoint),
        tasks=("ner",),
        transfer=("deu",),
        targets=("fin",),
        train_languages=("eng",),
        **said,  # type: ignore[arg-type]
    )


def test_a_revision_is_pinned_behind_the_name(registry: Registry, checkpoint: Path) -> None:
    study = hub_study(checkpoint, data={"ner": ("wikiann@v1.2",)}, text="wikipedia:7@refs/pr/3")
    found = resolve(study, registry)
    assert found.study.data == {"ner": ("wikiann@v1.2",)}
    assert (found.data["ner"].name, found.data["ner"].revision) == ("wikiann", "v1.2")
    text = found.corpus.corpus
    assert (text.name, text.revision, text.seed) == ("wikipedia:7", "refs/pr/3", 7)
    assert registry.data["ner:wikiann"].revision is None
    plain = resolve(hub_study(checkpoint, text="wikipedia@main"), registry)
    assert (plain.corpus.corpus.revision, plain.corpus.corpus.seed) == ("main", None)


def test_text_of_the_hub_by_id(registry: Registry, checkpoint: Path) -> None:
    found = resolve(hub_study(checkpoint, text="wikipedia:1", controls=()), registry)
    assert found.corpus.name == "wikipedia:1"
    lines = problems(hub_study(checkpoint, text="hub:name:text"), registry)
    assert "hub:name:text: text on the hub is named as hub:OWNER/NAME:COLUMN:CONFIG" in lines[0]
    lines = problems(hub_study(checkpoint, text="nobody:7"), registry)
    assert "no corpus 'nobody:7'" in lines[0]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"data": {"ner": ("wikiann@",)}}, "wikiann@: no revision, or a set without revisions"),
        ({"text": "wikipedia@"}, "wikipedia@: no revision"),
        ({"text": "artificial@v1"}, "artificial@v1: no revision, or a set without revisions; leave out @v1"),
        ({"data": {"ner": ("nobody@v1",)}}, "no data 'nobody@v1' for the task ner"),
    ],
)
def test_what_has_no_revisions(
    registry: Registry, checkpoint: Path, said: dict[str, object], message: str
) -> None:
    assert message in problems(hub_study(checkpoint, **said), registry)[0]


def test_a_bad_name_is_told_once(registry: Registry, checkpoint: Path, data: Path) -> None:
    (line,) = problems(ask(checkpoint, data, targets=("zz1",)), registry)
    assert "'zz1' is not a language code" in line


def test_what_the_model_sets_for_other_probes_is_left_out(registry: Registry) -> None:
    found = resolve(Study(model="tiny", probes=("transfer",)), registry)
    assert found.study.options == {}
    assert found.settings.keys() == {"transfer"}
    found = resolve(
        Study(model="tiny", probes=("interference",), options={"interference": {"sizes": [2]}}), registry
    )
    assert found.settings["interference"].sizes == (2,)
    assert found.settings["interference"].fusion_steps == 10  # the model's own


def test_a_checkpoint_without_a_masked_lm_head_is_told_where_text_is_finetuned_on(
    registry: Registry, checkpoint: Path, data: Path, tmp_path: Path
) -> None:
    from transformers import AutoModel

    bare = tmp_path / "bare"
    shutil.copytree(checkpoint, bare)
    AutoModel.from_pretrained(checkpoint).save_pretrained(bare)
    (line,) = problems(ask(bare, data), registry)
    assert line.startswith(f"{bare}: no masked-LM head among its weights")
