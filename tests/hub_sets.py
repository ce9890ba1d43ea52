"""Small repositories in the very layouts of the real ones, and processes that read them."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hub_server import Repository

NOWHERE = "http://127.0.0.1:1"
"""A hub that nobody can reach."""
READ = """
import json, sys
from xlbench import hub
from xlbench.models import checkpoints, given_adapters
from xlbench.contracts import BaseModel
from xlbench.errors import XlbenchError
from xlbench_tasks import dep, ner, nli, pos, qa, text
from xlbench.readers.hub_sets import HubData

wikiann, ud, xnli = (next(iter(x.xlbench_task_data())) for x in (ner, pos, nli))
trees, (tydiqa, xquad) = next(iter(dep.xlbench_task_data())), qa.xlbench_task_data()
wikipedia, anything = text.xlbench_corpora()
said = {}
for name, code in json.loads(sys.argv[1]).items():
    try:
        said[name] = repr(eval(code))
    except XlbenchError as error:
        said[name] = f"{type(error).__name__} {error}"
print(json.dumps(said))
"""
ORDER = ("O", "B-ORG", "I-ORG", "B-PER", "I-PER", "B-LOC", "I-LOC")
"""Not the task's own order: only names may count."""


def read(wanted: Mapping[str, str], home: Path, url: str, **more: str) -> dict[str, str]:
    """The `repr` of what expressions give in a process of its own, or their error."""
    done = subprocess.run(
        [sys.executable, "-c", READ, json.dumps(dict(wanted))],
        env=environment(home, url, **more),
        capture_output=True,
        text=True,
        timeout=120,
    )
    unexpected = [x for x in done.stderr.splitlines() if "; trying again in " not in x]
    assert (done.returncode, unexpected) == (0, []), done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def environment(home: Path, url: str, **more: str) -> dict[str, str]:
    """Of a process whose hub and cache are these; address and cache are read when libraries are imported."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    return {**ours, "HF_ENDPOINT": url, "HF_HOME": str(home), "OMP_NUM_THREADS": "1", **more}


def classes(names: Sequence[str]) -> Any:
    from datasets import ClassLabel

    return ClassLabel(names=list(names))


def parquet(features: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """As `datasets` writes it, which keeps the names of classes in the file."""
    from datasets import Dataset, Features, disable_progress_bars

    disable_progress_bars()
    file = io.BytesIO()
    Dataset.from_list([dict(x) for x in rows], features=Features(dict(features))).to_parquet(file)
    return file.getvalue()


def tagged(tags: str, rows: Sequence[tuple[Sequence[str], Sequence[int]]], names: Sequence[str]) -> bytes:
    from datasets import List, Value

    features = {"tokens": List(Value("string")), tags: List(classes(names))}
    return parquet(features, [{"tokens": list(words), tags: list(labels)} for words, labels in rows])


def documents(texts: Sequence[str], column: str = "text", group: int = 2) -> bytes:
    """A table of texts, two a row group."""
    import pyarrow as pa
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(pa.table({"id": list(range(len(texts))), column: list(texts)}), file, group)
    return file.getvalue()


def card(*configs: tuple[str, str]) -> bytes:
    """A README that says which files are which configuration's splits."""
    lines = ["---", "configs:"]
    for config, pattern in configs:
        lines += [f"- config_name: {config}", "  data_files:", "  - split: test", f"    path: {pattern}"]
    return "\n".join([*lines, "---", ""]).encode()


ADA = (("Ada", "in", "Rom"), (3, 0, 5))


def wikiann() -> Repository:
    """A folder a configuration, its splits in numbered shards."""
    one = {
        f"en/{split}-00000-of-00002.parquet": tagged("ner_tags", [ADA, ((word,), (0,))], ORDER)
        for split, word in (("train", "u"), ("validation", "v"), ("test", "x"))
    }
    other = {
        path.replace("-00000-", "-00001-"): tagged("ner_tags", [((path[3:5],), (1,))], ORDER) for path in one
    }
    strange = tagged("ner_tags", [ADA, (("y",), (1,))], ("O", "B-FOO", "I-FOO", "B-PER", "I-PER", "B-LOC"))
    files = {**one, **other, "de/test-00000-of-00001.parquet": strange}
    return Repository(
        "unimelb-nlp/wikiann",
        "dataset",
        {
            "main": {"README.md": card(("en", "en/test-*"), ("de", "de/test-*")), **files},
            "v1": {
                "README.md": b"first",
                "en/test-00000-of-00001.parquet": files["en/test-00001-of-00002.parquet"],
            },
        },
    )


def treebanks() -> Repository:
    """All configurations below one folder, a file a split; the first sentence has a multiword range."""
    trees = {
        "en_ewt": (("im", "in", "dem"), (0, 2, 1), (None, "2", "0"), ("_", "case:loc", "root")),
        "de_gsd": (("a",), (1,), ("1",), ("root",)),
        "fr_gsd": (("a",), (1,), ("0",), ("ROOT",)),
    }
    files = {f"parquet/{config}/test.parquet": _treebank(*tree) for config, tree in trees.items()}
    return Repository("commul/universal_dependencies", "dataset", {"main": {"README.md": b"", **files}})


def _treebank(
    words: Sequence[str], tags: Sequence[int], heads: Sequence[str | None], relations: Sequence[str]
) -> bytes:
    from datasets import List, Value

    features = {
        "tokens": List(Value("string")),
        "upos": List(classes(("_", "DET", "ADP"))),
        "head": List(Value("string")),
        "deprel": List(Value("string")),
    }
    row = {"tokens": words, "upos": tags, "head": heads, "deprel": relations}
    return parquet(features, [{name: list(values) for name, values in row.items()}])


def questions() -> tuple[Repository, Repository]:
    """One configuration for all languages, told apart by ids; and a configuration a language."""
    tydiqa = _questions([(f"{x}-1", 3) for x in ("english", "finnish", "english", "finnish")])
    xquad = _questions([("a", 3), ("b", 4)])
    return (
        Repository(
            "google-research-datasets/tydiqa",
            "dataset",
            {"main": {"secondary_task/validation-00000-of-00001.parquet": tydiqa}},
        ),
        Repository(
            "google/xquad", "dataset", {"main": {"xquad.zh/validation-00000-of-00001.parquet": xquad}}
        ),
    )


def _questions(ids: Sequence[tuple[str, int]]) -> bytes:
    from datasets import List, Value

    answers = {"text": List(Value("string")), "answer_start": List(Value("int32"))}
    features = {x: Value("string") for x in ("id", "question", "context")} | {"answers": answers}
    rows = [
        {
            "id": number,
            "question": "Wo?",
            "context": "In Rom.",
            "answers": {"text": ["Rom"], "answer_start": [start]},
        }
        for number, start in ids
    ]
    return parquet(features, rows)


def xnli() -> Repository:
    from datasets import Value

    features = {
        "premise": Value("string"),
        "hypothesis": Value("string"),
        "label": classes(("contradiction", "entailment", "neutral")),
    }
    rows = [{"premise": "p", "hypothesis": "h", "label": 1}, {"premise": "q", "hypothesis": "i", "label": -1}]
    return Repository(
        "facebook/xnli",
        "dataset",
        {"main": {"README.md": b"", "en/test-00000-of-00001.parquet": parquet(features, rows)}},
    )


def scripted() -> Repository:
    """A loading script, whose data are in the hub's own conversion alone."""
    shards = {f"bam/test/{i:04}.parquet": tagged("ner_tags", [((f"w{i}",), (i,))], ORDER) for i in range(3)}
    return Repository(
        "org/scripted",
        "dataset",
        {"main": {"README.md": b"", "scripted.py": b"raise SystemExit"}, "refs/convert/parquet": shards},
    )


def wikipedia() -> Repository:
    """Two shards an edition, several row groups a shard."""
    shards = {
        f"20231101.de/train-{i:05}-of-00002.parquet": documents(
            [f"Title {i}{j}\n\n Line of {i}{j}. " for j in range(8)]
        )
        for i in range(2)
    }
    return Repository("wikimedia/wikipedia", "dataset", {"main": {"README.md": b"", **shards}})


def web() -> Repository:
    """Texts by language and script, splits as folders; and a set whose files name no split."""
    return Repository(
        "org/web",
        "dataset",
        {
            "main": {
                "data/deu_Latn/train/000_00000.parquet": documents(["Eins.\nZwei.", "Drei."], "body"),
                "data/deu_Latn/test/000_00000.parquet": documents(["Nie."], "body"),
                "v1/tur/tur_0.parquet": documents(["Bir."], "body"),
            }
        },
    )


def model(name: str, folder: Path, **more: Any) -> Repository:
    """A checkpoint's folder as a repository."""
    files = {x.name: x.read_bytes() for x in sorted(folder.iterdir()) if x.is_file()}
    return Repository(name, "model", {"main": files}, **more)
