"""Extraction by a language model: the page as numbered blocks, an answer that says which of them are content.

For models trained to label the numbered blocks of a page as `main` or `other`, of which MinerU-HTML
(`hf:opendatalab/MinerU-HTML`, 0.6 B) is the published one. It answers `1main2other…` or a JSON object of the same;
both are read. The blocks, and the document from those chosen, are the bundled extractor's.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from limner.document import Document
from limner.errors import ExpertError, MissingExtra
from limner.experts.extractor import Page, named

_NUMBERED = "limner.sources.html.numbered:numbered"
_PAIR = re.compile(r"(\d{1,6})\W{0,4}\s*(main|other)")

PROMPT = """\
You are given a simplified HTML page. Every element with an _item_id is one block of it. Classify each block:
"main" for the primary content (the text and images of an article, the posts of a discussion, questions and
answers, documentation, the description of a product), "other" for everything else (navigation, metadata,
advertisements, recommendations, sharing). If in doubt, "other".
Answer with every _item_id followed by its class and nothing else, like this: "1main2other3other4main"
Input HTML:
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """`prompt` goes before the page; `block_chars` is how much of a block is shown; `max_blocks` how many are
    asked about at once (a longer page is asked about in pieces); `max_new_tokens` for each block of a piece."""

    prompt: str = PROMPT
    block_chars: int = 200
    max_blocks: int = 400
    max_new_tokens: int = 6


def from_hub(rest: str, settings: Settings | None = None) -> HubExtractor:
    """The extractor whose model is `rest`: a name on the Hugging Face hub, or a folder."""
    try:
        torch = importlib.import_module("torch")
        auto: Any = importlib.import_module("transformers")
    except ImportError as error:
        raise MissingExtra("models", error.name or "transformers", f"the extractor 'hf:{rest}'") from None
    try:
        tokenizer = auto.AutoTokenizer.from_pretrained(rest)
        model = auto.AutoModelForCausalLM.from_pretrained(rest, dtype="auto")
    except (OSError, ValueError) as error:
        raise ExpertError(f"the model {rest!r} does not load: {error}") from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return HubExtractor(tokenizer, model.to(device).eval(), settings or Settings())


class HubExtractor:
    """An `Extractor` over a causal language model and its tokenizer."""

    def __init__(self, tokenizer: Any, model: Any, settings: Settings) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._settings = settings
        self._numbered = named(_NUMBERED)

    def extract(self, pages: Sequence[Page]) -> list[Document]:
        return [self._one(page) for page in pages]

    def _one(self, page: Page) -> Document:
        blocks = self._numbered(page.data, url=page.url, name=page.name, charset=page.charset)
        chosen: set[int] = set()
        for first in range(0, len(blocks), self._settings.max_blocks):
            last = min(first + self._settings.max_blocks, len(blocks))
            html = blocks.html(first, last, self._settings.block_chars)
            answer = self._ask(self._settings.prompt + html, self._settings.max_new_tokens * (last - first) + 8)
            chosen |= {first + n - 1 for n in labels(answer) if n <= last - first}
        return blocks.document(chosen)

    def _ask(self, prompt: str, tokens: int) -> str:
        torch = importlib.import_module("torch")
        tokenizer = self._tokenizer
        if getattr(tokenizer, "chat_template", None):
            prompt = tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
        inputs = tokenizer(prompt, return_tensors="pt").to(self._model.device)
        end = tokenizer.eos_token_id
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else end
        with torch.inference_mode():
            out = self._model.generate(**inputs, max_new_tokens=tokens, do_sample=False, pad_token_id=pad, eos_token_id=end)
        return tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


def labels(answer: str) -> set[int]:
    """The numbers an answer calls `main`; what cannot be read of it counts as `other`.

    >>> sorted(labels("1main2other3main")), sorted(labels('{"1": "other", "2": "main"'))
    ([1, 3], [2])
    """
    start, end = answer.find("{"), answer.rfind("}")
    if start >= 0 and end > start:
        try:
            found: Any = json.loads(answer[start : end + 1])
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            items = cast("dict[str, Any]", found).items()
            return {int(key) for key, value in items if value == "main" and key.isascii() and key.isdigit() and len(key) < 7}
    return {int(number) for number, label in _PAIR.findall(answer) if label == "main"}
