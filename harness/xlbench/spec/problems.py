"""Everything that is wrong with a study, told at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from xlbench.errors import StudyError, XlbenchError


class ManyProblemsError(StudyError):
    """Everything that is wrong with a study, one line for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type[ManyProblemsError], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


@dataclass
class Problems:
    """Lines, each once."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Keep a line."""
        if line not in self.lines:
            self.lines.append(line)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep an error as a problem and go on."""
        try:
            yield
        except ManyProblemsError as error:
            for line in error.problems:
                self.add(line)
        except XlbenchError as error:
            self.add(str(error))
