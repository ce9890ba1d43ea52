"""Decoders and encoder-decoders: where words and texts are read, and what a text's probability is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from architectures import language_model, write
from made import study_over

from xlbench.contracts import Classified, Line, Resolved, Tagged
from xlbench.lab import Lab
from xlbench.lab.batches import Stream
from xlbench.lab.chunks import measured_chunks
from xlbench.lab.encode import Tokenization, blank_pieces, encode_words
from xlbench.lab.kinds.classification import Classification
from xlbench.lab.kinds.language_model import LanguageModel
from xlbench.models.architectures import facts, family_of

TASKS = ("tags", "pairs", "trees", "questions")


def lab_of(name: str, folder: Path) -> Lab:
    checkpoint = write(name, folder / "checkpoint")
    found: Resolved = study_over(checkpoint, TASKS)
    training = {
        task: dataclasses.replace(how, epochs=1, learning_rate=5e-3) for task, how in found.training.items()
    }
    found = dataclasses.replace(found, training=training, family=family_of(facts(checkpoint / "config.json")))
    return Lab(found, str(checkpoint), folder / "adapters", device="cpu", threads=1)


@pytest.mark.parametrize("name", ["gpt2", "llama", "mt5", "qwen3"])
def test_a_batch_gives_what_single_inputs_give(name: str, tmp_path: Path) -> None:
    """Vectors where heads read, and answers, whatever stands beside in the batch: padding, positions."""
    lab = lab_of(name, tmp_path)
    for task in TASKS:
        lab.restore()
        lab.task_adapter(task)
        lab.encoder.use_task_adapter(task)
        encoded = lab.encoded(task, "qaa", "test")
        one, kind = lab.resolved.tasks[task], lab.inputs.kind(lab.resolved.tasks[task])
        stream, targets = Stream.of([encoded]), kind.targets(one, [encoded])
        few = [x for x in range(8) if len(encoded.places[x])]
        together = stream.batch(few, lab.encoder.pad, lab.device)
        with torch.inference_mode():
            answers, loss = kind.answers(lab.encoder, one, together, targets)
            vectors = lab.encoder.hidden(together)
            for row, (member, answer) in enumerate(zip(few, answers, strict=True)):
                alone = stream.batch([member], lab.encoder.pad, lab.device)
                ours = lab.encoder.hidden(alone)[0]
                torch.testing.assert_close(vectors[row, : len(ours)], ours, rtol=0, atol=1e-5)
                (found,), cost = kind.answers(lab.encoder, one, alone, targets)
                np.testing.assert_allclose(found, answer, atol=1e-5)
                np.testing.assert_allclose(cost, loss[row : row + 1], rtol=0, atol=1e-4)


def tokens(how: Tokenization, ids: np.ndarray, position: int) -> str:
    return str(how.tokenizer.decode([ids[position]])).strip()


@pytest.mark.parametrize(("name", "at_end"), [("gpt2", True), ("llama", True), ("mt5", False)])
def test_a_word_is_labelled_where_all_of_it_has_been_read(name: str, at_end: bool, tmp_path: Path) -> None:
    lab = lab_of(name, tmp_path)
    cut, family = lab.encoder.tokenizer, lab.encoder.family
    how = Tokenization(cut, 48, blank_pieces(cut), family)
    words = ("lakomiwendo", "ana", "simona")
    found = encode_words([Tagged(words, ("NOUN",) * 3)], how)
    spans = zip(found.first[0], found.ends[0], strict=True)
    parts = [[tokens(how, found.ids[0], i) for i in range(*x)] for x in spans]
    assert ["".join(x).strip("▁ ") for x in parts] == list(words)
    assert max(map(len, parts)) > 1
    labelled = [tokens(how, found.ids[0], i) for i in found.labelled[0]]
    if at_end:
        assert found.labelled[0].tolist() == (found.ends[0] - 1).tolist()
    else:
        assert all(x and word.startswith(x) for x, word in zip(labelled, words, strict=True))
    texts = Classification().encode([Classified(("ana beka", "koli"), "yes")], how)
    assert texts.places[0].tolist() == [len(texts.ids[0]) - 1]
    if name == "gpt2":  # nothing stands between two texts
        assert "ana beka\nkoli" in cut.decode(texts.ids[0])


@pytest.mark.parametrize("name", ["gpt2", "llama", "qwen3"])
def test_a_decoders_likelihood_is_exact(name: str, tmp_path: Path) -> None:
    """The sum over a text's tokens of what transformers' own loss is the mean of, in one pass."""
    lab = lab_of(name, tmp_path)
    encoder, cut = lab.encoder, lab.encoder.tokenizer
    lines = [Line("ana beka lakomi"), Line("wendo"), Line("sira tavo nelu oru pim zan"), Line("")]
    encoded = LanguageModel().encode(lines, Tokenization(cut, 48, frozenset(), encoder.family))
    assert len(encoded) == 3  # one pass each, none of nothing
    batch = Stream.of([encoded]).batch(range(3), encoder.pad, lab.device)
    encoder.use_no_adapter()
    with torch.inference_mode():
        answers = LanguageModel().answers(encoder, lab.resolved.tasks["tags"], batch)
    found = LanguageModel().predicted(lab.resolved.tasks["tags"], encoded, answers)
    reference = language_model(name).from_pretrained(lab.resolved.model.checkpoint).eval()
    before = cut.bos_token_id if cut.bos_token_id is not None else cut.eos_token_id
    for line, likelihood in zip(lines[:3], found, strict=False):
        ids = torch.tensor([[before, *cut(line.text, add_special_tokens=False)["input_ids"]]])
        with torch.no_grad():
            mean = reference(input_ids=ids, labels=ids).loss.item()
        assert likelihood.tokens == ids.shape[1] - 1
        assert likelihood.nats == pytest.approx(mean * likelihood.tokens, rel=1e-5)
        assert likelihood.characters == len(line.text)
    assert found[3] == (0.0, 0, 0)


@pytest.mark.parametrize(("name", "between"), [("gpt2", 1), ("qwen3", 1), ("llama", 1), ("mistral", 1)])
def test_lines_do_not_run_into_each_other(name: str, between: int, tmp_path: Path) -> None:
    """Chunks of text have one special token per line, and what they hold is what the lines hold."""
    lab = lab_of(name, tmp_path)
    cut, lines = lab.encoder.tokenizer, ["ana beka", "wendo", "sira tavo nelu"] * 5
    found, amounts = measured_chunks(lines, cut, 10_000)
    special = np.isin(found, cut.all_special_ids)
    assert special.sum() == between * len(lines)
    assert not (special[0, 1:] & special[0, :-1]).any()
    text = cut.decode(found[0][~special[0]]).replace("▁", "").replace(" ", "")
    assert text == "".join(lines).replace(" ", "")
    assert amounts.read(np.array([0])) == {
        "tokens_read": (~special).sum(), "words_read": 30, "bytes_read": 135, "times_read": 1.0,
    }  # fmt: skip
