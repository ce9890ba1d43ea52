"""The room to the hub: what is tried again, what is refused and how, what is checked and kept."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import requests
from hub_server import SECRET, Hub, Repository, sha256
from hub_sets import NOWHERE, ORDER, READ, documents, environment, model, read, tagged
from safetensors.numpy import save

from xlbench.errors import DataError
from xlbench.hub import Repo, parquet_files, reaching, retry

FILE = "en/test-00000-of-00001.parquet"
PASSING = ("cut", "busy", "down", "short", "spoiled", "asking", "dead")
FAILING = ("broken", "gone", "private", "gated", "none", "always")


KINDS = "__import__('xlbench.lab.adapters').lab.adapters.xlbench_adapters()"
BERT = {"model_type": "bert", "hidden_size": 32, "num_hidden_layers": 1}
BOTTLENECK = {"reduction_factor": 16, "mh_adapter": False, "output_adapter": True, "non_linearity": "relu"}
LAYER = "bert.encoder.layer.0.output.adapters.a"
ADAPTER = Repository(
    "org/adapter",
    "model",
    {
        "v1": {
            "adapter_config.json": json.dumps({**BERT, "name": "a", "config": BOTTLENECK}).encode(),
            "adapter.safetensors": save({f"{LAYER}.adapter_down.0.weight": np.ones((2, 32), np.float32)}),
            "other.bin": b"of no use",
        }
    },
)


STREAM = Repository("org/stream", "dataset", {"main": {"de/train.parquet": documents(["Eins.", "Zwei."])}})


def small(name: str) -> Repository:
    """A data set of its own bytes, so that a fault hits it alone."""
    table = tagged("ner_tags", [((f"{name}{i}",), (0,)) for i in range(400)], ORDER)
    access = name if name in ("private", "gated") else "public"
    return Repository(f"org/{name}", "dataset", {"main": {"README.md": b"", FILE: table}}, access)  # type: ignore[arg-type]


def count(name: str) -> str:
    """An expression: how many examples there are."""
    made = f"HubData('it', 'ner', 'org/{name}', '', {{'eng': 'en'}}, ('tokens', 'ner_tags'), ner.decode)"
    return f"len({made}.examples('eng', 'test'))"


@dataclass
class Tried:
    said: dict[str, str]
    again: dict[str, str]
    """Without a network."""
    hub: Hub


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Tried:
    home = tmp_path_factory.mktemp("home")
    names = [x for x in (*PASSING, *FAILING) if x != "none"]
    with Hub(*map(small, names), model("org/checkpoint", checkpoint), ADAPTER, STREAM) as hub:
        hub.cut(f"org/cut/{FILE}")
        hub.fail("org/busy/resolve", 429, times=2, Retry_After="0")
        hub.fail("org/down/resolve", 503)
        hub.fail("org/stream/resolve", 429, Retry_After="0")
        hub.shorten(f"org/short/{FILE}")
        hub.spoil(f"org/spoiled/{FILE}")
        hub.spoil(f"org/broken/{FILE}", times=9)
        hub.fail("api/datasets/org/asking", 429, times=2, Retry_After="0")
        hub.fail("api/datasets/org/dead", 503, Retry_After="0")
        hub.fail("api/datasets/org/always", 503, times=99, Retry_After="0")
        hub.fail("org/gone/resolve", 404, times=99, X_Error_Code="EntryNotFound")
        wanted = {name: count(name) for name in (*PASSING, *FAILING)}
        wanted |= {
            "datasets": "__import__('datasets').load_dataset('org/busy', split='test').num_rows",
            "transformers": "__import__('transformers').AutoModelForMaskedLM"
            ".from_pretrained('org/checkpoint').config.vocab_size",
            "adapter": f"given_adapters.find('org/adapter@v1', {BERT}, {KINDS}).source",
            "no adapter": f"given_adapters.find('org/adapter@v2', {BERT}, {KINDS}).source",
            "streamed": "anything.member('org/stream:text:deu=de', {'deu': None}).lines('deu', 3)",
            "no checkpoint": "checkpoints.locate(BaseModel('it', '', 'org/none'))",
        }
        said = read(wanted, home, hub.url, HF_DATASETS_DISABLE_PROGRESS_BARS="1")
    again = read({name: count(name) for name in (*PASSING, *FAILING)}, home, NOWHERE)
    return Tried(said, again, hub)


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_tried_again(tried: Tried, name: str) -> None:
    assert tried.said[name] == "400"
    assert all(x.times == 0 for x in tried.hub.faults if f"org/{name}" in x.part)


def test_whoever_waits_is_told(caplog: pytest.LogCaptureFixture) -> None:
    response = requests.Response()
    response.status_code, response.headers["Retry-After"] = 503, "0"
    answers = iter([requests.HTTPError(response=response)] * 2)

    def call() -> str:
        if (error := next(answers, None)) is not None:
            raise error
        return "found"

    assert retry.retried(call) == "found"
    assert caplog.messages == ["the hub is busy (503); trying again in 0 s"] * 2


def test_text_that_is_read_in_parts_is_tried_again_too(tried: Tried) -> None:
    assert tried.said["streamed"] == repr(["Eins.", "Zwei."])
    assert all(x.times == 0 for x in tried.hub.faults if x.part == "org/stream/resolve")


def test_a_broken_download_goes_on_where_it_broke(tried: Tried) -> None:
    content = small("cut").revisions["main"][FILE]
    assert tried.hub.asked.count(f"GET /store/{sha256(content)}") == 2


def test_the_libraries_themselves_read_from_this_hub(tried: Tried, checkpoint: Path) -> None:
    config = json.loads((checkpoint / "config.json").read_text())
    assert tried.said["datasets"] == "400"
    assert tried.said["transformers"] == str(config["vocab_size"])


@pytest.mark.parametrize(
    ("name", "what", "do"),
    [
        ("broken", "arrives damaged, twice over", "or use --data ner=FOLDER"),
        ("gone", "a file that belongs to it is not on the hub", "use another revision"),
        ("private", "no data set on the hub", "`hf auth login`, or set HF_TOKEN"),
        ("none", "no data set on the hub", "correct the name"),
        ("gated", "access is restricted", "/datasets/org/gated, then `hf auth login`, or set HF_TOKEN"),
        ("always", "the hub cannot answer now (503)", "try again later"),
    ],
)
def test_what_cannot_be_had_is_one_line(tried: Tried, name: str, what: str, do: str) -> None:
    line = tried.said[name]
    assert line.startswith(f"DataError org/{name}: ")
    assert what in line
    assert do in line
    assert "\n" not in line
    assert tried.again[name].startswith(f"DataError org/{name}: ")


def test_a_model_that_cannot_be_had_is_a_models_error(tried: Tried) -> None:
    assert tried.said["no checkpoint"].startswith("ModelError org/none: neither a folder nor a checkpoint")


def test_an_adapter_at_a_revision(tried: Tried) -> None:
    assert tried.said["adapter"] == repr(f"org/adapter@{ADAPTER.commit('v1')}")
    assert tried.said["no adapter"].startswith("ModelError org/adapter: no revision 'v2' on the hub")
    assert not any("other.bin" in x for x in tried.hub.asked)


def test_a_full_disk_is_no_matter_of_the_hub() -> None:
    repo = Repo("org/it", "dataset", "--text FOLDER")
    with pytest.raises(OSError, match="full"), reaching(repo):
        raise OSError(errno.ENOSPC, "full")
    with pytest.raises(DataError, match=r"org/it: cannot be downloaded: .*denied.*HF_HOME"), reaching(repo):
        raise PermissionError(errno.EACCES, "denied")


def test_all_that_came_through_is_there_without_a_network(tried: Tried) -> None:
    assert {tried.again[name] for name in PASSING} == {"400"}


def test_damaged_bytes_are_not_kept(tried: Tried) -> None:
    assert "not in the local cache" in tried.again["broken"]


def test_a_token_opens_what_is_private_and_no_token_leaves_for_another_host(tmp_path: Path) -> None:
    with Hub(small("private"), small("gated")) as hub:
        wanted = {name: count(name) for name in ("private", "gated")}
        right = read(wanted, tmp_path, hub.url, HF_TOKEN=SECRET)
        wrong = read({"private": count("private")}, tmp_path / "other", hub.url, HF_TOKEN="hf_wrong")
    assert right["private"] == "400"
    assert "gated: access is restricted; accept its terms at" in right["gated"]
    assert "the hub does not know the token (401); renew it" in wrong["private"]
    assert SECRET not in str(right)


def test_two_processes_that_fetch_one_file_both_get_it(tmp_path: Path) -> None:
    code = json.dumps({"it": count("busy")})
    with Hub(small("busy")) as hub:
        env = environment(tmp_path, hub.url)
        both = [
            subprocess.Popen([sys.executable, "-c", READ, code], env=env, stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        said = [json.loads(x.communicate(timeout=120)[0]) for x in both]
    assert said == [{"it": "400"}, {"it": "400"}]
    blobs = tmp_path / "hub" / "datasets--org--busy" / "blobs"
    assert [x.name for x in blobs.iterdir()] == [sha256(small("busy").revisions["main"][FILE])]


@pytest.mark.parametrize(
    ("paths", "config", "split", "expected"),
    [
        (
            ["en/test-1.parquet", "en/test-0.parquet", "de/test-0.parquet"],
            "en",
            "test",
            "en/test-0 en/test-1",
        ),
        (["parquet/en_x/test.parquet", "parquet/en/test.parquet"], "en", "test", "parquet/en/test"),
        (["en/test/0000.parquet", "en/train/0000.parquet"], "en", "train", "en/train/0000"),
        (["en/partial-train/0000.parquet"], "en", "train", "en/partial-train/0000"),
        (["data/a/b/train/0.parquet"], "a/b", "train", "data/a/b/train/0"),
        (["en/testing.parquet", "en/test_0.parquet"], "en", "test", "en/test_0"),
        (["x/en/en_0.parquet"], "en", "train", "x/en/en_0"),
        (["x/en/en_0.parquet"], "en", "test", ""),
        (["en/test-0.parquet"], "en", "train", ""),
        (["en/train-0.json", "den/train-0.parquet", "e.n/train-0.parquet"], "e.n", "train", "e.n/train-0"),
    ],
)
def test_files_of_a_split(paths: list[str], config: str, split: str, expected: str) -> None:
    assert parquet_files(paths, config, split) == tuple(f"{x}.parquet" for x in expected.split())


class _AnswerError(Exception):
    def __init__(self, status: int) -> None:
        self.response = type("Response", (), {"status_code": status, "headers": {"Retry-After": "0"}})()


@pytest.mark.parametrize(("status", "tries"), [(429, 6), (503, 6), (404, 1), (401, 1)])
def test_only_an_answer_that_may_change_is_asked_for_again(status: int, tries: int) -> None:
    asked = []

    def ask() -> None:
        asked.append(status)
        raise _AnswerError(status)

    with pytest.raises(_AnswerError):
        retry.retried(ask)
    assert len(asked) == tries == (len(retry.WAITS) + 1 if tries > 1 else 1)


def test_a_cached_file_that_was_written_to_is_checked_again(tmp_path: Path) -> None:
    with Hub(small("busy")) as hub:
        wanted = {"it": count("busy")}
        assert read(wanted, tmp_path, hub.url)["it"] == "400"
        (blob,) = (tmp_path / "hub" / "datasets--org--busy" / "blobs").iterdir()
        whole = blob.read_bytes()
        times = blob.stat()
        blob.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        os.utime(blob, ns=(times.st_atime_ns, times.st_mtime_ns))  # as a careful copy would set them
        assert read(wanted, tmp_path, hub.url)["it"] == "400"
        assert blob.read_bytes() == whole
