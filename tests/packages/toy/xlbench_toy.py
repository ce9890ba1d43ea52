"""A third party's package: a task of every kind with data, a language with text, a probe, an executor."""

import multiprocessing
import random
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass

from xlbench import hookimpl
from xlbench.contracts import (
    AdapterTraining,
    Answered,
    Classified,
    Cost,
    Job,
    Language,
    Page,
    Parsed,
    Table,
    Tagged,
    Task,
)
from xlbench.errors import DataError
from xlbench.metrics import accuracy, answer_f1, attachment, score_of

xlbench_contract = 1

SYLLABLES = ("ka", "mi", "to", "ne", "lu", "sa")


def _line(rng):
    return " ".join("".join(rng.choices(SYLLABLES, k=rng.randint(1, 3))) for _ in range(rng.randint(2, 7)))


class Lines:
    """Made sentences for one task."""

    name, source = "toy", "made from a seed"

    def __init__(self, task):
        self.task = task

    def languages(self, split):
        return ("qty",)

    def fingerprint(self, language, split):
        return f"toy-1-{split}"

    def examples(self, language, split, limit=None):
        rng = random.Random(f"{language}-{split}")
        made = []
        for _ in range(40):
            asks = rng.random() < 0.5
            made.append(MAKERS[self.task](_line(rng), asks))
        return made[:limit]


def _asked(line, asks):
    return Classified((line + (" ?" if asks else " ."),), "yes" if asks else "no")


def _tagged(line, asks):
    words = tuple(line.split())
    return Tagged(words, tuple("short" if len(word) < 4 else "long" for word in words))


def _parsed(line, asks):
    words = tuple(line.split())
    return Parsed(words, tuple(range(len(words))), ("root", *["next"] * (len(words) - 1)))


def _answered(line, asks):
    return Answered("ka mi", line, (line.split()[-1],), (line.rfind(" ") + 1,))


MAKERS = {"question": _asked, "length": _tagged, "chain": _parsed, "end": _answered}


def _no_folder(paths):
    raise DataError(f"{paths[0]}: tasks of toy read no folders; leave --data out")


class ToyText:
    """Text in the toy language."""

    name, source = "toy-text", "made from a seed"

    def languages(self):
        return ("qty",)

    def fingerprint(self, language):
        return "toy-text-1"

    def lines(self, language, limit):
        rng = random.Random("text")
        return [_line(rng) for _ in range(min(limit, 300))]


class Drift:
    """How far a score moves when the same finetuning is done with two seeds."""

    name, version, summary = "drift", 1, "Difference between two seeds of one finetuning"
    settings = None

    def jobs(self, resolved):
        return [
            Job(
                probe=self.name,
                probe_version=self.version,
                condition={
                    "adapter": resolved.adapter_identity(task),
                    "text": resolved.text_identity(language),
                    "seed": seed,
                },
                cells=resolved.cells(task),
                label=f"drift, {language}, seed {seed}",
                cost=Cost(finetune_tokens=2 * resolved.mlm.batch_size * resolved.mlm.chunk),
            )
            for task in resolved.tasks
            for language in resolved.study.transfer
            for seed in (0, 1)
        ]

    def run(self, job, lab):
        lab.task_adapter(job.cells[0].task)
        lab.finetune(job.condition["text"]["language"], steps=2, seed=job.condition["seed"])
        return lab.evaluate(job.cells)

    def pages(self, records):
        for task, metric in records.metrics.items():
            scores = {
                (r.evaluation.cell.target, r.condition["seed"]): float(
                    score_of(metric.score, r.evaluation.counts)
                )
                for r in records.records
                if r.probe == self.name and r.evaluation.cell.task == task
            }
            targets = sorted({target for target, _ in scores})
            rows = tuple((t, scores[t, 0], scores[t, 1], scores[t, 1] - scores[t, 0]) for t in targets)
            table = Table("Drift", ("target language", "seed 0", "seed 1", "drift"), rows, "Points.")
            yield Page(task, f"Drift: {task}", (f"{len(rows)} target language(s).",), (table,))


@dataclass(frozen=True)
class Pool:
    """Settings of the executor."""

    processes: int = 1


class Futures:
    """A pool of processes of the standard library; each loads the model once."""

    name, summary, settings = "futures", "concurrent.futures", Pool

    def run(self, batches, work, notify, workers, settings):
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(settings.processes, spawn, _begin, (work,)) as pool:
            at_work = set()
            while True:
                while len(at_work) < settings.processes and (batch := batches.take()):
                    at_work.add(pool.submit(_do, batch))
                if not at_work:
                    return
                ended, at_work = wait(at_work, return_when=FIRST_COMPLETED)
                for one in ended:
                    yield from one.result()


def _begin(work):
    global _work
    _work = work
    work.prepare()


def _do(batch):
    return list(_work(batch, lambda event: None))


@hookimpl
def xlbench_executors():
    yield Futures()


@hookimpl
def xlbench_tasks():
    for name, summary, kind, labels, metric in (
        ("question", "Is it a question?", "classification", ("yes", "no"), accuracy()),
        ("length", "How long are its words?", "tagging", ("short", "long"), accuracy()),
        ("chain", "Which word comes before?", "parsing", ("root", "next"), attachment()),
        ("end", "Which word is the last?", "span", (), answer_f1()),
    ):
        how = AdapterTraining(epochs=2, batch_size=8)
        yield Task(name, 1, summary, kind, labels, metric, how, 32, "toy", _no_folder)


@hookimpl
def xlbench_task_data():
    for task in MAKERS:
        yield Lines(task)


@hookimpl
def xlbench_languages():
    yield Language("qty", "Toyish", "Made", "Toy", "Latn")


@hookimpl
def xlbench_corpora():
    yield ToyText()


@hookimpl
def xlbench_probes():
    yield Drift()
