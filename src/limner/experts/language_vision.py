"""Language models run here by transformers that read images: Idefics2 and 3, SmolVLM, Qwen-VL, LLaVA and their like.

What a conversation looks like to such a model is its own processor's affair: the chat template says where images stand, the processor how many
tokens each has.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from PIL import Image

from limner.corpus.pixels import thumbnail
from limner.errors import ExpertError, MediaError
from limner.experts.device import transformers_for
from limner.experts.language import Answer, Content, Message, Sampling
from limner.experts.language_local import LocalModel

SIDE = 1_536
"""Pixels of an image's longer side at most, before the model's own processor scales it."""
IMAGES = 64
"""Images of a conversation at most."""
_BATCH = 8


class Prompts:
    """Conversations made into what a model takes, by its processor."""

    def __init__(self, processor: Any, name: str) -> None:
        self._processor, self._tokenizer, self._name = processor, processor.tokenizer, name
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        # A text must not be able to speak as a turn, or to say that an image stands where none does.
        own = {*self._tokenizer.all_special_tokens, *(getattr(processor, f"{kind}_token", None) for kind in ("image", "video"))}
        spoken = sorted((str(token) for token in own if token and len(str(token)) > 2), key=len, reverse=True)
        self._controls = re.compile("|".join(map(re.escape, spoken)) or r"(?!)")

    def __call__(self, prompts: Sequence[Sequence[Message]]) -> Any:
        """Token ids and pixels of conversations that all have images, or all have none; padded on the left.

        Raises `ExpertError` for an image that cannot be read, or messages that the model's template does not take.
        """
        images = [self._images(prompt) for prompt in prompts]
        self._tokenizer.padding_side = "left"
        try:
            texts = [self._text(prompt) for prompt in prompts]
            start = self._tokenizer.bos_token
            settings: dict[str, Any] = {"add_special_tokens": False} if start and texts[0].startswith(start) else {}
            return self._processor(
                text=texts, images=images if any(images) else None, padding=True, return_tensors="pt", **settings
            )
        except Exception as error:  # templates and processors are the checkpoint's, and raise almost anything
            raise ExpertError(f"the language model {self._name} does not take these messages: {error}") from error

    def _images(self, prompt: Sequence[Message]) -> list[Image.Image]:
        files = [part for message in prompt for part in message.parts if isinstance(part, bytes)]
        if len(files) > IMAGES:
            raise ExpertError(f"a conversation has {len(files)} images, more than the {IMAGES} that are taken")
        try:
            return [Image.fromarray(thumbnail(data, SIDE)) for data in files]
        except MediaError as error:
            raise ExpertError(f"an image for the language model {self._name} cannot be read: {error}") from error

    def _text(self, prompt: Sequence[Message]) -> str:
        if getattr(self._processor, "chat_template", None):
            messages = [
                {
                    "role": message.role,
                    "content": [
                        {"type": "text", "text": self._controls.sub(" ", part)} if isinstance(part, str) else {"type": "image"}
                        for part in message.parts
                    ],
                }
                for message in prompt
            ]
            return self._processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        image = str(getattr(self._processor, "image_token", None) or "")
        said = [[self._controls.sub(" ", p) if isinstance(p, str) else image for p in message.parts] for message in prompt]
        return "\n\n".join("\n".join(parts) for parts in said)


class SeeingModel(LocalModel):
    """A language model that reads images, and its processor."""

    sees = True

    def __init__(self, processor: Any, model: Any, name: str) -> None:
        super().__init__(processor.tokenizer, model, name)
        self.prompts = Prompts(processor, name)

    def answer(self, prompts: Sequence[Sequence[Message]], sampling: Sampling = Sampling()) -> list[Answer]:  # noqa: B008
        """See `LanguageModel`. Prompts of like length share a batch; one too long for the model raises `ExpertError`."""
        sizes = [_size(prompt) for prompt in prompts]
        answers: dict[int, Answer] = {}
        for seeing in (False, True):
            order = sorted((i for i, (images, _) in enumerate(sizes) if (images > 0) == seeing), key=lambda i: sizes[i])
            for first in range(0, len(order), _BATCH):
                batch = order[first : first + _BATCH]
                inputs = self.prompts([prompts[i] for i in batch])
                inputs = inputs.to(self.model.dtype)  # pixels; whole numbers stay
                answers.update(zip(batch, self._written(inputs, sampling), strict=True))
        return [answers[i] for i in range(len(prompts))]

    def likelihoods(
        self, prompts: Sequence[Sequence[Message]], choices: Sequence[Sequence[tuple[Content, ...]]]
    ) -> list[list[tuple[float, int]]]:
        """See `ScoresParts`: of texts, as the answer in a chat; a choice at a time, after the images and words of its prompt."""
        out: list[list[tuple[float, int]]] = []
        for prompt, given in zip(prompts, choices, strict=True):
            inputs = self.prompts([prompt]).to(self.model.dtype).to(self._device)
            out.append([self._of(inputs, choice) for choice in given])
        return out

    def _of(self, inputs: Any, choice: tuple[Content, ...]) -> tuple[float, int]:
        torch = self._torch
        if any(isinstance(part, bytes) for part in choice):
            raise ExpertError(f"the language model {self.name} writes no images, so it has no likelihoods of images")
        text = "\n".join(part for part in choice if isinstance(part, str))
        after = self.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"].to(self._device)
        asked, count = inputs["input_ids"].shape, after.shape[1]
        if asked[1] + count > self._context or not count:
            raise ExpertError(f"{asked[1]} tokens and {count} of a choice do not fit into the {self._context} of {self.name}")
        grown = dict(inputs)
        for name, value in inputs.items():  # whatever is told token by token goes on: the mask as tokens, kinds of tokens as text
            if getattr(value, "shape", None) == asked:
                more = after if name == "input_ids" else torch.full_like(after, int(name == "attention_mask"), dtype=value.dtype)
                grown[name] = torch.cat([value, more], 1)
        with torch.inference_mode():
            logits = self.model(**grown).logits[:, -count - 1 : -1].float()
        return float(logits.log_softmax(-1).gather(-1, after[..., None]).sum()), count


def _size(prompt: Sequence[Message]) -> tuple[int, int]:
    parts = [part for message in prompt for part in message.parts]
    return sum(isinstance(part, bytes) for part in parts), sum(len(part) for part in parts if isinstance(part, str))


def load(where: str, config: Any, address: str) -> SeeingModel:
    """The model of a name or folder whose configuration is known."""
    transformers = transformers_for(f"the language model {address}")
    return SeeingModel(
        processor(where, config, address), weighed(transformers.AutoModelForImageTextToText, where, address)[0], address
    )


def weighed(kind: Any, where: str, address: str, spare: str = "") -> tuple[Any, list[str]]:
    """A model with its weights, from safetensors only, and the names of those that the checkpoint lacks though they may (they begin with
    `spare`). Raises `ExpertError` where others are missing, or it does not load."""
    try:
        model, found = kind.from_pretrained(
            where, dtype="auto", use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
    except Exception as error:  # a damaged file, another shape, a version that is not known: transformers raises almost anything
        raise ExpertError(f"the language model {address} does not load: {error}") from error
    missing = sorted(found["missing_keys"])
    lacking = [key for key in missing if not spare or not key.startswith(spare)]
    if lacking:
        raise ExpertError(f"the language model {address} lacks {len(lacking)} of its weights, {lacking[0]} is one")
    return model, missing


def processor(where: str, config: Any, address: str) -> Any:
    """The processor of a name or folder. Raises `ExpertError` where it has none that takes images."""
    transformers = transformers_for(f"the language model {address}")
    auto: Any = importlib.import_module("transformers.models.auto.processing_auto")
    kind = auto.PROCESSOR_MAPPING.get(type(config), None)
    films = kind is not None and "video_processor" in kind.get_attributes()
    made: Any = None
    try:
        if films and importlib.util.find_spec("torchvision") is None:
            made = still(kind).from_pretrained(where, trust_remote_code=False)
        else:
            made = transformers.AutoProcessor.from_pretrained(where, trust_remote_code=False)
    except Exception as error:  # as above
        raise ExpertError(f"the processor of the language model {address} does not load: {error}") from error
    if not hasattr(made, "image_processor") or not hasattr(made, "tokenizer"):
        raise ExpertError(f"the language model {address} has no processor of images beside its weights")
    return made


def still(kind: Any) -> Any:
    """A kind of processor without its part for videos, which needs torchvision; for images and text it is not used."""

    names: list[str] = kind.get_attributes()

    class Still(kind):
        video_processor = SimpleNamespace(num_frames=None, fps=None)  # SmolVLM's template asks it even where there is no video

        @classmethod
        def get_attributes(cls) -> list[str]:
            return [name for name in names if name != "video_processor"]

        @classmethod
        def from_args_and_dict(cls, args: Sequence[Any], processor_dict: Any, **settings: Any) -> Any:
            parts = list(args)
            parts.insert(names.index("video_processor"), None)
            return super().from_args_and_dict(parts, processor_dict, **settings)

    module: Any = importlib.import_module(kind.__module__)
    if getattr(module, "num2words", "") is None:
        # SmolVLM's asks for this package to say how many frames a video has, and refuses to be made without.
        module.num2words = str
    return Still
