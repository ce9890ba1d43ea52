"""Every error that a user can cause, in one file."""

import errno
import re

_OUT_OF_MEMORY = re.compile(
    r"out of memory|not enough memory|can't allocate memory|cannot allocate memory"
    r"|failed to map segment from shared object",
    re.IGNORECASE,
)


class XlbenchError(Exception):
    """Something that the user can correct.

    The message is one line that says what is wrong and what to do. The command line prints it
    and exits with 2; Python callers catch it.
    """

    exit_code = 2


class StudyError(XlbenchError):
    """A study asks for something impossible or contradicts itself."""


class PluginError(XlbenchError):
    """A plugin failed to load, or two plugins claim one name."""


class UnknownNameError(XlbenchError):
    """A task, model, probe, language, corpus or executor that nothing provides."""


class DataError(XlbenchError):
    """A data file is missing, empty, truncated or malformed; the message has the file and line."""


class ModelError(XlbenchError):
    """A checkpoint is missing, unsafe or of an architecture that cannot be used."""


class ResultsError(XlbenchError):
    """A results folder cannot be read or written, or a newer version made it."""


class ExecutorError(XlbenchError):
    """An executor lost work, or failed itself; the message names it."""


class MemoryUsedUpError(XlbenchError):
    """Memory ran out where there is nothing to halve, such as while the model is loaded."""


class JobError(Exception):
    """One job failed by its own numbers (a loss became NaN); the rest of the study goes on."""


def ran_out(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that memory ran out; torch says so in several ways."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if isinstance(error, RuntimeError | ImportError) and _OUT_OF_MEMORY.search(text_of(error)):
            return True
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return False


def text_of(error: BaseException) -> str:
    """What an error says, whatever its class makes of that."""
    try:
        return str(error)
    except Exception as other:
        return f"{type(error).__name__}, which cannot be shown ({type(other).__name__})"


def said_of(error: BaseException) -> str:
    """What an error of a plugin or library is, on one line: class and message, or the class alone."""
    text = " ".join(text_of(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
