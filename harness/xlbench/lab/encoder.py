"""The model in memory: body, language-model head, adapters and heads.

Only this file, `with_adapters`, `loading`, `compositions` and the heads of `kinds` know the library
`adapters`.

The body is loaded once, as an adapter model. The head over the vocabulary comes from transformers' own
class, whose body is replaced by a stub that hands on hidden states: that works for every architecture, keeps
the output bias that `AutoAdapterModel` drops, and lets the vocabulary logits be computed where they are
wanted alone.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from xlbench.contracts.freezing import Frozen
from xlbench.errors import ModelError, StudyError
from xlbench.lab import loading, parts
from xlbench.lab.compositions import stacks
from xlbench.lab.guard import weights_digest
from xlbench.lab.memory import Halving
from xlbench.lab.originals import Originals
from xlbench.lab.with_adapters import WithAdapters
from xlbench.models.architectures import (
    NUMBERED_FROM_PADDING,
    check_config,
    family_of,
    has_lm_head,
    no_head,
)
from xlbench.models.saved import documents, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xlbench.contracts import Architecture, Precision
    from xlbench.lab.batches import Batch


def _off_the_disk(model: nn.Module) -> None:
    """Have the weights in memory of their own: as loaded they are pages of the file, and change with it."""
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()


class Encoder(WithAdapters):
    """A pretrained multilingual model with everything that is attached to it."""

    def __init__(
        self,
        checkpoint: str,
        device: torch.device,
        precision: Precision = "float32",
        own: Architecture | None = None,
    ) -> None:
        """Load from a local folder (safetensors only, no remote code); `own` is the architecture of a plugin,
        if the model has one.

        Raises ModelError where the files cannot be loaded, or architecture or precision are not supported.
        """
        if precision == "bfloat16" and not torch.amp.is_autocast_available(device.type):
            raise ModelError(f"no bfloat16 on the device {device.type}; leave out --precision")
        logging.getLogger("adapters").setLevel(logging.ERROR)
        import transformers

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        # What a checkpoint lacks, such as a pooler, is drawn at random: alike at every load.
        torch.manual_seed(0)
        said = documents.read(Path(checkpoint) / "config.json")
        check_config(said, f"{checkpoint}: config.json", own)
        hint = settings.saved_by(said)
        self.family = family_of(said, own)
        self._has_head = has_lm_head(Path(checkpoint), said, own)
        classes = None if own is None else loading.own_classes(own)
        with loading.one_line(checkpoint, "its tokenizer cannot be loaded", hint):
            self.tokenizer = loading.tokenizer(checkpoint, self.family, own)
        with loading.one_line(checkpoint, "cannot be loaded as a language model", hint):
            self.model = loading.adapter_model(checkpoint, loading.config(checkpoint, classes), own, classes)
            config = loading.config(checkpoint, classes)
            lm = loading.language_model(checkpoint, config, own, classes, has_head=self._has_head)
            loading.check_fit(self.tokenizer, self.body, checkpoint)
            stacks.put_right(self.model)
            self.model.to(device).float().eval()
            _off_the_disk(self.model)
            decoder = lm.get_output_embeddings()
            loading.take_body_out(lm, self.family)
            if lm.config.tie_word_embeddings:
                decoder.weight = self.body.get_input_embeddings().weight
            self.masked_lm = lm.to(device).float().eval()
            _off_the_disk(self.masked_lm)
        self.device = device
        self.halving = Halving(device)
        self._reduced = precision == "bfloat16"
        self._checkpoint = checkpoint
        self._segments = own is None and getattr(self.model.config, "type_vocab_size", 0) > 1
        if decoder is not None:
            decoder.register_forward_pre_hook(self._invert)
        self._own = [p for _, p in self._own_parameters()]
        self._names = [name for name, _ in self._own_parameters()]
        self.originals = Originals(self._own, lambda: type(self)(checkpoint, device, precision, own).own)

    @property
    def pad(self) -> int:
        """What fills inputs of a batch up; attention masks say where. Any number does where the tokenizer has
        none.
        """
        found = self.tokenizer.pad_token_id
        return int(found if found is not None else self.tokenizer.eos_token_id or 0)

    @property
    def longest(self) -> int:
        """Longest input in pieces, special tokens included."""
        positions = getattr(self.model.config, "max_position_embeddings", None) or 1 << 30  # T5 has none
        if self.model.config.model_type in NUMBERED_FROM_PADDING:
            positions -= self.model.config.pad_token_id + 1
        return int(min(self.tokenizer.model_max_length, positions))

    def _own_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Parameters of the checkpoint itself, each once: body and masked-LM head, tied ones together."""
        known: set[int] = set()
        for prefix, module in (("body.", self.body), ("masked_lm.", self.masked_lm)):
            for name, parameter in module.named_parameters():
                if id(parameter) not in known and ".adapters." not in name:
                    known.add(id(parameter))
                    yield prefix + name, parameter

    @property
    def own(self) -> list[nn.Parameter]:
        """The checkpoint's own parameters, in memory as they are."""
        return self._own

    @property
    def names(self) -> list[str]:
        """Of the checkpoint's own parameters, in order."""
        return self._names

    @contextmanager
    def differentiated(self) -> Iterator[list[nn.Parameter]]:
        """Meanwhile the pretrained weights are there, and gradients are taken of them alone; then the weights
        that were there, bit for bit, and of none.
        """
        moved = weights_digest(self._own) != self.originals.digest
        with self.pretrained() if moved else nullcontext():
            for parameter in (*self.model.parameters(), *self.masked_lm.parameters()):
                parameter.requires_grad_(False)
            for parameter in self._own:
                parameter.requires_grad_(True)
            try:
                yield self._own
            finally:
                for parameter in self._own:
                    parameter.requires_grad_(False)
                self.use_no_adapter()

    def restore(self) -> None:
        """Put the pretrained weights back."""
        self.originals.put_back()

    @cached_property
    def parts(self) -> dict[str, int | str]:
        """The part of each of the checkpoint's own parameters, by name, as `xlbench.lab.parts` has it."""
        return parts.parts(self.body, zip(self._names, self._own, strict=True))

    def trainable_base(self, freeze: str = "") -> list[nn.Parameter]:
        """Switch gradients on for the checkpoint's own parameters, and off for all adapters, heads and what
        is frozen (`FinetuningSettings.freeze`). Raises StudyError for a layer that the model does not have,
        and where everything would be frozen.
        """
        self.originals.keep()
        moving = self.moving(freeze)
        for parameter in (*self.model.parameters(), *self._own):
            parameter.requires_grad_(False)
        for parameter in moving:
            parameter.requires_grad_(True)
        self.use_no_adapter()
        return moving

    def moving(self, freeze: str = "") -> list[nn.Parameter]:
        """The checkpoint's own parameters that fine-tuning moves. Raises as `trainable_base` does."""
        frozen = Frozen.read(freeze)
        try:
            frozen.check(parts.layers_of(self.parts))
        except ValueError as error:
            raise StudyError(f"mlm.{error}") from None
        of = (self.parts[name] for name in self._names)
        moving = [p for p, x in zip(self._own, of, strict=True) if not parts.is_frozen(x, frozen)]
        if not moving:
            raise StudyError(f"mlm.freeze {freeze!r} leaves nothing to train; leave a part out")
        return moving

    def train(self, mode: bool) -> None:
        """Dropout on or off, in body and heads."""
        self.model.train(mode)
        self.masked_lm.train(mode)

    def _invert(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """What an active adapter's invertible part did to the embeddings is undone before the vocabulary
        (MAD-X; Pfeiffer et al. 2020, section 3.3).
        """
        return (self.body.invertible_adapters_forward(inputs[0], rev=True), *inputs[1:])

    def weights(self) -> dict[str, Tensor]:
        """Copies of the checkpoint's own parameters as they are now, by name."""
        return {n: p.detach().clone() for n, p in zip(self._names, self._own, strict=True)}

    def vectors(self, ids: Tensor, attention: Tensor) -> Tensor:
        """Last-layer vectors of all tokens under the active adapters, shape (batch, length, hidden), in the
        model's own arithmetic.
        """
        with self._arithmetic():
            return self._read({"input_ids": ids, "attention_mask": attention})

    def continued(self, ids: Tensor, attention: Tensor, targets: Tensor) -> Tensor:
        """Of an encoder-decoder: last-layer vectors of its decoder, which reads a text and has `targets`,
        shape (batch, length), before it; shape (batch, length, hidden).
        """
        with self._arithmetic():
            found: Tensor = self.body(
                input_ids=ids, attention_mask=attention, decoder_input_ids=targets, return_dict=True
            )[0]
        return found

    def _read(self, inputs: dict[str, Tensor]) -> Tensor:
        """Vectors of all tokens of a text; of an encoder-decoder, the encoder's."""
        found: Tensor = self._reader(**inputs)[0]
        return found

    @property
    def _reader(self) -> Any:
        return self.model.read if self.family == "encoder-decoder" else self.body

    def masked_logits(self, ids: Tensor, attention: Tensor, where: Tensor) -> Tensor:
        """Vocabulary logits, shape (masked, vocabulary), at the flat positions `where` of a (batch, length)
        input. Raises ModelError as `vocabulary_logits` does.
        """
        hidden = self.vectors(ids, attention)
        return self.vocabulary_logits(hidden.reshape(-1, hidden.shape[-1])[where])

    def vocabulary_logits(self, vectors: Tensor) -> Tensor:
        """What the language-model head makes of vectors, shape (n, hidden): shape (n, vocabulary). Raises
        ModelError where the checkpoint came without such a head.
        """
        if not self._has_head:
            raise ModelError(f"{self._checkpoint}: {no_head(self.family)}")
        vectors = vectors.unsqueeze(0)
        given: dict[str, Any] = {"inputs_embeds": vectors}
        if self.family == "encoder-decoder":
            given = {"encoder_outputs": (vectors,), "decoder_inputs_embeds": vectors}
        with self._arithmetic():
            logits: Tensor = self.masked_lm(**given).logits[0]
        return logits.float()

    def outputs(self, batch: Batch) -> Any:
        """What the active head gives, as the library names it: `.logits`, `.start_logits`."""
        with self._arithmetic():
            found = self.model(**self._inputs(batch), return_dict=True)
        for name, value in found.items():
            if isinstance(value, Tensor):
                found[name] = value.float()
        return found

    def text_places(self, batch: Batch) -> Tensor:
        """Position of the token at which each text is read (`Tokenization.texts_at`), shape (batch,)."""
        if self.family == "encoder":
            return torch.zeros(len(batch.ids), dtype=torch.int64, device=self.device)
        return batch.attention.sum(1) - 1

    def hidden(self, batch: Batch) -> Tensor:
        """Vectors of all pieces under the active adapters, no head, shape (batch, length, hidden)."""
        with self._arithmetic():
            return self._read(self._inputs(batch)).float()

    def by_layer(self, batch: Batch) -> tuple[Tensor, ...]:
        """Vectors of all pieces under the active adapters: the embeddings, then what each layer gives, of
        shape (batch, length, hidden); of an encoder-decoder, of its encoder.
        """
        with self._arithmetic():
            found = self._reader(**self._inputs(batch), output_hidden_states=True)
        return tuple(x.float() for x in found.hidden_states)

    @contextmanager
    def pretrained(self) -> Iterator[None]:
        """The pretrained weights for a while; then those that were there, bit for bit."""
        now = [p.detach().clone() for p in self._own]
        self.restore()
        try:
            yield
        finally:
            with torch.no_grad():
                for parameter, value in zip(self._own, now, strict=True):
                    parameter.copy_(value)

    def distance_moved(self) -> float:
        """Norm of the change of all own weights since they were loaded, over the norm that they had."""
        with torch.no_grad():
            pairs = list(zip(self.originals.values, self._own, strict=True))
            change = sum(float(torch.linalg.vector_norm(p - before)) ** 2 for before, p in pairs)
            size = sum(float(torch.linalg.vector_norm(before)) ** 2 for before, _ in pairs)
        return float((change / size) ** 0.5)

    def _arithmetic(self) -> AbstractContextManager[object]:
        """In which the encoder computes; what it gives is float32 again."""
        return torch.autocast(self.device.type, torch.bfloat16) if self._reduced else nullcontext()

    def head(self, name: str) -> Any:
        """The head itself, for kinds that do more with it than run it."""
        return self.model.heads[name]

    def _inputs(self, batch: Batch) -> dict[str, Tensor]:
        inputs = {"input_ids": batch.ids.long(), "attention_mask": batch.attention}
        if batch.types is not None and self._segments:
            inputs["token_type_ids"] = batch.types.long()
        return inputs
