"""No code of a repository is run, however a configuration asks for it, with `kernels` really importable."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made import find_adapter

from xlbench.contracts import BaseModel
from xlbench.errors import ModelError
from xlbench.models.architectures import check_config
from xlbench.models.checkpoints import locate
from xlbench.models.saved.documents import refuse_code

A = "someone/kernel"
INTERNAL, PLAIN = "_attn_implementation_internal", "attn_implementation"
CONFIGS: list[dict[str, Any]] = [
    {INTERNAL: A},
    {INTERNAL: f"{A}@main"},
    {INTERNAL: f"{A}:forward"},
    {INTERNAL: f"{A}@rev:fn"},
    {INTERNAL: f"sdpa|{A}"},
    {INTERNAL: f"paged|{A}@v1:fn"},
    {INTERNAL: {"": A}},
    {INTERNAL: [A]},
    {INTERNAL: "flash_attention_2"},
    {INTERNAL: f" {A}"},
    {INTERNAL: 1},
    {INTERNAL: True},
    {PLAIN: A},
    {PLAIN: f"{A}@rev:fn"},
    {PLAIN: f"eager|{A}"},
    {PLAIN: {"": A}},
    {PLAIN: {"text_config": A}},
    {PLAIN: {"": "sdpa", "vision_config": {"": A}}},
    {PLAIN: "flash_attention_2"},
    {PLAIN: "flash_attention_3"},
    {PLAIN: "flex_attention"},
    {PLAIN: "SDPA"},
    {"_attn_implementation": A},
    {"_attn_implementation": f"sdpa|{A}:fn"},
    {"_attn_implementation_autoset": A},
    {"text_config": {INTERNAL: A}},
    {"text_config": {PLAIN: f"{A}@rev:fn"}},
    {"vision_config": {"_attn_implementation": f"sdpa|{A}"}},
    {"encoder": {"inner": {"deep": {INTERNAL: A}}}},
    {"layers": [{}, [{INTERNAL: A}]]},
    {"experts_implementation": A},
    {"_experts_implementation_internal": A},
    {"text_config": {"experts_implementation": A}},
    {"auto_map": {"AutoConfig": "configuration.Config"}},
    {"auto_map": {"AutoModel": f"{A}--modeling.Model"}},
    {"text_config": {"auto_map": {"AutoModel": "modeling.Model"}}},
    {"custom_pipelines": {"x": {"impl": "pipeline.X", "pt": ["AutoModel"]}}},
    {"trust_remote_code": True},
    {"use_kernels": True},
    {"kernel_config": {"RMSNorm": f"{A}:Layer"}},
    {"custom_generate": A},
    {"tokenizer_class": f"{A}--tokenization.T"},
    {"tokenizer_class": "tokenization.T"},
    {"tokenizer_class": ["T", f"{A}--T"]},
    {"processor_class": f"{A}--processing.P"},
    {"image_processor_type": "../x"},
    {"whatever": f"{A}--modeling.Model"},
    {"quantization_config": {"quant_method": "mxfp4"}},
]
"""Each is refused on its own."""

KERNELS = """
import os
class _Anything:
    def __init__(self, *a, **k): pass
    def __call__(self, *a, **k): return _Anything()
    def __or__(self, other): return self
    def __getattr__(self, name): return _Anything()
Device = LayerRepository = Mode = _Anything()
def get_kernel(*a, **k):
    with open(os.environ["CALLED"], "a") as file:
        file.write(f"{a} {k}\\n")
    return _Anything()
def register_kernel_mapping(*a, **k): pass
def replace_kernel_forward_from_hub(*a, **k): pass
def use_kernel_forward_from_hub(*a, **k): return lambda x: x
"""
LOAD = """
import json, os, sys, torch
from pathlib import Path
from xlbench.errors import XlbenchError
from xlbench.lab.encoder import Encoder
import kernels, transformers
from transformers.utils import is_kernels_available
assert is_kernels_available()
folder, original = Path(sys.argv[1]), None
path = folder / "config.json"
original = json.loads(path.read_text())
for change in json.loads(sys.argv[2]):
    path.write_text(json.dumps(original | change))
    try:
        Encoder(str(folder), torch.device("cpu"))
    except XlbenchError as error:
        print(error)
    else:
        print("loaded")
print("called" if Path(os.environ["CALLED"]).exists() else "never called")
path.write_text(json.dumps(original | json.loads(sys.argv[2])[0]))
transformers.AutoModelForMaskedLM.from_pretrained(folder)
"""


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def test_there_are_enough() -> None:
    assert len(CONFIGS) == len({json.dumps(x) for x in CONFIGS}) >= 40


@pytest.mark.parametrize("change", CONFIGS, ids=lambda x: json.dumps(x)[:60])
def test_planning_refuses_it_in_one_line(folder: Path, change: dict[str, Any]) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError) as caught:
        locate(BaseModel("it", "", str(folder)))
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert "never run" in line or "cannot be used" in line


def test_nothing_is_run_where_kernels_is_installed(folder: Path, tmp_path: Path) -> None:
    """A package of that name, with its metadata, that writes down whether a kernel was asked for. The first
    configuration goes to transformers itself at the end, so that the trap is seen to work."""
    site, called = tmp_path / "site", tmp_path / "called"
    (site / "kernels").mkdir(parents=True)
    (site / "kernels" / "__init__.py").write_text(KERNELS)
    (site / "kernels-0.10.0.dist-info").mkdir()
    about = "Metadata-Version: 2.1\nName: kernels\nVersion: 0.10.0\n"
    (site / "kernels-0.10.0.dist-info" / "METADATA").write_text(about)
    paths = os.pathsep.join([str(site), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths, "CALLED": str(called), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(folder), json.dumps(CONFIGS)],
        env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    *lines, last = done.stdout.splitlines() or [done.stderr]
    assert len(lines) == len(CONFIGS), done.stderr
    assert all(str(folder) in line for line in lines), lines
    assert last == "never called"
    assert A in called.read_text()


@pytest.mark.parametrize(
    "name",
    ["tokenizer_config.json", "special_tokens_map.json", "generation_config.json", "processor_config.json"],
)
@pytest.mark.parametrize(
    "change", [{"auto_map": {"AutoTokenizer": ["a.B", None]}}, {"a": [{"tokenizer_class": f"{A}--t.T"}]}]
)
def test_other_files_that_are_read_are_looked_at_too(folder: Path, name: str, change: dict[str, Any]) -> None:
    path = folder / name
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(content | change))
    with pytest.raises(ModelError, match="never run") as caught:
        locate(BaseModel("it", "", str(folder)))
    assert str(path) in str(caught.value)


def test_adapters_are_looked_at_too(tmp_path: Path) -> None:
    content = {"name": "a", "config": {"reduction_factor": 2, "auto_map": {"A": "b.C"}}}
    (tmp_path / "adapter_config.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match="never run"):
        find_adapter(str(tmp_path), {"model_type": "bert"})


BERT = {
    "architectures": ["BertForMaskedLM"], "attention_probs_dropout_prob": 0.1, "directionality": "bidi",
    "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 768, "initializer_range": 0.02,
    "intermediate_size": 3072, "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "model_type": "bert",
    "num_attention_heads": 12, "num_hidden_layers": 12, "pad_token_id": 0, "pooler_fc_size": 768,
    "pooler_num_attention_heads": 12, "pooler_num_fc_layers": 3, "pooler_size_per_head": 128,
    "pooler_type": "first_token_transform", "type_vocab_size": 2, "vocab_size": 119547,
}  # fmt: skip
XLMR = {
    "architectures": ["XLMRobertaForMaskedLM"], "attention_probs_dropout_prob": 0.1, "bos_token_id": 0,
    "eos_token_id": 2, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 768,
    "initializer_range": 0.02, "intermediate_size": 3072, "layer_norm_eps": 1e-05,
    "max_position_embeddings": 514, "model_type": "xlm-roberta", "num_attention_heads": 12,
    "num_hidden_layers": 12, "output_past": True, "pad_token_id": 1, "type_vocab_size": 1,
    "vocab_size": 250002,
}  # fmt: skip
PUBLISHED: dict[str, dict[str, Any]] = {
    "mbert": BERT,
    "xlmr": XLMR,
    "glot500": XLMR | {
        "_name_or_path": "cis-lmu/glot500-base", "position_embedding_type": "absolute",
        "torch_dtype": "float32",
        "transformers_version": "4.24.0", "use_cache": True, "vocab_size": 401145, "classifier_dropout": None,
    },
    "xlm-v": XLMR | {"_name_or_path": "facebook/xlm-v-base", "torch_dtype": "float16", "vocab_size": 901629},
    "minilm": {
        "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
        "hidden_size": 384, "initializer_range": 0.02, "intermediate_size": 1536, "layer_norm_eps": 1e-12,
        "max_position_embeddings": 512, "model_type": "bert", "num_attention_heads": 12,
        "num_hidden_layers": 12, "type_vocab_size": 2, "vocab_size": 250037,
        "tokenizer_class": "XLMRobertaTokenizer",
    },
    "mdeberta": {
        "model_type": "deberta-v2", "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1, "hidden_size": 768, "initializer_range": 0.02, "intermediate_size": 3072,
        "max_position_embeddings": 512, "relative_attention": True, "position_buckets": 256,
        "norm_rel_ebd": "layer_norm", "share_att_key": True, "pos_att_type": "p2c|c2p",
        "layer_norm_eps": 1e-07,
        "max_relative_positions": -1, "position_biased_input": False, "num_attention_heads": 12,
        "num_hidden_layers": 12, "type_vocab_size": 0, "vocab_size": 251000,
    },
    "modernbert": {
        "architectures": ["ModernBertForMaskedLM"], "attention_bias": False, "attention_dropout": 0.0,
        "bos_token_id": 50281, "classifier_activation": "gelu", "classifier_bias": False,
        "classifier_dropout": 0.0, "classifier_pooling": "mean", "cls_token_id": 50281, "decoder_bias": True,
        "deterministic_flash_attn": False, "embedding_dropout": 0.0, "eos_token_id": 50282,
        "global_attn_every_n_layers": 3, "global_rope_theta": 160000.0, "gradient_checkpointing": False,
        "hidden_activation": "gelu", "hidden_size": 768, "initializer_cutoff_factor": 2.0,
        "initializer_range": 0.02, "intermediate_size": 1152, "layer_norm_eps": 1e-05, "local_attention": 128,
        "local_rope_theta": 10000.0, "max_position_embeddings": 8192, "mlp_bias": False, "mlp_dropout": 0.0,
        "model_type": "modernbert", "norm_bias": False, "norm_eps": 1e-05, "num_attention_heads": 12,
        "num_hidden_layers": 22, "pad_token_id": 50283, "position_embedding_type": "absolute",
        "sep_token_id": 50282, "tie_word_embeddings": True, "torch_dtype": "float32",
        "transformers_version": "4.47.0.dev0", "vocab_size": 50368,
    },
    "distilbert": {
        "activation": "gelu", "architectures": ["DistilBertForMaskedLM"], "attention_dropout": 0.1,
        "dim": 768,
        "dropout": 0.1, "hidden_dim": 3072, "initializer_range": 0.02, "max_position_embeddings": 512,
        "model_type": "distilbert", "n_heads": 12, "n_layers": 6, "output_past": True, "pad_token_id": 0,
        "qa_dropout": 0.1, "seq_classif_dropout": 0.2, "sinusoidal_pos_embds": False, "tie_weights_": True,
        "vocab_size": 119547,
    },
}  # fmt: skip
PUBLISHED["mmbert"] = PUBLISHED["modernbert"] | {
    "position_embedding_type": "sans_pos", "vocab_size": 256000, "pad_token_id": 0,
    "global_rope_theta": 160000,
    "local_rope_theta": 160000, "repad_logits_with_grad": False, "sparse_pred_ignore_index": -100,
    "sparse_prediction": False,
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_configurations_in_the_shape_of_published_ones_pass(name: str) -> None:
    check_config(PUBLISHED[name], name)
    again = PUBLISHED[name] | {"_attn_implementation_autoset": True, "attn_implementation": None}
    check_config(again, name)


def test_names_of_repositories_are_harmless() -> None:
    refuse_code(
        {
            "_name_or_path": "someone/model", "name_or_path": "a/b", "base_model": "a/b", "tags": ["x/y",
            "a--b"],
            "tokenizer_class": "XLMRobertaTokenizer", "processor_class": None, "id2label": {"0": "a/b"},
            "trust_remote_code": False, "auto_map": {}, "attn_implementation": {"": "sdpa", "text": "eager"},
        },
        "it",
    )  # fmt: skip
