"""Words as tokens: pairs of bytes that are merged, learnt from texts, or the tokenizer of a model of transformers; with the marks of sequences.

Byte-level BPE (Sennrich et al. 2015, arXiv 1508.07909; on bytes as in GPT-2), by the library tokenizers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from limner.errors import LimnerError
from limner.models.interleaved import Marks

START, END, IMAGE, CLOSED = "<|start|>", "<|end|>", "<|image|>", "<|/image|>"
FILE = "tokenizer.json"
_MOST = 2_000_000  # characters of one text


class Vocabulary:
    """Tokens of texts and the marks among them; `size` counts both."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer: Any = tokenizer
        found = [tokenizer.token_to_id(mark) for mark in (START, END, IMAGE, CLOSED)]
        if None in found:
            raise LimnerError(
                f"the tokenizer has no {', '.join(m for m, i in zip((START, END, IMAGE, CLOSED), found, strict=True) if i is None)}"
            )
        self.marks = Marks(*found)
        self.size = int(tokenizer.get_vocab_size())

    @classmethod
    def learnt(cls, texts: Iterable[str], size: int = 4_096) -> Vocabulary:
        """A vocabulary of about `size` tokens that suits texts."""
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        made: Any = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        trainer: Any = trainers.BpeTrainer(
            vocab_size=size, special_tokens=[START, END, IMAGE, CLOSED], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
        )  # fmt: skip
        made.train_from_iterator((text[:_MOST] for text in texts), trainer)
        return cls(made)

    @classmethod
    def of(cls, tokenizer: Any) -> Vocabulary:
        """The tokenizer of a model of transformers (a fast one), with the marks added where it lacks them: its model's embeddings must then be
        made as many as `size` (`resize_token_embeddings`)."""
        inner = tokenizer.backend_tokenizer
        inner.add_special_tokens([START, END, IMAGE, CLOSED])
        return cls(inner)

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """The one that `save` wrote. Raises `LimnerError` for another file."""
        from tokenizers import Tokenizer

        try:
            return cls(Tokenizer.from_file(str(folder / FILE)))
        except LimnerError:
            raise
        except Exception as error:  # noqa: BLE001 - tokenizers raises bare Exceptions
            raise LimnerError(f"{folder / FILE} is not a tokenizer: {error}") from None

    def save(self, folder: Path) -> None:
        """Write it into a folder, whole or not at all."""
        waiting = folder / f".{FILE}.{os.getpid()}"
        self._tokenizer.save(str(waiting))
        os.replace(waiting, folder / FILE)

    def hub(self, codes: int = 0) -> Any:
        """The tokenizer as transformers', which begins a text with the mark of a start. `codes` are entries after the words, called
        `<|code:0|>` and on."""
        from tokenizers import AddedToken, Tokenizer, processors
        from transformers import PreTrainedTokenizerFast

        inner: Any = Tokenizer.from_str(self._tokenizer.to_str())
        inner.add_special_tokens([AddedToken(f"<|code:{i}|>", normalized=False, special=True) for i in range(codes)])
        inner.post_processor = processors.TemplateProcessing(
            single=f"{START} $A", pair=f"{START} $A $B", special_tokens=[(START, self.marks.start)]
        )
        return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token=START, eos_token=END, pad_token=END)

    def encode(self, text: str) -> list[int]:
        """The tokens of a text; marks in it are words like any other."""
        for mark in (START, END, IMAGE, CLOSED):
            if mark in text:
                text = text.replace(mark, mark.replace("|", " "))
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens; marks are left out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)
