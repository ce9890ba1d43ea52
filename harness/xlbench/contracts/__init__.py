"""The types that plugins give and get."""

from xlbench.contracts.adapter import (
    AdapterConfig,
    Composition,
    Fusion,
    GivenAdapter,
    LanguageAdapter,
    LanguageTraining,
    Mix,
)
from xlbench.contracts.cell import Cell, Json, digest
from xlbench.contracts.data import Answered, Classified, Corpus, Example, Parsed, Split, Tagged, TaskData
from xlbench.contracts.executor import Event, Executor, Notify, Outcome, Work
from xlbench.contracts.lab import Lab, Variant
from xlbench.contracts.language import Distance, Language
from xlbench.contracts.model import BaseModel
from xlbench.contracts.probe import (
    IDENTITY_VERSION,
    Cost,
    Evaluation,
    Job,
    Matrix,
    Number,
    Page,
    Probe,
    Record,
    Records,
    Rerun,
    Table,
    Value,
)
from xlbench.contracts.study import Control, MaskedLM, Resolved, Study
from xlbench.contracts.task import AdapterTraining, Arcs, Labels, Metric, Score, Task, TaskKind

__all__ = [
    "IDENTITY_VERSION",
    "AdapterConfig",
    "AdapterTraining",
    "Answered",
    "Arcs",
    "BaseModel",
    "Cell",
    "Classified",
    "Composition",
    "Control",
    "Corpus",
    "Cost",
    "Distance",
    "Evaluation",
    "Event",
    "Example",
    "Executor",
    "Fusion",
    "GivenAdapter",
    "Job",
    "Json",
    "Lab",
    "Labels",
    "Language",
    "LanguageAdapter",
    "LanguageTraining",
    "MaskedLM",
    "Matrix",
    "Metric",
    "Mix",
    "Notify",
    "Number",
    "Outcome",
    "Page",
    "Parsed",
    "Probe",
    "Record",
    "Records",
    "Rerun",
    "Resolved",
    "Score",
    "Split",
    "Study",
    "Table",
    "Tagged",
    "Task",
    "TaskData",
    "TaskKind",
    "Value",
    "Variant",
    "Work",
    "digest",
]
