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
from xlbench.contracts.data import Classified, Corpus, Example, Split, Tagged, TaskData
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
    Verdict,
)
from xlbench.contracts.study import Control, MaskedLM, Resolved, Study
from xlbench.contracts.task import AdapterTraining, Labels, Metric, Task, TaskKind

__all__ = [
    "IDENTITY_VERSION",
    "AdapterConfig",
    "AdapterTraining",
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
    "Probe",
    "Record",
    "Records",
    "Rerun",
    "Resolved",
    "Split",
    "Study",
    "Table",
    "Tagged",
    "Task",
    "TaskData",
    "TaskKind",
    "Value",
    "Verdict",
    "Variant",
    "Work",
    "digest",
]
