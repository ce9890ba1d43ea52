"""Which part of a model each of its parameters belongs to, whatever its architecture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from torch.nn import Parameter

    from xlbench.contracts.freezing import Frozen

EMBEDDINGS: Final = "embeddings"
AFTER: Final = "after the layers"
HEAD: Final = "head"
POOLER: Final = "pooler"
"""What no pretraining objective reads; it never moves."""
_OF_EMBEDDINGS = ("embed", "wte", "wpe", "shared")


def parts(body: Any, own: Iterable[tuple[str, Parameter]]) -> dict[str, int | str]:
    """The part of each of a model's own parameters, by name: the number of its layer, EMBEDDINGS, AFTER (what
    is in no layer and no embedding, such as the last normalisation), POOLER, or HEAD (what is not in `body`).

    `body` is a model of the library `adapters`, which says of each architecture which its layers are. An
    encoder-decoder's are numbered on, also where adapters are in its encoder alone.
    """
    layers = [layer for _, layer in body.iter_layers()]
    if body.config.is_encoder_decoder:
        layers = [*body.encoder.block, *body.decoder.block]
    layer_of = {id(p): number for number, layer in enumerate(layers) for p in layer.parameters()}
    within = {id(p) for p in body.parameters()}
    tokens = {id(p) for p in body.get_input_embeddings().parameters()}

    def part(name: str, one: Parameter) -> int | str:
        if id(one) in layer_of:
            return int(layer_of[id(one)])
        if id(one) not in within:
            return HEAD
        path = name.lower().split(".")
        if "pooler" in path:
            return POOLER
        embeds = id(one) in tokens or any(x.startswith(_OF_EMBEDDINGS) or "_embed" in x for x in path)
        return EMBEDDINGS if embeds else AFTER

    return {name: part(name, one) for name, one in own}


def is_frozen(part: int | str, frozen: Frozen) -> bool:
    """Whether a part stays as it is."""
    if part == EMBEDDINGS:
        return frozen.embeddings
    if part == HEAD:
        return frozen.head
    if part == POOLER:
        return True
    return frozen.body or part in frozen.layers


def layers_of(found: Mapping[str, int | str]) -> int:
    """How many layers a model has."""
    return 1 + max((x for x in found.values() if isinstance(x, int)), default=-1)
