"""The command line: parses, calls, prints. One place turns errors into one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

from xlbench import output
from xlbench.errors import XlbenchError, ran_out
from xlbench.files import disk
from xlbench.output import complain
from xlbench.spec.problems import ManyProblemsError


def main() -> int:
    """Run the command line; returns the exit code: 2 for what the user can correct, 130 for Ctrl-C."""
    output.prepare()
    try:
        return _main()
    except KeyboardInterrupt:
        complain("stopped")
        return 130


def _main() -> int:
    import typer

    usage_error: type[Any] = typer.BadParameter.mro()[1]  # the base of all usage errors
    try:
        from xlbench.cli.app import app

        code = app(prog_name="xlbench", standalone_mode=False)
        sys.stdout.flush()
    except XlbenchError as error:
        for line in error.problems if isinstance(error, ManyProblemsError) else (str(error),):
            complain(line)
        return error.exit_code
    except usage_error as error:
        # Without a message where a group is called bare: its help has been shown already.
        if text := " ".join(error.format_message().replace("Value error, ", "").split()).rstrip("."):
            complain(f"{text} (see `{_help(error)}`)")
        return XlbenchError.exit_code
    except BrokenPipeError:
        return _pipe_closed()
    except SystemExit as end:
        # Typer's and rich's way with a closed pipe, which would look like failed jobs.
        if isinstance(end.__context__, BrokenPipeError):
            return _pipe_closed()
        raise
    except Exception as error:
        if ran_out(error):
            complain("memory is used up; give the process more (ulimit -v), or ask for less at once")
            return XlbenchError.exit_code
        if not (why := _system_fails(error)):
            raise
        complain(why)
        return XlbenchError.exit_code
    return code if isinstance(code, int) else 0


def _system_fails(error: Exception) -> str:
    """What to say of an error that is the system's, wherever it was met; "" for any other."""
    code = error.errno if isinstance(error, OSError) else None
    if isinstance(error, ImportError) and os.strerror(errno.EMFILE) in str(error):
        code = errno.EMFILE
    name = getattr(error, "filename", None) or getattr(error, "path", None)
    where = f" at {name}" if name else ""
    if code in (errno.ENOSPC, errno.EDQUOT):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return f"the disk is full{where}; free some space and try again (what is stored is kept)"
    why = disk.SYSTEM.get(code or 0)
    return (
        f"the system reports {os.strerror(code or 0)!r}{where}: {why} (what is stored is kept)" if why else ""
    )


def _pipe_closed() -> int:
    """Exit code for a reader that has had enough, as of a process that the signal has ended."""
    # Python flushes standard output once more when it ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _help(error: BaseException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'xlbench'} --help"
