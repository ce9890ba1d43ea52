"""The family `nearby`: encoders whose attention prefers words that are near. Here, its one small model."""

from collections.abc import Iterator
from pathlib import Path

from xlbench import hookimpl
from xlbench.contracts import Architecture, BaseModel, Imported, Study

xlbench_contract = 1

LANGUAGES = frozenset({"qaa", "qab", "qad", "qae", "qaf", "qai", "qaj", "qak", "qam", "qan"})
"""Of the artificial languages, those whose text it was pretrained on (`make_checkpoint.py`)."""

NEARBY = Architecture(
    model_type="nearby",
    load=Imported("xlbench_nearby.modeling:classes", call=True),
    prefix="nearby",
    words="embed_tokens.weight",
    head="lm",
    interface={
        "adapter_methods": ["bottleneck", "lora", "reft", "invertible"],
        "model_embeddings": "embed_tokens",
        "model_layers": "layers",
        "layer_self_attn": "attention",
        "layer_cross_attn": None,
        "attn_q_proj": "query",
        "attn_k_proj": "key",
        "attn_v_proj": "value",
        "attn_o_proj": "output",
        "layer_intermediate_proj": "widen",
        "layer_output_proj": "narrow",
        "layer_pre_self_attn": "before_attention",
        "layer_pre_ffn": "before_feed_forward",
    },
)


@hookimpl
def xlbench_models() -> Iterator[BaseModel]:
    """The model. Others of the family would be further values with the same architecture."""
    yield BaseModel(
        name="nearby",
        summary="Nearby: 2 layers of 64, pretrained on 10 artificial languages",
        checkpoint=str(Path(__file__).with_name("checkpoint")),
        pretraining_languages=LANGUAGES,
        languages_source="xlbench-nearby 1.0, make_checkpoint.py",
        defaults=Study(
            tasks=("pos",),
            data={"pos": ("artificial",)},
            text="artificial",
            transfer=("qag", "qah"),
            targets=("qag", "qah", "qac"),
            train_languages=("qaa",),
        ),
        architecture=NEARBY,
    )
