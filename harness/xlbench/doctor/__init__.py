"""What is installed, reachable and cached here, and whether the embedded default study works."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from xlbench import hub, plugins
from xlbench.contracts import Study
from xlbench.doctor import advisories
from xlbench.errors import XlbenchError
from xlbench.output import counted
from xlbench.running.progress import size

State: TypeAlias = Literal["good", "note", "bad"]
LIBRARIES = ("xlbench", "torch", "transformers", "adapters", "datasets", "huggingface-hub")
PATIENCE = 5.0
"""Seconds that the hub may take to answer."""
LITTLE = 5_000_000_000
"""Bytes of free space below which a checkpoint and its data may not fit."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: State
    """A note is nothing wrong by itself, but may be the reason for something."""
    text: str


def examine(files: Sequence[Path] = ()) -> Iterator[Finding]:
    """Look at one thing after the other; nothing is changed, and no token is shown. `files` are plugins."""
    versions = ", ".join(f"{x} {importlib.metadata.version(x)}" for x in LIBRARIES)
    yield Finding("installed", "good", f"python {platform.python_version()}, {versions}")
    yield from _advisories()
    yield from _plugins(files)
    yield _device()
    yield _cache()
    yield _hub()
    yield _token()
    yield _default()


def _advisories() -> Iterator[Finding]:
    for one, version in advisories.touching():
        exposed = "" if advisories.is_exposed(one) else f" ({one.only_with} is not installed)"
        text = f"{one.id} in {one.package} {version}: {one.what}{exposed}; {one.advice}"
        yield Finding("advisory", "note", text)


def _plugins(files: Sequence[Path]) -> Iterator[Finding]:
    try:
        registry = plugins.load(given=plugins.give(files), lenient=True)
    except XlbenchError as error:
        yield Finding("plugins", "bad", str(error))
        return
    yield Finding("plugins", "good", f"{len(registry.plugins) - len(registry.failed)} loaded")
    for plugin in registry.failed:
        part = "failed to load" if plugin.error is not None else "is not used whole"
        yield Finding("plugins", "bad", f"{plugin} {part}: {plugin.problem}")
    for kind, name in registry.rivals:
        yield Finding("plugins", "note", registry.unknown(kind, name))


def _device() -> Finding:
    from xlbench.lab.hardware import choose_device, hardware

    try:
        device = choose_device("auto")
    except XlbenchError as error:
        return Finding("device", "bad", str(error))
    facts = hardware(device)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    text = f"{device.type} ({facts['processor']}), {counted(cores, 'core')}, {facts['threads']} threads"
    return Finding("device", "good", text)


def _cache() -> Finding:
    from huggingface_hub import constants

    folder = Path(constants.HF_HOME)
    there = next(x for x in (folder, *folder.parents) if x.exists())
    free = shutil.disk_usage(there).free
    text = f"{folder}, {size(free)} free"
    if Path(constants.HF_HUB_CACHE).parent != folder:
        text += f"; checkpoints and data sets in {constants.HF_HUB_CACHE}"
    if not os.access(there, os.W_OK):
        return Finding("cache", "note", f"{text}, may not be written to: nothing can be downloaded (HF_HOME)")
    return Finding("cache", "note" if free < LITTLE else "good", text)


def _hub() -> Finding:
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        return Finding("hub", "note", "offline mode is set (HF_HUB_OFFLINE): only what is cached can be used")
    address = hub.hidden(constants.ENDPOINT)
    try:
        get_session().head(constants.ENDPOINT, timeout=PATIENCE)
    except OSError as error:
        why = f"{address} cannot be reached ({type(error).__name__})"
        return Finding("hub", "note", f"{why}: only what is cached can be used")
    return Finding("hub", "good", f"{address} answers")


def _token() -> Finding:
    from huggingface_hub import get_token

    if get_token() is None:
        return Finding("token", "good", "none, which only restricted repositories need (`hf auth login`)")
    return Finding("token", "good", "there is one")


def _default() -> Finding:
    """The study that runs where nothing is asked for, cut down to one step and a few examples."""
    from xlbench import api
    from xlbench.studies.resolve import resolve

    try:
        whole = resolve(*plugins.settle(Study(), plugins.load())).study
        part = replace(
            Study(),
            probes=whole.probes[:1],
            tasks=whole.tasks[:1],
            transfer=whole.transfer[:1],
            targets=whole.targets[:1],
            train_languages=whole.train_languages[:1],
            steps=(1,),
            seeds=(0,),
            adapter_seeds=(0,),
            readings=("put-back",),
            controls=(),
            limit=8,
            adapter={"epochs": 1, "limit": 32},
        )
        with tempfile.TemporaryDirectory() as folder:
            done = api.run(part, results=folder, workers=1)
    except XlbenchError as error:
        return Finding("default study", "bad", str(error))
    if done.failed:
        return Finding("default study", "bad", next(iter(done.failed.values())))
    return Finding("default study", "good", f"works ({counted(done.run, 'job')} in {done.seconds:.1f} s)")
