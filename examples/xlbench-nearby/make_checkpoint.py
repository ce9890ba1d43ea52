"""Pretrain the model of this package, on one CPU in a minute: python make_checkpoint.py.

Text of 10 artificial languages, 15% of the tokens masked as for BERT. Needs xlbench and this package.
"""

import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from xlbench_nearby import LANGUAGES
from xlbench_nearby.modeling import NearbyConfig, NearbyForMaskedLM
from xlbench_tasks.artificial.data import ArtificialText

FOLDER = Path(__file__).parent / "src" / "xlbench_nearby" / "checkpoint"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LINES, VOCABULARY, LENGTH, BATCH, STEPS = 4000, 1000, 32, 32, 1500


def tokenizer(lines: list[str]) -> PreTrainedTokenizerFast:
    """WordPiece, as BERT's."""
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    made.train_from_iterator(lines, trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=SPECIAL))
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=512,
        model_input_names=["input_ids", "attention_mask"],
    )


def main() -> None:
    """Train and save."""
    torch.manual_seed(0)
    draw = random.Random(0)
    text = ArtificialText()
    lines = [line for code in sorted(LANGUAGES) for line in text.lines(code, LINES)]
    draw.shuffle(lines)
    reader = tokenizer(lines)
    config = NearbyConfig(vocab_size=len(reader), pad_token_id=0, tie_word_embeddings=True)
    model = NearbyForMaskedLM(config).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=3e-3, total_steps=STEPS)
    for step in range(STEPS):
        chosen = draw.sample(lines, BATCH)
        read = reader(chosen, truncation=True, max_length=LENGTH, padding=True, return_tensors="pt")
        ids, kept = read["input_ids"], read["attention_mask"].bool()
        masked = (torch.rand(ids.shape) < 0.15) & kept & (ids >= len(SPECIAL))
        kind = torch.rand(ids.shape)
        given = torch.where(masked & (kind < 0.8), 4, ids)
        given = torch.where(masked & (kind >= 0.9), torch.randint(5, len(reader), ids.shape), given)
        vectors = model.nearby(given, read["attention_mask"]).last_hidden_state
        loss = torch.nn.functional.cross_entropy(model.lm(vectors[masked]), ids[masked])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
        if step % 100 == 0:
            print(step, f"{loss.item():.3f}", flush=True)
    model.eval().half().save_pretrained(FOLDER)
    reader.save_pretrained(FOLDER)


if __name__ == "__main__":
    main()
