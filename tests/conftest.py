"""What all tests share."""

import os

# One thread per process: those of several test processes would wait for one another.
# Numpy and torch read it when imported, and all processes must agree: the last bits of vectors depend on it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from made import sentence, study_over
from playwright.sync_api import Browser
from settled import in_order

from xlbench.contracts import Resolved

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes, to run or to draw, says how busy the machine is.
settings.register_profile("xlbench", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("xlbench")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("XLBENCH_TEST_DATA", ROOT / ".." / "shared" / "data")).resolve()
    if not (folder / "MANIFEST.tsv").is_file():
        pytest.skip(f"no real data in {folder}; set XLBENCH_TEST_DATA to a folder that has it")
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained masked BERT of two layers, with dropout, and a tokenizer that splits words."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("checkpoint")
    core = Tokenizer(models.Unigram())
    core.normalizer = normalizers.NFKC()
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.UnigramTrainer(vocab_size=60, special_tokens=specials, unk_token="<unk>")
    core.train_from_iterator([" ".join(sentence(i, 8).words) for i in range(200)], trainer)
    core = in_order(core)
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1",
        special_tokens=[("<s>", core.token_to_id("<s>")), ("</s>", core.token_to_id("</s>"))],
    )  # fmt: skip
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>",
        cls_token="<s>", sep_token="</s>", mask_token="<mask>", model_max_length=48,
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=48, pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.2,
    )  # fmt: skip
    BertForMaskedLM(config).save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["architectures"] == ["BertForMaskedLM"]
    return folder


@pytest.fixture
def resolved(checkpoint: Path) -> Resolved:
    """A study over the made data: a tagging task and a classification of pairs."""
    return study_over(checkpoint)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, playwright's own or the system's; tests that need it skip where there is none."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        own = play.chromium.executable_path
        names = ("chromium", "chromium-browser", "google-chrome")
        found = own if Path(own).exists() else next(filter(None, map(shutil.which, names)), None)
        if found is None:
            pytest.skip("no Chromium: run `playwright install chromium`, or install the system's")
        running = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield running
        running.close()
