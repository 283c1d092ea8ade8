"""Language models run here by transformers that write images too: Chameleon and Anole, Janus, Emu3.

Transformers' `generate` writes text or one image; this is the loop that writes both in turn, for several conversations at a time. Each is a row of
one cache of keys. A row that has begun an image takes codes only, as many as an image has, so an image is whole or is not there.

B rows, L tokens, D model width, V vocabulary, K codes.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from limner.errors import ExpertError
from limner.experts.device import place
from limner.experts.image_blocks import FAMILIES, Blocks, model_of
from limner.experts.language import Answer, Content, Message, Sampling
from limner.experts.language_vision import Prompts, processor

_BATCH = 8


class Streams:
    """Rows of a cache of keys, each at its own length: what is fed to one is put right of what others hold, and its gaps are masked."""

    def __init__(self, blocks: Blocks, rows: int) -> None:
        self._torch: Any = importlib.import_module("torch")
        self._inner, self._cache = blocks.inner, None
        self._mask_BL: Any = self._torch.zeros(rows, 0, dtype=self._torch.long, device=blocks.model.device)

    def feed(self, chunks: Sequence[Any]) -> Any:
        """Run vectors (L x D, of any length, None for nothing) after those of each row; the states after the last of each, B x D. A row that was
        given nothing has a state without meaning."""
        torch, width = self._torch, max(len(chunk) for chunk in chunks if chunk is not None)
        some = next(chunk for chunk in chunks if chunk is not None)
        x_BLD = some.new_zeros(len(chunks), width, some.shape[-1])
        new_BL = self._mask_BL.new_zeros(len(chunks), width)
        for row, chunk in enumerate(chunks):
            if chunk is not None:
                x_BLD[row, width - len(chunk) :] = chunk
                new_BL[row, width - len(chunk) :] = 1
        self._mask_BL = torch.cat([self._mask_BL, new_BL], 1)
        places_BL = (self._mask_BL.cumsum(1) - 1).clip(0)[:, -width:]
        out = self._inner(
            inputs_embeds=x_BLD, attention_mask=self._mask_BL, position_ids=places_BL, past_key_values=self._cache, use_cache=True
        )  # fmt: skip
        self._cache = out.past_key_values
        return out.last_hidden_state[:, -1]

    def forget(self, row: int) -> None:
        """Let a row begin anew."""
        self._mask_BL[row] = 0


@dataclass(slots=True)
class _Row:
    """One answer in the making."""

    chance: Any
    context: list[int]  # tokens that its stream has run, codes as the token that stands for an image
    room: int  # tokens that still fit
    over: bool  # its text has ended
    said: list[int] = field(default_factory=list[int])  # text since the last image
    codes: list[int] | None = None  # of the image that it is at
    parts: list[Content] = field(default_factory=list[Content])
    words: int = 0
    images: int = 0
    whole: bool = False
    done: bool = False


class InterleavedModel:
    """A language model that reads and writes images, and its processor."""

    sees = True

    def __init__(self, made: Any, model: Any, name: str) -> None:
        self._torch: Any = importlib.import_module("torch")
        self._nucleus: Any = importlib.import_module("transformers").TopPLogitsWarper
        device, numbers = place()
        self.model, self.processor, self.name = model.to(device, numbers).eval(), made, name
        self.prompts = Prompts(made, name)
        self.blocks = FAMILIES[model.config.model_type](self.model, made)
        ends = self.model.generation_config.eos_token_id
        self._ends = {made.tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
        self._context = int(model.config.get_text_config().max_position_embeddings)

    def answer(self, prompts: Sequence[Sequence[Message]], sampling: Sampling = Sampling()) -> list[Answer]:  # noqa: B008
        """See `LanguageModel`. What an answer draws does not depend on the others of its batch, but for rounding.

        Raises `ExpertError` for a prompt that is too long for the model, for an image that cannot be read, and where images are asked for and
        the checkpoint has no decoder of them.
        """
        if sampling.least_images and not self.blocks.writes:
            raise ExpertError(f"{self.name} reads images and writes none: its weights have no decoder of images; ask for none")
        inputs = [self.prompts([prompt]) for prompt in prompts]
        order = sorted(range(len(inputs)), key=lambda i: inputs[i]["input_ids"].shape[1])
        answers: dict[int, Answer] = {}
        with self._torch.inference_mode():
            for first in range(0, len(order), _BATCH):
                batch = order[first : first + _BATCH]
                answers.update(zip(batch, self._written([inputs[i] for i in batch], sampling), strict=True))
        return [answers[i] for i in range(len(inputs))]

    def _written(self, inputs: Sequence[Any], sampling: Sampling) -> list[Answer]:
        rows = [self._row(each["input_ids"][0].tolist(), sampling) for each in inputs]
        streams, asked = Streams(self.blocks, len(rows)), [len(row.context) for row in rows]
        states_BD = streams.feed([self.blocks.prompt(each) for each in inputs])
        bare: Streams | None = None  # what images would be without being asked for
        bare_BD: Any = None
        while True:
            texts = [i for i, row in enumerate(rows) if not row.done and row.codes is None]
            images = [i for i, row in enumerate(rows) if row.codes is not None]
            fed: list[Any] = [None] * len(rows)
            beside: list[Any] = [None] * len(rows)
            if texts:
                for i, logits_V in zip(texts, self.blocks.words(states_BD[texts]), strict=True):
                    tokens = self._word(rows[i], logits_V, sampling)
                    fed[i] = self.blocks.embed(tokens) if tokens else None
                    if rows[i].codes is not None:
                        beside[i] = self.blocks.embed(self.blocks.bare(rows[i].context))
            if images:
                logits_BK = self.blocks.codes(states_BD[images])
                if bare is not None:
                    # Ho and Salimans 2022, equation 6, on logits.
                    bare_BK = self.blocks.codes(bare_BD[images])
                    logits_BK = bare_BK + sampling.guidance * (logits_BK - bare_BK)
                for i, logits_K in zip(images, logits_BK, strict=True):
                    fed[i] = beside[i] = self._code(rows[i], logits_K, sampling)
                    if rows[i].codes is None:
                        beside[i] = None
                        if bare is not None:
                            bare.forget(i)
            if all(chunk is None for chunk in fed):
                return [self._answer(row, tokens) for row, tokens in zip(rows, asked, strict=True)]
            states_BD = streams.feed(fed)
            drawing = any(row.codes is not None for row in rows)
            if sampling.guidance != 1 and drawing:
                bare = bare or Streams(self.blocks, len(rows))
                bare_BD = bare.feed(beside)
            elif not drawing:
                bare = None  # its keys are of images that are done

    def _row(self, ids: list[int], sampling: Sampling) -> _Row:
        room = self._context - len(ids)
        needed = sampling.tokens + sampling.least_images * self.blocks.length
        if needed > room:
            raise ExpertError(
                f"{len(ids)} tokens and {needed} more for the answer do not fit into the {self._context} of {self.name}; "
                "give it less, ask for less, or take a model with a longer context"
            )
        chance = self._torch.Generator().manual_seed(sampling.seed)
        return _Row(chance, ids, room, over=sampling.tokens < 1)

    def _word(self, row: _Row, logits_V: Any, sampling: Sampling) -> list[int]:
        """Let a row take its next word, begin an image or end; the tokens that its stream goes on with."""
        begin, fed = self.blocks.begin, list[int]()
        kept = max(sampling.least_images - row.images, 0) * self.blocks.length  # room for images that must come
        most = max(sampling.images, sampling.least_images) if self.blocks.writes else 0
        able = row.images < most and row.room >= max(kept, self.blocks.length)
        row.over = row.over or row.room <= kept
        token = -1
        if not row.over:
            if not able:
                logits_V[begin] = -self._torch.inf
            token = self._draw(logits_V, row, sampling)
            if token in self._ends:
                row.over = row.whole = True
            elif token != begin:
                fed.append(token)
                row.said.append(token)
                row.words += 1
                row.whole = self._stopped(row, sampling)
                row.over = row.whole or row.words >= sampling.tokens
        if token == begin or (row.over and row.images < sampling.least_images):
            self._say(row, sampling)
            row.codes = []
            fed += self.blocks.opening
        elif row.over:
            self._say(row, sampling)
            row.done = True
            return []
        row.context += fed
        row.room -= len(fed)
        return fed

    def _code(self, row: _Row, logits_K: Any, sampling: Sampling) -> Any:
        """Let a row take the next code of its image; the vectors that its stream goes on with."""
        assert row.codes is not None
        code = self._draw(logits_K, row, sampling)
        row.codes.append(code)
        marks = self.blocks.after(len(row.codes))
        row.context += [self.blocks.stand_in, *marks]
        row.room -= 1 + len(marks)
        if len(row.codes) == self.blocks.count:
            with io.BytesIO() as out:
                Image.fromarray(self.blocks.pixels(row.codes)).save(out, "PNG")
                row.parts.append(out.getvalue())
            row.images, row.codes = row.images + 1, None
        vector_LD = self.blocks.embed_code(code)
        return self._torch.cat([vector_LD, self.blocks.embed(marks)]) if marks else vector_LD

    def _draw(self, logits_V: Any, row: _Row, sampling: Sampling) -> int:
        if sampling.temperature <= 0:
            return int(logits_V.argmax())
        scores_BV = (logits_V / sampling.temperature).cpu()[None]
        if sampling.top_p < 1:
            scores_BV = self._nucleus(sampling.top_p)(None, scores_BV)
        return int(self._torch.multinomial(scores_BV.softmax(-1), 1, generator=row.chance))

    def _stopped(self, row: _Row, sampling: Sampling) -> bool:
        if not sampling.stop:
            return False
        # A token may be a part of a letter of four bytes, so the longest stop has at most four times as many.
        tail = row.said[-(4 * max(map(len, sampling.stop)) + 4) :]
        text = self.processor.tokenizer.decode(tail, skip_special_tokens=True)
        return any(stop in text for stop in sampling.stop)

    def _say(self, row: _Row, sampling: Sampling) -> None:
        """Put what a row said since its last image among its parts, without its stop."""
        text = self.processor.tokenizer.decode(row.said, skip_special_tokens=True)
        cut = min((at for stop in sampling.stop if (at := text.find(stop)) >= 0), default=None)
        if text[:cut].strip():
            row.parts.append(text[:cut])
        row.said = []

    def _answer(self, row: _Row, asked: int) -> Answer:
        return Answer(tuple(row.parts) or ("",), row.whole, asked, row.words + row.images * self.blocks.count)


def load(where: str, config: Any, address: str) -> InterleavedModel:
    """The model of a name or folder whose configuration is known."""
    return InterleavedModel(processor(where, config, address), model_of(where, config, address), address)
