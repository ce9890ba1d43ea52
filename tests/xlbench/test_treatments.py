"""Text treatments: an open vocabulary, from the name in a study to the tokens that are trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from xlbench import api, load_results, plugins
from xlbench.contracts import Method, Resolved, Study, Treatment, mixture
from xlbench.errors import DataError, JobError, StudyError
from xlbench.lab import Lab
from xlbench.lab.treatments.mixture import mix
from xlbench.spec import study as spec
from xlbench.stored import Stored

REVERSED = """
from xlbench import hookimpl
from xlbench.contracts import Treatment

def reverse():
    def whole(chunks, special, seed):
        return chunks[:, ::-1].copy()
    return whole

@hookimpl
def xlbench_treatments():
    yield Treatment(name="reversed", summary="From the last to the first", load=reverse, stage="tokens")
"""


@pytest.fixture
def lab_of(checkpoint: Path, tmp_path: Path) -> Callable[[Resolved], Lab]:
    return lambda resolved: Lab(resolved, str(checkpoint), tmp_path / "adapters", device="cpu")


def treatment(function: Callable[..., Any], stage: Any = "tokens", **more: Any) -> Treatment:
    return Treatment(name="mine", summary="Made by a test", load=lambda: function, stage=stage, **more)


def having(resolved: Resolved, *more: Treatment) -> Resolved:
    known = {**resolved.method.treatments, **{x.name: x for x in more}}
    return replace(resolved, method=replace(resolved.method, treatments=known))


@given(st.dictionaries(st.text("abc", min_size=3, max_size=3), st.floats(0.01, 100), min_size=1, max_size=5))
def test_the_name_of_a_mixture_says_its_shares(parts: dict[str, float]) -> None:
    total = sum(parts.values())
    name = mixture.spelled(parts)
    found = mixture.shares(name)
    assert set(found) == set(parts)
    assert sum(found.values()) == pytest.approx(1)
    for language, share in parts.items():
        assert found[language] == pytest.approx(share / total, rel=1e-5)
    assert mixture.spelled(mixture.parts(name)) == name


@pytest.mark.parametrize(
    "text", ["deu+", "+deu", "deu:0+tur", "deu:x+tur", "deu+deu", "deu:-1", "deu:nan+tur"]
)
def test_what_is_no_mixture_is_one_line(text: str) -> None:
    with pytest.raises(StudyError) as caught:
        mixture.shares(text)
    assert "\n" not in str(caught.value)


def test_a_mixture_has_its_shares_of_the_chunks(resolved: Resolved, lab_of: Any) -> None:
    lab: Lab = lab_of(resolved)
    mlm = resolved.mlm
    each = {x: lab.texts.measured(x, mlm.lines, mlm.chunk) for x in ("qaa", "qab")}
    chunks, amounts = lab.texts.trained_on("qaa:0.75+qab:0.25", "plain", mlm, 0)
    whole = min(len(each["qaa"][0]) / 0.75, len(each["qab"][0]) / 0.25)
    first = round(0.75 * whole)
    np.testing.assert_array_equal(chunks[:first], each["qaa"][0][:first])
    np.testing.assert_array_equal(chunks[first:], each["qab"][0][: round(0.25 * whole)])
    assert first / len(chunks) == pytest.approx(0.75, abs=1 / len(chunks))
    counts = np.concatenate([each["qaa"][1].counts[:first], each["qab"][1].counts[: len(chunks) - first]])
    np.testing.assert_array_equal(amounts.counts, counts)
    lab.finetune("qaa+qab", steps=2, seed=0)
    mixed = lab.encoder.weights()
    lab.finetune("qaa", steps=2, seed=0)
    assert any(not np.array_equal(x, mixed[k]) for k, x in lab.encoder.weights().items())


def test_too_small_a_share_is_refused_not_rounded_up() -> None:
    texts = [np.zeros((50, 4), np.int32), np.zeros((50, 4), np.int32)]
    assert [len(x) for x in mix(texts, [0.5, 0.5], 0)] == [50, 50]
    with pytest.raises(DataError, match=r"a share of 0\.002 of 50 chunks is none"):
        mix(texts, [0.998, 0.002], 0)


def test_identities_tell_texts_and_treatments_apart(resolved: Resolved) -> None:
    plain = resolved.text_identity("qaa")
    assert plain == resolved.text_identity("qaa", "shuffled")
    assert set(plain) == {"language", "text", "learning_rate", "batch_size", "chunk", "lines",
                          "mask_probability", "schedule"}  # fmt: skip
    both = resolved.text_identity("qaa+qab")
    assert [x["text"] for x in both["parts"]] == ["text-qaa", "text-qab"]  # type: ignore[index,call-overload,union-attr]
    assert both != resolved.text_identity("qaa:0.7+qab:0.3")
    assert resolved.treatment_identity("plain") == resolved.treatment_identity("shuffled") == {}
    assert set(resolved.treatment_identity("romanised")) == {"treatment_requires"}
    one = treatment(lambda *x: x[0], version=2, settings={"window": 3})
    assert having(resolved, one).treatment_identity("mine") == {
        "treatment_version": 2, "treatment_settings": {"window": 3},
    }  # fmt: skip


def test_a_treatment_of_lines_is_done_before_tokens_and_amounts_are_of_what_is_read(
    resolved: Resolved, lab_of: Any
) -> None:
    told: list[tuple[str, int]] = []

    def twice(lines: Sequence[str], language: str, seed: int) -> list[str]:
        told.append((language, seed))
        return [f"{x} {x}" for x in lines]

    lab: Lab = lab_of(having(resolved, treatment(twice, "lines")))
    for seed in (3, 4):
        lab.finetune("qaa", steps=2, seed=seed, treatment="mine")
    assert told == [("qaa", 3)]  # the seed makes no difference, so once is enough
    _, amounts = lab.texts.trained_on("qaa", "mine", resolved.mlm, 0)
    lines = resolved.corpus.lines("qaa", resolved.mlm.lines)
    words = 2 * sum(len(x.split()) for x in lines)
    assert amounts.of("words").sum() == pytest.approx(words, abs=resolved.mlm.chunk)
    drawn: Lab = lab_of(having(resolved, treatment(twice, "lines", draws=True)))
    for seed in (3, 4):
        drawn.finetune("qaa", steps=1, seed=seed, treatment="mine")
    assert told[1:] == [("qaa", 3), ("qaa", 4)]


def test_a_treatment_may_read_a_language_beside(resolved: Resolved, lab_of: Any) -> None:
    def alternate(
        texts: Sequence[NDArray[np.int32]], shares: Sequence[float], seed: int
    ) -> list[NDArray[np.int64]]:
        return [np.arange(3), np.arange(2)] if seed else [[0, 1, 1], []]  # type: ignore[list-item]

    one = treatment(alternate, "languages", beside=("qab",))
    found = having(resolved, one)
    assert found.text_shares("qaa", "mine") == {"qaa": 0.5, "qab": 0.5}
    assert "text-qab" in str(found.text_identity("qaa", "mine"))
    assert "qab" in replace(found, study=replace(found.study, controls=("mine",))).text_languages()
    texts = lab_of(found).texts
    assert len(texts.trained_on("qaa", "mine", found.mlm, 1)[0]) == 5
    own = texts.measured("qaa", found.mlm.lines, found.mlm.chunk)[0]
    np.testing.assert_array_equal(texts.trained_on("qaa", "mine", found.mlm, 0)[0], own[[0, 1, 1]])


WRONG: dict[str, tuple[Any, str, str]] = {
    "raises": (lambda *x: 1 / 0, "tokens", "fails: ZeroDivisionError"),
    "no array": (lambda *x: [1], "tokens", "gives list, not whole numbers of shape"),
    "other shape": (lambda c, s, n: c[:1], "tokens", r"gives shape \(1, 16\), not"),
    "fractions": (lambda c, s, n: c / 1.0, "tokens", "gives fractions, not whole numbers"),
    "no token": (lambda c, s, n: c + 1000, "tokens", "gives numbers that are no tokens of the"),
    "changes what it is given": (lambda c, s, n: c.fill(0), "tokens", "fails: ValueError: .*read-only"),
    "no lines": (lambda *x: None, "lines", "gives NoneType, not a list of texts"),
    "numbers": (lambda *x: [1], "lines", "gives 1 among its lines"),
    "nothing": (lambda *x: ["", " "], "lines", "leaves nothing of the text in qaa"),
    "one text": (lambda *x: [[0]], "languages", "gives list, not numbers of chunks for each language"),
    "no chunks": (lambda *x: [[0], [999]], "languages", "gives numbers that are no chunks of the"),
    "parts of chunks": (lambda *x: [[0.5], [1]], "languages", "gives numbers that are no chunks of the"),
    "nothing taken": (lambda *x: [[], []], "languages", "takes no chunk at all"),
    "no rows": (lambda *x: [1, 2], "languages", "gives numbers that are no chunks of the"),
    "no function": (None, "lines", "fails: TypeError"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_treatment_that_does_no_such_thing_is_one_line(resolved: Resolved, lab_of: Any, case: str) -> None:
    function, stage, says = WRONG[case]
    lab: Lab = lab_of(having(resolved, treatment(function, stage)))
    text = "qaa+qab" if stage == "languages" else "qaa"
    with pytest.raises(JobError, match=f"treatment 'mine' {says}") as caught:
        lab.finetune(text, steps=1, seed=0, treatment="mine")
    assert "\n" not in str(caught.value)
    with pytest.raises(StudyError, match="no text treatment 'yours'"):
        lab.finetune("qaa", steps=1, seed=0, treatment="yours")
    lab.finetune("qaa", steps=1, seed=0)


def test_a_state_is_that_of_its_text_treatment_and_settings(resolved: Resolved, lab_of: Any) -> None:
    """Nothing is taken for another state, whichever was there before."""
    slow = replace(resolved.mlm, learning_rate=1e-6)
    runs: list[dict[str, Any]] = [
        {"text": "qaa"}, {"text": "qab"}, {"text": "qaa+qab"}, {"text": "qaa", "treatment": "shuffled"},
        {"text": "qaa", "how": slow},
    ]  # fmt: skip
    lab: Lab = lab_of(resolved)
    first = []
    for run in runs:
        lab.finetune(**run, steps=2, seed=0)
        first.append(np.concatenate([x.numpy().ravel() for x in lab.encoder.weights().values()]))
    assert len({x.tobytes() for x in first}) == len(runs)
    for run, before in reversed(list(zip(runs, first, strict=True))):
        lab.finetune(**run, steps=2, seed=0)
        again = np.concatenate([x.numpy().ravel() for x in lab.encoder.weights().values()])
        np.testing.assert_array_equal(again, before)


@pytest.fixture
def study(checkpoint: Path) -> Study:
    return Study(
        model=str(checkpoint), tasks=("pos",), probes=("transfer",), transfer=("qaa",),
        targets=("qaa", "qab"), train_languages=("qaa",), data={"pos": ("artificial",)},
        text="artificial", limit=8, controls=("shuffled",), steps=(1,), seeds=(0,), reference="qaa",
        mlm={"chunk": 16, "batch_size": 2, "lines": 40}, adapter={"epochs": 1, "limit": 12},
    )  # fmt: skip


def test_one_file_adds_a_treatment_that_is_run_as_a_control(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "backwards.py"
    path.write_text(REVERSED)
    study = replace(study, controls=("shuffled", "reversed"))
    results = tmp_path / "results"
    done = api.run(study, results=results, workers=1, device="cpu", plugins=[path])
    assert done.failed == {}
    stored = Stored(results, plugins=[path])
    jobs = [x for x in stored.stored.jobs if x.condition.get("variant") == "reversed"]
    assert len(jobs) == 1
    assert all(str(x.condition["treatment_plugin"]).startswith("sha256:") for x in jobs)
    assert jobs[0].label.startswith("qaa reversed, 1 step")
    named = [x["plugins"].get("treatment reversed") for x in stored.store.provenances()]
    assert [x.split()[:2] for x in named if x] == [["backwards", "(backwards.py"]]
    (page,) = [x for name, x in stored.pages if name == "transfer" and x.task == "pos" and not x.topic]
    tables = {x.title: x for x in page.parts if hasattr(x, "columns")}
    assert {"Reversed text", "Donation minus reversed", "Shuffled text"} <= set(
        tables["Donation against controls, 1 step"].columns
    )
    texts = [row[1] for row in tables["Which text helps: pos, 1 step"].rows]
    assert "own or same family, reversed" in texts
    assert any("With the same texts reversed it is" in x for x in page.summary)
    path.write_text(REVERSED.replace("copy()", "copy()  # other"))
    todo = api.plan(study, results=results, plugins=[path]).todo
    assert {x.condition["variant"] for x in todo} == {"reversed"}


@pytest.mark.parametrize(
    ("control", "says"),
    [
        (
            "related",
            r"unknown control 'related'; known are target, reference, shuffled, romanised, needy, together",
        ),
        ("shufled", r"unknown control 'shufled'; did you mean 'shuffled'\?"),
        ("targets", r"unknown control 'targets'; did you mean 'target'\?"),
        ("plain", "plain text of the transfer languages is no control"),
        ("mixture", "a mixture is a text of its own, no control; name it as --transfer"),
        ("together", "puts several languages together, and 'qaa' is one"),
        ("needy", r"controls: treatment 'needy' \(.*\) needs no-such-distribution; pip install"),
    ],
)
def test_a_control_that_is_none_is_one_line(study: Study, tmp_path: Path, control: str, says: str) -> None:
    path = tmp_path / "needy.py"
    needy = REVERSED.replace('"reversed"', '"needy", requires=("no-such-distribution",)')
    several = 'Treatment(name="together", summary="Of several", load=reverse, stage="languages")'
    path.write_text(f"{needy}    yield {several}\n")
    with pytest.raises(StudyError, match=says) as caught:
        api.plan(replace(study, controls=(control,)), results=tmp_path / "results", plugins=[path])
    assert "\n" not in str(caught.value)


def test_of_two_treatments_of_a_name_a_study_says_whose_it_means(study: Study, tmp_path: Path) -> None:
    files = [tmp_path / "one.py", tmp_path / "two.py"]
    for number, path in enumerate(files):
        path.write_text(f"{REVERSED}\n# {number}\n")
    with pytest.raises(StudyError, match=r"'reversed' is ambiguous: .*one\.py/reversed or two\.py/reversed"):
        api.plan(replace(study, controls=("reversed",)), results=tmp_path / "results", plugins=files)
    told = set()
    for name in ("one.py/reversed", "two.py/reversed"):
        asked = replace(study, controls=(name,))
        todo = api.plan(asked, results=tmp_path / "results", plugins=files).todo
        (job,) = [x for x in todo if x.condition.get("variant") == "reversed"]
        told.add(job.condition["treatment_plugin"])
    assert len(told) == 2


BESIDE = """
from xlbench import hookimpl
from xlbench.contracts import Treatment

@hookimpl
def xlbench_treatments():
    yield Treatment(name="beside", summary="Beside another language", stage="languages", beside=("LANG",),
                    load=lambda: lambda texts, shares, seed: [list(range(len(x))) for x in texts])
"""


def test_a_language_beside_is_looked_up_with_the_study(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "beside.py"
    path.write_text(BESIDE.replace("LANG", "fin"))
    study = replace(study, controls=("beside",))
    with pytest.raises(StudyError, match="controls: beside reads text in fin, and artificial has none"):
        api.plan(study, results=tmp_path / "results", plugins=[path])
    path.write_text(BESIDE.replace("LANG", "qag"))
    todo = api.plan(study, results=tmp_path / "results", plugins=[path]).todo
    (job,) = [x for x in todo if x.condition.get("variant") == "beside"]
    assert job.typed.texts.keys() == {"qaa", "qag"}


def test_a_probe_cannot_have_an_objective_that_does_not_fit(resolved: Resolved, lab_of: Any) -> None:
    lab: Lab = lab_of(resolved)
    for name in ("causal", "no-such"):
        with pytest.raises(
            StudyError, match=f"no objective '{name}' for models of the family encoder; known"
        ):
            lab.finetune("qaa", steps=1, seed=0, how=replace(resolved.mlm, objective=name))


@pytest.mark.parametrize("name", ["target", "reference", "none"])
def test_a_treatment_cannot_be_called_as_another_control(tmp_path: Path, name: str) -> None:
    path = tmp_path / "taken.py"
    path.write_text(REVERSED.replace('"reversed"', f'"{name}"'))
    with pytest.raises(Exception, match="the name says another control") as caught:
        plugins.load(given=plugins.give([path]))
    assert "\n" not in str(caught.value)


def test_the_method_names_who_registers_a_treatment() -> None:
    method: Method = plugins.load().method
    named = method.named("treatment", "shuffled")
    assert named.startswith("treatment 'shuffled' (plugin 'treatments' of xlbench")


@pytest.mark.slow
def test_romanised_text_is_what_uroman_makes_of_it(resolved: Resolved, lab_of: Any) -> None:
    pytest.importorskip("uroman", reason="pip install 'xlbench[romanised]'")
    from xlbench.lab.treatments.romanised import romaniser

    romanise = romaniser()
    assert romanise(["Игорь Стравинский", "Νεπάλ", "nelu"], "rus", 0) == ["Igor Stravinsky", "Nepal", "nelu"]
    lab: Lab = lab_of(resolved)
    plain = lab.texts.trained_on("qaa", "plain", resolved.mlm, 0)[0]
    np.testing.assert_array_equal(lab.texts.trained_on("qaa", "romanised", resolved.mlm, 0)[0], plain)


def test_a_text_of_several_languages_is_a_donor_of_its_own(study: Study, tmp_path: Path) -> None:
    study = replace(
        study, transfer=("qaa", "qab+qaa", "qab"), targets=("qaa", "qab", "qac"), controls=("shuffled",),
    )  # fmt: skip
    results = tmp_path / "results"
    done = api.run(study, results=results, workers=1, device="cpu")
    assert done.failed == {}
    stored = Stored(results)
    assert stored.stored.study["transfer"] == ["qaa", "qaa+qab", "qab"]
    assert not api.plan(spec.parse(stored.stored.study), results=results).todo
    (job,) = [
        x for x in stored.stored.jobs
        if (run := x.typed.finetuning) is not None and run.name == "qaa+qab" and run.is_plain
    ]  # fmt: skip
    assert job.typed.texts.keys() == {"qaa", "qab"}
    (page,) = [x for name, x in stored.pages if name == "transfer" and x.task == "pos" and not x.topic]
    tables = {x.title: x for x in page.parts if hasattr(x, "columns")}
    donors = tables["Transfer languages by donation, 1 step"]
    rows = {row[0]: dict(zip(donors.columns, row, strict=True)) for row in donors.rows}
    assert rows["qaa+qab"]["Targets"] == 1
    frame = load_results(results)
    plain = frame[~frame["condition.variant"].isin(["shuffled"])]
    texts = [x if isinstance(x, str) else "" for x in plain["condition.text.language"]]
    score = dict(zip(zip(plain["probe"], texts, plain["target"], strict=True), plain["score"], strict=True))
    effect = score["transfer", "qaa+qab", "qac"] - score["zero-shot", "", "qac"]
    donation = rows["qaa+qab"]["Donation"]
    assert donation.value == pytest.approx(effect)
    received = [score["transfer", f, "qac"] - score["zero-shot", "", "qac"] for f in ("qaa", "qab")]
    targets = tables["Targets by recipience, 1 step"]
    row = next(x for x in targets.rows if "qac" in str(x[0]))
    assert row[targets.columns.index("Recipience")].value == pytest.approx(np.mean(received))
    assert any("qaa+qab is a text of several languages" in x for x in page.summary)


@pytest.mark.parametrize(
    ("transfer", "says"),
    [
        ("qaa+qaa", "'qaa\\+qaa': qaa is named twice"),
        ("qaa:x+qab", "write a mixture as"),
        ("qaa+zzz", "zzz"),
    ],
)
def test_a_mixture_that_is_none_is_one_line(study: Study, tmp_path: Path, transfer: str, says: str) -> None:
    with pytest.raises(StudyError, match=says) as caught:
        api.plan(replace(study, transfer=(transfer,)), results=tmp_path / "results")
    assert "\n" not in str(caught.value)


def test_language_adapters_are_of_one_language(study: Study, tmp_path: Path) -> None:
    asked = replace(study, transfer=("qaa+qab",), probes=("stacking",))
    with pytest.raises(
        StudyError, match=r"stacking probe needs an adapter of each .*, and qaa\+qab is several"
    ):
        api.plan(asked, results=tmp_path / "results")
