"""A plugin of every kind whose every hook and method can be had to misbehave, one at a time, for tests.

XLBENCH_FAULT is PLACE:FAULT, such as `probe.run:raise`; XLBENCH_FAULT_MARK a file that is made when it hangs.
"""

import itertools
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path


def at(place, normal, many=None):
    """What a place gives: what it should, unless it is the one that misbehaves."""
    wrong, _, fault = os.environ.get("XLBENCH_FAULT", ":").partition(":")
    if place != wrong:
        return normal()
    match fault:
        case "raise":
            raise RuntimeError("injected\nfault")
        case "wrong":
            return complex(1, 2)
        case "nothing":
            return None
        case "enormous":
            return many(normal()) if many else "x" * 30_000_000
        case "hang":
            Path(os.environ["XLBENCH_FAULT_MARK"]).touch()
            while True:
                time.sleep(1)
        case "print":
            print("noise of the plugin")
            return normal()
        case "exit":
            sys.exit(0)
    raise AssertionError(fault)


def endless(values):
    return itertools.cycle(list(values))


at("import", lambda: None)

from xlbench import hookimpl  # noqa: E402
from xlbench.contracts import (  # noqa: E402
    AdapterKind,
    AdapterTraining,
    BaseModel,
    Classified,
    CompositionKind,
    Condition,
    Distance,
    Job,
    KindOfTask,
    Language,
    Metric,
    Objective,
    Outcome,
    Page,
    ReadBy,
    Table,
    Task,
    Treatment,
)
from xlbench.errors import DataError  # noqa: E402

xlbench_contract = 1
LABELS = ("a", "b")
LANGUAGES = ("qaa", "qab", "qag")


@dataclass(frozen=True)
class Marked(Classified):
    """A classified text of our own."""

    def sentences(self):
        return at("example.sentences", lambda: self.texts)

    def fault(self, task):
        return at("example.fault", lambda: "" if self.label in task.labels else "no such label")


class Data:
    name, task, source = "faulty-data", "faulty-task", "made for tests"

    def languages(self, split):
        return at("data.languages", lambda: LANGUAGES, endless)

    def fingerprint(self, language, split):
        return at("data.fingerprint", lambda: f"{language} {split}")

    def examples(self, language, split, limit=None):
        made = [Marked((f"kalo {language} {i} mira",), LABELS[i % 2]) for i in range(12)][:limit]
        return at("data.examples", lambda: made, endless)


class Text:
    name, source = "faulty-text", "made for tests"

    def languages(self):
        return at("corpus.languages", lambda: LANGUAGES, endless)

    def fingerprint(self, language):
        return at("corpus.fingerprint", lambda: f"text of {language}")

    def lines(self, language, limit):
        made = [f"kalo {language} mira {i} tuno sela" for i in range(80)][:limit]
        return at("corpus.lines", lambda: made, endless)


def folder(paths):
    def refuse():
        raise DataError(f"{paths[0]}: faulty-task has data of its own")

    return at("task.folder", refuse)


def metric():
    return Metric(
        "right",
        ("right", "all"),
        lambda gold, predicted: at("metric.count", lambda: (int(gold == predicted), 1)),
        lambda sums: at("metric.score", lambda: 100 * sums[..., 0] / sums[..., 1]),
    )


def kind():
    from xlbench.lab.kinds.classification import Classification

    class Kind(Classification):
        """The built-in one, each step of which can fail."""

    for name in ("encode", "add_head", "targets", "loss", "places", "predicted", "baseline"):

        def method(self, *given, _name=name, **named):
            return at(f"kind.{_name}", lambda: getattr(Classification, _name)(self, *given, **named))

        setattr(Kind, name, method)
    answers = "answers_and_loss" if hasattr(Classification, "answers_and_loss") else "answers"

    def answered(self, *given, **named):
        return at("kind.answers", lambda: getattr(Classification, answers)(self, *given, **named))

    setattr(Kind, answers, answered)
    return at("kind.load", Kind)


class Probe:
    name, version, summary, settings = "faulty-probe", 1, "One job", None

    def jobs(self, resolved):
        def made():
            (task, *_) = resolved.adapted_tasks
            condition = Condition(
                resolved.model_fingerprint, ReadBy(resolved.adapter_identity(task)), settings={"own": 1}
            )
            return [Job(self.name, 1, condition.as_json(), resolved.cells(task), "faulty job")]

        return at("probe.jobs", made, endless)

    def run(self, job, lab):
        def made():
            lab.task_adapter(job.cells[0].task)
            return lab.evaluate(job.cells)

        return at("probe.run", made, endless)

    def pages(self, records):
        table = Table("Numbers", ("Target", "n"), (("qaa", "1"),))
        return at("probe.pages", lambda: [Page("pos", "Faulty: pos", ("One job.",), (table,))], endless)

    def frames(self, records):
        def many(tables):
            return {name: endless(rows) for name, rows in tables.items()}

        return at("probe.frames", lambda: {"faulty": [{"task": "pos", "n": 1}]}, many)


class Executor:
    name, summary, settings = "faulty-executor", "In turn, in this process", None

    def run(self, batches, work, notify, workers, settings):
        def made():
            while batch := batches.take():
                for one in work(batch, notify):
                    yield Outcome(one.job, one.seconds, one.error)

        return at("executor.run", made)


class Observer:
    name, summary, settings = "faulty-observer", "Is told", None

    def observe(self, settings):
        return at("observer.observe", lambda: lambda what: at("observer.tell", lambda: None))


def objective():
    from xlbench.lab.objectives.masked import Masked

    class Own(Masked):
        def batches(self, *given, **named):
            return at("objective.batches", lambda: super(Own, self).batches(*given, **named))

        def loss(self, *given, **named):
            return at("objective.loss", lambda: super(Own, self).loss(*given, **named))

        def places(self, *given, **named):
            return at("objective.places", lambda: super(Own, self).places(*given, **named))

    return at("objective.load", Own)


def adapter():
    from adapters import ParBnConfig

    def configuration(**settings):
        return at("adapter.configuration", lambda: ParBnConfig(reduction_factor=settings["reduction_factor"]))

    return at("adapter.load", lambda: configuration)


def composition():
    from xlbench.lab.compositions.composition import Together

    class First(Together):
        def beneath(self):
            return at("composition.beneath", lambda: self.names[0])

    return at("composition.load", lambda: First)


def treatment():
    def reverse(chunks, special, seed):
        return at("treatment.treat", lambda: chunks[:, ::-1].copy())

    return at("treatment.load", lambda: reverse)


def architecture():
    def made():
        from xlbench_nearby.modeling import classes

        return classes()

    return at("architecture.load", made)


def _values(hook, make):
    @hookimpl
    def function():
        return at(hook, lambda: list(make()), endless)

    return function


def _models():
    import importlib.util

    spec = importlib.util.find_spec("xlbench_nearby")
    if spec is not None and spec.origin is not None:
        from xlbench_nearby import NEARBY

        place = Path(spec.origin).with_name("checkpoint")
        yield BaseModel("faulty-model", "Nearby", str(place), architecture=replace(NEARBY, load=architecture))
    else:
        yield BaseModel("faulty-model", "Nowhere", "nobody/nothing", architecture=None)


shape = {"reduction_factor": 4}
VALUES = {
    "xlbench_tasks": lambda: [
        Task("faulty-task", 1, "A task", "faulty-kind", LABELS, metric(),
             AdapterTraining(epochs=1, batch_size=4), 32, "faulty-data", folder)
    ],
    "xlbench_task_data": lambda: [Data()],
    "xlbench_corpora": lambda: [Text()],
    "xlbench_languages": lambda: [Language("qtz", "Mine", "Made", "Made", "Latn")],
    "xlbench_distances": lambda: [Distance("faulty-distance", "A distance", {("qaa", "qaa"): 0.0})],
    "xlbench_models": lambda: list(_models()),
    "xlbench_probes": lambda: [Probe()],
    "xlbench_executors": lambda: [Executor()],
    "xlbench_observers": lambda: [Observer()],
    "xlbench_kinds": lambda: [
        KindOfTask(name="faulty-kind", summary="A kind", examples=Classified, gold="a label",
                   predicted="a label", level="sentence", load=kind)
    ],
    "xlbench_objectives": lambda: [
        Objective(name="faulty-objective", summary="An objective", load=objective,
                  families=frozenset({"encoder"}), head="masked-LM head")
    ],
    "xlbench_adapters": lambda: [
        AdapterKind(name="faulty-adapter", summary="A kind of adapter", load=adapter, task=shape,
                    language=shape, place="beside", leaves_out=False, abilities=frozenset({"pick"}))
    ],
    "xlbench_compositions": lambda: [
        CompositionKind(name="faulty-composition", summary="The first", load=composition)
    ],
    "xlbench_treatments": lambda: [
        Treatment(name="faulty-treatment", summary="Backwards", load=treatment, stage="tokens")
    ],
}  # fmt: skip
for _hook, _make in VALUES.items():
    globals()[_hook] = _values(_hook, _make)
