"""Retries where the hub is busy or a connection broke.

`huggingface_hub` itself waits out 5xx answers and refused connections when it downloads a file, but neither
429 nor a body that ends early, nor anything when it asks for a list of files.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Found = TypeVar("Found")

WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each further try, give or take half, where the hub does not say how long."""
LONGEST = 120.0
"""Seconds that one try is waited for at most, whatever the hub says."""
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that will be others later."""


class _Contact:
    """Whether the hub has been reached in this process: only then can its silence be an interruption."""

    reached = False
    lost = False


def retried(call: Callable[[], Found]) -> Found:
    """The result of `call`, tried again while what it raises may pass.

    A hub that was never reached is tried once, since there is no network then.
    """
    for wait in (*WAITS, None):
        try:
            found = call()
        except Exception as error:
            if wait is None or not _may_pass(error):
                raise
            seconds = min(_asked(error, wait), LONGEST)
            response = answer(error)
            why = "the connection broke" if response is None else f"the hub is busy ({response.status_code})"
            logging.getLogger(__name__).warning("%s; trying again in %.0f s", why, seconds)
            time.sleep(seconds)
        else:
            _Contact.reached = True
            return found
    raise AssertionError("the last wait is None")


def out_of_reach() -> bool:
    """Whether a try before has shown that there is no network."""
    return _Contact.lost


def has_been_reached() -> bool:
    """Whether there is a network, or was."""
    return _Contact.reached


def answer(error: BaseException) -> Any | None:
    """The hub's response behind an error; None where there was none."""
    found = (getattr(one, "response", None) for one in chain(error))
    return next((x for x in found if x is not None), None)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_broken_connection(error: BaseException) -> bool:
    """Whether a connection broke, timed out or never came about; offline mode is something else."""
    import requests
    from huggingface_hub.errors import OfflineModeIsEnabled

    kinds = (
        ConnectionError,
        TimeoutError,
        requests.ConnectionError,
        requests.Timeout,
        requests.exceptions.ChunkedEncodingError,
    )
    causes = list(chain(error))
    if any(isinstance(x, OfflineModeIsEnabled) for x in causes):
        return False
    return any(isinstance(x, kinds) for x in causes)


def _may_pass(error: Exception) -> bool:
    response = answer(error)
    if response is not None:
        _Contact.reached = True
        return response.status_code in BUSY
    if not is_broken_connection(error):
        return False
    _Contact.lost = not _Contact.reached
    return _Contact.reached


def _asked(error: Exception, otherwise: float) -> float:
    """Seconds to wait: as the hub says, or about `otherwise`."""
    response = answer(error)
    said = "" if response is None else response.headers.get("Retry-After", "")
    return float(said) if said.isdecimal() else otherwise * random.uniform(0.5, 1.5)
