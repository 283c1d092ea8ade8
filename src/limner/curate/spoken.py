"""Whether what is said in a recording is worth keeping, and what is said put into written words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from limner.curate.operator import Context, Reason
from limner.curate.words import base, words
from limner.document import Document, Text
from limner.errors import ExpertError
from limner.experts.language import LanguageModel, Sampling, Scores, language, user
from limner.experts.text_encoder import text_encoder

_ASKED = ("relevance", "density", "quality")
_QUESTION = """Below is what is said in a video. Judge it from 0 (bad) to 10 (good):
- relevance: it teaches what the topic names; advertising and entertainment do not
- density: it says something, and is not made of filler phrases
- quality: it is written down without errors and without repeating itself
Answer with JSON only, as in {"relevance": 5, "density": 5, "quality": 5}.

Topic: """
_REFINE = """Rewrite what a speaker says below as written text: fluent, whole sentences, no filler words. Keep its meaning, and every name and
number. Answer with the text only.

"""
_LONG = 6_000  # characters of a transcript that a model is asked about


class SpokenScores(NamedTuple):
    """What `SpeechQuality` measures of a document with enough speech; not a number where it is not asked for."""

    surprise: float
    relevance: float
    density: float = math.nan
    quality: float = math.nan


def spoken(document: Document) -> list[Text]:
    """The texts of a document that are said, in order."""
    return [text for text in document.texts if text.role == "speech" and text.text.strip()]


def span(place: str) -> tuple[float, float] | None:
    """From when to when a part is, in seconds; None for one that stands nowhere in time.

    >>> span("time:12.5-14.0"), span("page:3")
    ((12.5, 14.0), None)
    """
    match = re.fullmatch(r"time:(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)", place)
    return (float(match[1]), float(match[2])) if match else None


@dataclass(frozen=True)
class SpeechQuality:
    """Drop videos and recordings whose speech is missing, in another language, off their topic, or badly written down.

    The video-level filter of 2.5 Years in Class (Zhang et al. 2025, arXiv 2501.00958, section 3.2): by rules, what is not in English,
    shorter than ten seconds, or all but silent; then by a language model that judges relevance, density of knowledge and quality of
    the transcription. A model that converses can be asked for the three (`how` "ask", 0 to 10 each, `least`). A small one cannot: then
    (`how` "likelihood") the quality is how surprising it finds the words (the logarithm of their perplexity), for words that a
    transcriber made up in the wrong language make no sense; and relevance is the greatest cosine of the topic and any of the
    passages, in the space of a text encoder. Density is not judged so.

    Records `no-speech`, `too-short`, `language`, `repeats`, `surprise`, `off-topic`, `density` or `transcription` with the value; notes
    `surprise` and `relevance` for what is kept.

    `languages`   BCP 47 tags of the languages that stay; a document of unknown language stays
    `min_words`   least words that are said
    `min_seconds`  least length, where it is known
    `repeats`     greatest share of words that stand in passages said before in the same words
    `how`         "likelihood" (the model must give likelihoods), or "ask" it for scores
    `model`       address of the language model, or "" for none
    `surprise`    greatest mean of -ln p a token, or none
    `encoder`     address of the text encoder, or "" for none
    `relevance`   least cosine of topic and speech, or none; a document without either is not judged by it
    `topic`       what all videos should be about, in place of their titles
    `least`       least score of the three that are asked for
    """

    languages: tuple[str, ...] = ("en",)
    min_words: int = 10
    min_seconds: float = 10.0
    repeats: float = 0.5
    how: Literal["likelihood", "ask"] = "likelihood"
    model: str = "bundled:smollm2-135m"
    surprise: float | None = 7.0
    encoder: str = "bundled:minilm"
    relevance: float | None = 0.2
    topic: str = ""
    least: float = 5.0

    def __post_init__(self) -> None:
        if self.min_words < 1 or not 0 < self.repeats <= 1:
            raise ValueError("min_words must be at least 1, repeats above 0 and at most 1")

    def batch(self, documents: Sequence[Document], context: Context) -> Iterator[Document]:
        """See `BatchOperator`."""
        ruled = [self._ruled(document) for document in documents]
        left = [i for i, reason in enumerate(ruled) if reason is None]
        scores = dict(zip(left, self.scores([documents[i] for i in left]), strict=True))
        for i, document in enumerate(documents):
            reason = ruled[i] or self._fallen(scores[i])
            if reason is not None:
                context.drop(document, None, reason)
                continue
            for name, limit in (("surprise", self.surprise), ("relevance", self.relevance)):
                value = getattr(scores[i], name)
                if math.isfinite(value):
                    context.note(document, None, Reason(name, round(value, 4), limit))
            yield document

    def _ruled(self, document: Document) -> Reason | None:
        said = spoken(document)
        count = sum(len(words(text.text)) for text in said)
        seconds = float(document.meta.get("duration") or "inf")
        if count < self.min_words:
            return Reason("no-speech", count, self.min_words)
        if seconds < self.min_seconds:
            return Reason("too-short", seconds, self.min_seconds)
        if self.languages and document.language and base(document.language) not in {base(tag) for tag in self.languages}:
            return Reason("language", detail=document.language)
        seen: set[str] = set()
        again = 0
        for text in said:
            plain = " ".join(words(text.text.lower()))
            again += len(words(text.text)) if plain in seen else 0
            seen.add(plain)
        return Reason("repeats", round(again / count, 4), self.repeats) if again / count > self.repeats else None

    def _fallen(self, found: SpokenScores) -> Reason | None:
        if self.how == "ask":
            for name, reason in zip(_ASKED, ("off-topic", "density", "transcription"), strict=True):
                if getattr(found, name) < self.least:
                    return Reason(reason, getattr(found, name), self.least)
            return None
        if self.surprise is not None and found.surprise > self.surprise:
            return Reason("surprise", round(found.surprise, 4), self.surprise)
        if self.relevance is not None and found.relevance < self.relevance:
            return Reason("off-topic", round(found.relevance, 4), self.relevance)
        return None

    def scores(self, documents: Sequence[Document]) -> list[SpokenScores]:
        """What is measured of documents that have speech."""
        said = ["\n".join(text.text for text in spoken(document))[:_LONG] for document in documents]
        if self.how == "ask":
            prompts = [[user(f"{_QUESTION}{self.topic or d.title}\n\n{text}")] for d, text in zip(documents, said, strict=True)]
            return [_read(answer.text) for answer in language(self.model).answer(prompts, Sampling(tokens=60))]
        surprise = [math.nan] * len(documents)
        if self.model and documents:
            surprise = surprises(said, self.model)
        relevance = self._relevance(documents) if self.encoder and self.relevance is not None else [math.nan] * len(documents)
        return [SpokenScores(a, b) for a, b in zip(surprise, relevance, strict=True)]

    def _relevance(self, documents: Sequence[Document]) -> list[float]:
        asked = [(self.topic or document.title, [text.text for text in spoken(document)]) for document in documents]
        texts = list(dict.fromkeys(text for topic, said in asked if topic for text in (topic, *said)))
        vectors = dict(zip(texts, text_encoder(self.encoder).embed(texts), strict=True))
        return [
            max(float(vectors[topic] @ vectors[text]) for text in said) if topic and said else math.nan for topic, said in asked
        ]


def surprises(texts: Sequence[str], model: str) -> list[float]:
    """How surprising each text is to a language model: the mean of -ln p over its tokens, the logarithm of its perplexity."""
    found = language(model)
    if not isinstance(found, Scores):
        raise ExpertError(f'{model} gives no likelihoods; write how = "ask", or name a model that runs here')
    return [-total / max(count, 1) for total, count in found.likelihood([("", text) for text in texts])]


def _read(answer: str) -> SpokenScores:
    """The scores in an answer; not numbers where it has none, so that nothing falls for a model that does not answer."""
    match = re.search(r"\{[^{}]*\}", answer)
    try:
        values = json.loads(match[0]) if match else {}
        relevance, density, quality = (float(values[name]) for name in _ASKED)
    except (ValueError, KeyError, TypeError):
        return SpokenScores(math.nan, math.nan)
    return SpokenScores(math.nan, relevance, density, quality)


@dataclass(frozen=True)
class RefineSpeech:
    """Have a language model write down properly what is said.

    Spoken words read badly; 2.5 Years in Class has a model of 72 billion parameters rewrite them without changing what they mean (Zhang
    et al. 2025, arXiv 2501.00958, section 3.2). An answer that is much shorter or longer than what was said is not taken.

    Notes `refined` with the share of the length that is left, and `refine-refused` where the answer is not taken.

    `model`   address of the language model; a small one makes things up
    `within`  a rewritten passage has at least this share of the characters of the original, and at most its inverse
    """

    model: str
    within: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.within <= 1:
            raise ValueError("within must be above 0 and at most 1")

    def batch(self, documents: Sequence[Document], context: Context) -> Iterator[Document]:
        """See `BatchOperator`."""
        model: LanguageModel = language(self.model)
        said = [(document, text) for document in documents for text in spoken(document)]
        longest = max((len(text.text) for _, text in said), default=0)
        answers = model.answer([[user(_REFINE + text.text)] for _, text in said], Sampling(tokens=64 + longest))
        new: dict[tuple[str, int], Text] = {}
        for (document, text), answer in zip(said, answers, strict=True):
            share = len(answer.text.strip()) / len(text.text)
            if answer.whole and self.within <= share <= 1 / self.within:
                new[document.id, text.n] = replace_text(text, answer.text.strip())
                context.note(document, text, Reason("refined", round(share, 4)))
            else:
                context.note(document, text, Reason("refine-refused", round(share, 4), self.within))
        for document in documents:
            parts = tuple(new.get((document.id, part.n), part) for part in document.parts)
            yield replace(document, parts=parts, meta={**document.meta, "refined": self.model})


def replace_text(text: Text, words: str) -> Text:
    """The same part with other words."""
    return Text(text.n, words, text.role, text.level, text.language, text.place, text.of)
