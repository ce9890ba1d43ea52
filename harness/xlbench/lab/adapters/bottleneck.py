"""Bottlenecks after the feed-forward part of each layer, without and with an invertible part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xlbench.contracts import AdapterFiles, AdapterKind

PLACE = "after the feed-forward part"
ABILITIES = frozenset({"average", "fuse", "merge"})


FILES = AdapterFiles(
    known_by={"architecture": None},
    said=("reduction_factor", "mh_adapter", "output_adapter", "non_linearity"),
    settings={
    "mh_adapter": None, "output_adapter": None, "reduction_factor": None, "non_linearity": None,
    "original_ln_before": False, "original_ln_after": True, "ln_before": False, "ln_after": False,
    "init_weights": "bert", "init_weights_seed": None, "is_parallel": False, "scaling": 1.0,
    "use_gating": False, "residual_before_ln": True, "adapter_residual_before_ln": False, "inv_adapter": None,
    "inv_adapter_reduction_factor": None, "cross_adapter": False, "leave_out": [], "dropout": 0.0,
    "phm_layer": False, "phm_dim": 4, "factorized_phm_W": True, "shared_W_phm": False,
    "shared_phm_rule": True, "factorized_phm_rule": False, "phm_c_init": "normal",
    "phm_init_range": 0.0001, "learn_phm": True,
    "hypercomplex_nonlinearity": "glorot-uniform", "phm_rank": 1, "phm_bias": True, "stochastic_depth": 0.0,
},
    place={
        "mh_adapter": False, "output_adapter": True, "original_ln_before": True, "original_ln_after": True,
        "residual_before_ln": True, "adapter_residual_before_ln": False, "leave_out": [],
    },
)  # fmt: skip
"""All settings of `adapters.BnConfig`, and where `SeqBnConfig` sits and what it is given: one that sits
elsewhere can be given too, and is put together with no other."""


def _seq_bn() -> Callable[..., Any]:
    from adapters import SeqBnConfig

    return SeqBnConfig  # type: ignore[no-any-return]


def _seq_bn_inv() -> Callable[..., Any]:
    from adapters import SeqBnInvConfig

    return SeqBnInvConfig  # type: ignore[no-any-return]


SEQ_BN = AdapterKind(
    name="seq_bn",
    summary="Bottleneck after the feed-forward part (Pfeiffer et al. 2021)",
    load=_seq_bn,
    task={"reduction_factor": 16},
    language={"reduction_factor": 16},
    place=PLACE,
    abilities=ABILITIES,
    files=FILES,
)
SEQ_BN_INV = AdapterKind(
    name="seq_bn_inv",
    summary="seq_bn with an invertible part at the embeddings (MAD-X; Pfeiffer et al. 2020)",
    load=_seq_bn_inv,
    task=None,
    language={"reduction_factor": 2},
    place=PLACE,
    abilities=ABILITIES,
    files=FILES,
    invertible=True,
)
