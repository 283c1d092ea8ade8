"""Language models run here by transformers."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limner.errors import ExpertError, MissingExtra
from limner.experts.device import place, transformers_for
from limner.experts.language import Answer, Content, LanguageModel, Message, Sampling
from limner.experts.weights import weights

_BATCH = 16
_SMOL = "smollm2-135m-instruct"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


class LocalModel:
    """A causal language model and its tokenizer. Text only. It is a `Scores` too."""

    sees = False

    def __init__(self, tokenizer: Any, model: Any, name: str) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        self._torch: Any = torch
        self._device, dtype = place()
        self.name = name
        self.tokenizer = tokenizer
        self.model = model.to(self._device, dtype).eval()
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        self._context = int(getattr(model.config.get_text_config(), "max_position_embeddings", 2048))

    def answer(self, prompts: Sequence[Sequence[Message]], sampling: Sampling = Sampling()) -> list[Answer]:  # noqa: B008
        """See `LanguageModel`. Prompts of like length share a batch; one too long for the model raises `ExpertError`."""
        texts = [self._chat(prompt) for prompt in prompts]
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        answers: dict[int, Answer] = {}
        for first in range(0, len(order), _BATCH):
            batch = order[first : first + _BATCH]
            answers.update(zip(batch, self._answer([texts[i] for i in batch], sampling), strict=True))
        return [answers[i] for i in range(len(texts))]

    def _chat(self, prompt: Sequence[Message]) -> str:
        messages: list[dict[str, str]] = []
        for message in prompt:
            if any(isinstance(part, bytes) for part in message.parts):
                raise ExpertError(
                    f"the language model {self.name} takes no images; give hf:NAME or openai:MODEL@URL of one that does"
                )
            messages.append({"role": message.role, "content": message.text})
        if not getattr(self.tokenizer, "chat_template", None):
            return "\n\n".join(message["content"] for message in messages) + "\n\n"
        return self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)

    def _answer(self, texts: Sequence[str], sampling: Sampling) -> list[Answer]:
        self.tokenizer.padding_side = "left"
        return self._written(self.tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False), sampling)

    def _written(self, inputs: Any, sampling: Sampling) -> list[Answer]:
        """The answers to what a tokenizer, or a processor of images too, made of the prompts, padded on the left."""
        inputs = inputs.to(self._device)
        width = inputs["input_ids"].shape[1]
        if width + sampling.tokens > self._context:
            raise ExpertError(
                f"{width} tokens and {sampling.tokens} more for the answer do not fit into the {self._context} of {self.name}; "
                "give it less, or take a model with a longer context"
            )
        drawn: dict[str, Any] = {"do_sample": False}
        if sampling.temperature > 0:
            self._torch.manual_seed(sampling.seed)
            drawn = {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
        stop: dict[str, Any] = {"stop_strings": list(sampling.stop), "tokenizer": self.tokenizer} if sampling.stop else {}
        with self._torch.inference_mode():
            out = self.model.generate(
                **inputs, max_new_tokens=sampling.tokens, pad_token_id=self.tokenizer.pad_token_id, **drawn, **stop
            )
        return [
            self._read(row, mask, sampling)
            for row, mask in zip(out[:, width:].tolist(), inputs["attention_mask"].sum(1).tolist(), strict=True)
        ]

    def _read(self, row: list[int], prompt: int, sampling: Sampling) -> Answer:
        ends = self.model.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        end = next((i for i, token in enumerate(row) if token in ends), None)
        taken = row if end is None else row[:end]
        text = self.tokenizer.decode(taken, skip_special_tokens=True)
        cut = min((at for stop in sampling.stop if (at := text.find(stop)) >= 0), default=None)
        return Answer((text[:cut],), end is not None or cut is not None, prompt, len(taken))

    def likelihood(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, int]]:
        """See `Scores`. What is too long for the model loses its beginning."""
        rows: list[tuple[list[int], int]] = []
        for text, continuation in pairs:
            after = self.tokenizer(continuation, add_special_tokens=False)["input_ids"][: self._context - 1]
            before = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            before = before or [self.tokenizer.bos_token_id or self.tokenizer.eos_token_id]
            rows.append(([*before[-(self._context - len(after)) :], *after], len(after)))
        order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]))
        found: dict[int, tuple[float, int]] = {}
        for first in range(0, len(order), _BATCH):
            batch = order[first : first + _BATCH]
            found.update(zip(batch, self._likelihood([rows[i] for i in batch]), strict=True))
        return [found[i] for i in range(len(rows))]

    def likelihoods(
        self, prompts: Sequence[Sequence[Message]], choices: Sequence[Sequence[tuple[Content, ...]]]
    ) -> list[list[tuple[float, int]]]:
        """See `ScoresParts`: of texts, as the answer in a chat."""
        pairs: list[tuple[str, str]] = []
        for prompt, given in zip(prompts, choices, strict=True):
            asked = self._chat(prompt)
            for choice in given:
                if any(isinstance(part, bytes) for part in choice):
                    raise ExpertError(f"the language model {self.name} writes no images, so it has no likelihoods of images")
                pairs.append((asked, "\n".join(part for part in choice if isinstance(part, str))))
        found = iter(self.likelihood(pairs))
        return [[next(found) for _ in given] for given in choices]

    def _likelihood(self, rows: Sequence[tuple[list[int], int]]) -> list[tuple[float, int]]:
        torch = self._torch
        width = max(len(ids) for ids, _ in rows)
        ids = torch.full((len(rows), width), self.tokenizer.pad_token_id, device=self._device)
        mask = torch.zeros_like(ids)
        for i, (row, _) in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = 1
        keep = max(after for _, after in rows) + max(width - len(row) for row, _ in rows) + 1
        with torch.inference_mode():
            logits = self.model(input_ids=ids, attention_mask=mask, logits_to_keep=min(keep, width)).logits.float()
        first = width - logits.shape[1]
        chosen = logits.log_softmax(-1)[:, :-1].gather(-1, ids[:, first + 1 :, None])[..., 0]
        out: list[tuple[float, int]] = []
        for i, (row, after) in enumerate(rows):
            end = len(row) - 1 - first
            out.append((float(chosen[i, end - after : end].sum()), after))
        return out


def bundled(name: str) -> LocalModel:
    """`smollm2-135m`."""
    if name != "smollm2-135m":
        raise ExpertError(f"there is no bundled language model {name!r}; there is bundled:smollm2-135m")
    return _load(str(_converted()), f"bundled:{name}")


def from_hub(rest: str) -> LanguageModel:
    """The model of that name or folder, by what its configuration says it is: of text, reading images, or writing them too."""
    address = f"hf:{rest}"
    transformers = transformers_for(f"the language model {address}")
    try:
        config = transformers.AutoConfig.from_pretrained(rest, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExpertError(f"the language model {address} does not load: {error}") from error
    if config.model_type in ("chameleon", "janus", "emu3"):
        from limner.experts.language_interleaved import load

        return load(rest, config, address)
    seeing = transformers.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING.get(type(config), None)
    if seeing is not None and seeing.__name__ in (config.architectures or [seeing.__name__]):
        from limner.experts.language_vision import load

        return load(rest, config, address)
    return _load(rest, address)


def _load(where: str, address: str) -> LocalModel:
    transformers = transformers_for(f"the language model {address}")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(where)
        model = transformers.AutoModelForCausalLM.from_pretrained(where, dtype="auto", use_safetensors=True)
    except (OSError, ValueError) as error:
        raise ExpertError(f"the language model {address} does not load: {error}") from error
    return LocalModel(tokenizer, model, address)


def _converted() -> Path:
    """The folder with SmolLM2 as safetensors, made once from its GGUF file (whose four-bit weights become bfloat16)."""
    source = weights(_SMOL)
    target = source / "safetensors"
    if target.is_dir():
        return target
    transformers = transformers_for(f"the language model bundled:{_SMOL}")
    try:
        loaded = transformers.AutoModelForCausalLM.from_pretrained(str(source), gguf_file=_GGUF)
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(source), gguf_file=_GGUF)
    except (ImportError, ValueError) as error:
        # Transformers says the second for accelerate.
        raise MissingExtra("models", "gguf and accelerate", f"converting {_GGUF} ({error})") from error
    import torch  # pyright: ignore[reportMissingImports]

    # What comes of a GGUF file keeps traces of it that cannot be saved: a plain model takes its weights.
    loaded.config.__dict__.pop("quantization_config", None)
    plain = transformers.AutoModelForCausalLM.from_config(loaded.config).to(torch.bfloat16)
    plain.load_state_dict(loaded.state_dict())
    plain.generation_config = loaded.generation_config
    scratch = source / ".safetensors"
    shutil.rmtree(scratch, ignore_errors=True)
    plain.save_pretrained(str(scratch))
    tokenizer.save_pretrained(str(scratch))
    scratch.rename(target)
    return target
