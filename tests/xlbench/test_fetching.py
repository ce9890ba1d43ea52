"""`xlbench fetch`, then a run on a machine without a network: the real command line against a hub."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hub_server import Hub
from hub_sets import NOWHERE, environment, model, wikiann, wikipedia

from xlbench.results import Store

STUDY = """
model = "org/small-model"
pretraining_languages = ["eng"]
tasks = ["ner"]
transfer = ["deu"]
targets = ["eng"]
train_languages = ["eng"]
text = "wikipedia:3"
steps = [1]
seeds = 1
controls = []
[data]
ner = "wikiann@main"
[mlm]
chunk = 16
batch_size = 2
lines = 7
[adapter]
epochs = 1
"""


@dataclass
class Done:
    fetch: subprocess.CompletedProcess[str]
    run: subprocess.CompletedProcess[str]
    plan: subprocess.CompletedProcess[str]
    results: Path
    commits: dict[str, str]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Done:
    """Fetched from a hub, run without one, planned on another machine with one."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    home = tmp_path_factory.mktemp("node")
    shards = tmp_path_factory.mktemp("shards")
    AutoModelForMaskedLM.from_pretrained(checkpoint).save_pretrained(shards, max_shard_size="20KB")
    AutoTokenizer.from_pretrained(checkpoint).save_pretrained(shards)
    assert len(list(shards.glob("model-*-of-*.safetensors"))) > 1
    study = home / "study.toml"
    study.write_text(STUDY)

    def xlbench(command: str, cache: str, url: str, **more: str) -> subprocess.CompletedProcess[str]:
        words = [command, str(study), "--results", str(home / "results")]
        words += ["--workers", "1"] if command == "run" else []
        return subprocess.run(
            [sys.executable, "-m", "xlbench.cli", *words],
            env=environment(home / cache, url, **more),
            capture_output=True,
            text=True,
            timeout=300,
        )

    repositories = [wikiann(), wikipedia(), model("org/small-model", shards)]
    with Hub(*repositories) as hub:
        fetch = xlbench("fetch", "cache", hub.url)
    run = xlbench("run", "cache", NOWHERE, HF_HUB_OFFLINE="1")
    with Hub(*repositories) as hub:
        plan = xlbench("plan", "elsewhere", hub.url)
    return Done(fetch, run, plan, home / "results", {x.id: x.commit("main") or "" for x in repositories})


def test_fetch_says_what_is_here(done: Done) -> None:
    assert done.fetch.returncode == 0, done.fetch.stderr
    assert done.fetch.stderr == ""
    lines = [line.split() for line in done.fetch.stdout.splitlines()]
    assert lines[0][:2] == ["model", "org/small-model"]
    assert lines[1:4] == [
        ["data", "ner", "eng", "train", "3", "examples"],
        ["data", "ner", "eng", "test", "3", "examples"],
        ["text", "deu", "32", "lines"],
    ]
    assert "HF_HUB_OFFLINE=1 xlbench run" in done.fetch.stdout.splitlines()[-1]


def test_a_run_without_a_network_finds_it_all(done: Done) -> None:
    assert done.run.returncode == 0, done.run.stderr
    assert list((done.results / "jobs").glob("*.parquet"))
    assert not list((done.results / "jobs").glob("*.failed.parquet"))


def test_its_jobs_are_those_of_a_machine_with_a_network(done: Done) -> None:
    assert done.plan.returncode == 0, done.plan.stderr
    said = dict(line.split(maxsplit=1) for line in done.plan.stdout.splitlines())
    assert said["done"] == said["jobs"].split()[0] == "2"


def test_every_revision_is_recorded(done: Done) -> None:
    store = Store(done.results)
    stored = store.study(None)
    for made in store.provenances(stored.id):
        assert made["model"]["revision"] == done.commits["org/small-model"]
        assert made["data"]["ner"]["revision"] == done.commits["unimelb-nlp/wikiann"]
        assert made["text"]["revision"] == done.commits["wikimedia/wikipedia"]
        assert "text" in made["text"]["plugin"]
    page = "".join(x.read_text() for x in (done.results / "leaderboard").rglob("*.md"))
    assert all(commit in page for commit in done.commits.values())
    assert json.dumps(stored.study["data"]) == json.dumps({"ner": ["wikiann@main"]})
