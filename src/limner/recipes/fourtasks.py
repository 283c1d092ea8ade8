"""The four tasks of CoMM, answered without a model that draws or sees: a language model writes, images are looked up in other documents.

Chen et al. 2024, arXiv 2406.10462. What is asked, and how it is scored there, is taken from the authors' code (github.com/HKUST-LongGroup/CoMM,
eval/eval_metric.py): 1, texts for a sequence of images (BLEU, METEOR, CIDEr of steps and of whole texts); 2, images for a sequence of texts (FID,
inception score, SSIM, PSNR, LPIPS); 3, a document continued; 4, a question answered in texts and images; all four by GPT-4o too, from 0 to 10. Here
texts are scored by their cosine with the true ones in the space of a text encoder and by the words they share, images by the cosine of
their features with the true ones'. Each figure has beside it the same of an answer that was given to another document (`.chance`), and, where
there is one, of an answer that costs nothing (`.trivial`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from limner.curate.align import assign
from limner.curate.steps import Step, image_words, steps, title
from limner.document import Document
from limner.experts.language import LanguageModel, Sampling, user
from limner.experts.onnx import Floats
from limner.experts.text_encoder import TextEncoder
from limner.recipes.omnicorpus import word_f1
from limner.recipes.recipe import Measurement

_MOST = 4


@dataclass(frozen=True, slots=True)
class Shown:
    """An image with what its document says where it stands."""

    ref: str
    text: str
    words: str


def shown(document: Document, known: Mapping[str, Floats], most: int = _MOST) -> list[Shown]:
    """The first image of each step that has text and a known image, `most` of them."""
    found: list[Shown] = []
    for step in steps(document):
        image = next((i for i in step.images if i.ref in known), None)
        if image is not None and len(step.text.split()) > 4:
            found.append(Shown(image.ref, step.text, image_words(document, image)))
    return found[:most]


class Answers:
    """What answers: a language model that writes, and the images of a pool of documents with the texts they stand with.

    Images that stand in `held` documents too are no part of the pool, so that an answer is never the true one itself.
    """

    def __init__(
        self,
        pool: Sequence[Document],
        held: Sequence[Document],
        known: Mapping[str, Floats],
        encoder: TextEncoder,
        model: LanguageModel,
    ) -> None:
        own = {image.ref for document in held for image in document.images}
        found = {each.ref: each for document in pool for each in shown(document, known, 8) if each.ref not in own}
        self.pool = list(found.values())
        self._features = np.stack([known[each.ref] for each in self.pool])
        self._texts = encoder.embed([f"{each.text}\n{each.words}" for each in self.pool])
        self._known, self._encoder, self._model = known, encoder, model

    def texts_for(self, refs: Sequence[str]) -> list[str]:
        """The texts that stand with the images most like these."""
        alike = np.stack([self._known[ref] for ref in refs]) @ self._features.T
        return [self.pool[i].text for i in alike.argmax(axis=1)]

    def images_for(self, texts: Sequence[str]) -> list[str]:
        """The images whose texts are most like these, none twice."""
        alike = self._encoder.embed(texts) @ self._texts.T
        return [self.pool[column].ref for _, column in sorted(assign(alike))]

    def write(self, prompts: Sequence[str], tokens: int) -> list[str]:
        """What the language model says."""
        answers = self._model.answer([[user(prompt)] for prompt in prompts], Sampling(tokens=tokens))
        return [answer.text.strip() for answer in answers]


def four_tasks(
    held: Sequence[Document], answers: Answers, known: Mapping[str, Floats], encoder: TextEncoder, tokens: int = 60
) -> Iterator[Measurement]:
    """The four tasks on held-out documents, each with its answers' scores and those of chance."""
    given = [(document, found) for document in held if len(found := shown(document, known)) >= 2]
    yield Measurement("task.documents", len(given), note="held-out documents that the tasks are asked of")
    yield from _image_to_text(given, answers, encoder)
    yield from _text_to_image(given, answers, known)
    yield from _continuation(given, answers, known, encoder, tokens)
    yield from _question(given, answers, known, encoder, 2 * tokens)


_Given = Sequence[tuple[Document, list[Shown]]]


def _image_to_text(given: _Given, answers: Answers, encoder: TextEncoder) -> Iterator[Measurement]:
    told = ["\n".join(answers.texts_for([each.ref for each in found])) for _, found in given]
    true = ["\n".join(each.text for each in found) for _, found in given]
    yield from _texts("image-to-text", told, true, encoder, "texts that stand with the most similar images of other documents")


def _text_to_image(given: _Given, answers: Answers, known: Mapping[str, Floats]) -> Iterator[Measurement]:
    drawn = [answers.images_for([each.text for each in found]) for _, found in given]
    true = [[each.ref for each in found] for _, found in given]
    yield from _images("text-to-image", drawn, true, known, "images of other documents, looked up by their texts")


def _continuation(
    given: _Given, answers: Answers, known: Mapping[str, Floats], encoder: TextEncoder, tokens: int
) -> Iterator[Measurement]:
    """The last image's step from what is said before it."""
    before = [_before(document, found[-1]) for document, found in given]
    prompts = [
        f"A tutorial, “{title(document)}”, says:\n{text}\n\nWrite only what it says next, in two or three sentences."
        for (document, _), text in zip(given, before, strict=True)
    ]
    told = answers.write(prompts, tokens)
    true = [found[-1].text for _, found in given]
    yield from _texts("continuation", told, true, encoder, "the step that a language model writes after those before")
    same = _cosines(before, true, encoder)
    yield Measurement("task.continuation.trivial", float(same.diagonal().mean()), note="the text before, said again")
    drawn = [answers.images_for([text or name]) for text, name in zip(told, before, strict=True)]
    yield from _images("continuation", drawn, [[found[-1].ref] for _, found in given], known, "an image looked up by that step")


def _before(document: Document, last: Shown, words: int = 80) -> str:
    said: list[str] = []
    for step in steps(document):
        if _is(step, last):
            break
        said.append(step.text)
    return " ".join(" ".join(said).split()[-words:])


def _is(step: Step, each: Shown) -> bool:
    return step.text == each.text and any(image.ref == each.ref for image in step.images)


def _question(
    given: _Given, answers: Answers, known: Mapping[str, Floats], encoder: TextEncoder, tokens: int
) -> Iterator[Measurement]:
    """A title as a question, answered in steps with an image each."""
    names = [title(document) for document, _ in given]
    told = answers.write([f"Explain “{name}” to a beginner, in three short steps." for name in names], tokens)
    true = ["\n".join(step.text for step in steps(document)) for document, _ in given]
    yield from _texts("question", told, true, encoder, "what a language model answers to the document's title")
    same = _cosines(names, true, encoder)
    yield Measurement("task.question.trivial", float(same.diagonal().mean()), note="the title said again")
    cut = [_in(text or name, len(found)) for text, name, (_, found) in zip(told, names, given, strict=True)]
    drawn = [answers.images_for([f"{name}\n{part}" for part in parts]) for name, parts in zip(names, cut, strict=True)]
    refs = [[each.ref for each in found] for _, found in given]
    yield from _images("question", drawn, refs, known, "images looked up by the title and the steps of that answer")


def _in(text: str, count: int) -> list[str]:
    """A text in as many pieces of like length.

    >>> _in("a b c d e", 2)
    ['a b', 'c d e']
    """
    words = text.split()
    return [" ".join(words[i * len(words) // count : (i + 1) * len(words) // count]) or text for i in range(count)]


def _cosines(told: Sequence[str], true: Sequence[str], encoder: TextEncoder) -> Floats:
    """The cosine of every answer with every true text."""
    return encoder.embed(told) @ encoder.embed(true).T


def _texts(task: str, told: Sequence[str], true: Sequence[str], encoder: TextEncoder, how: str) -> Iterator[Measurement]:
    scores = {
        "text": _cosines(told, true, encoder),
        "words": np.array([[word_f1(a, b) for b in true] for a in told], np.float32),
    }
    for name, table in scores.items():
        what = "cosine with the true text" if name == "text" else "words shared with it, F1"
        yield Measurement(f"task.{task}.{name}", float(table.diagonal().mean()), note=f"{how}: {what}")
        yield Measurement(f"task.{task}.{name}.chance", _other(table), note="the same of another document's answer")


def _images(
    task: str, drawn: Sequence[Sequence[str]], true: Sequence[Sequence[str]], known: Mapping[str, Floats], how: str
) -> Iterator[Measurement]:
    table = np.array([[_alike(a, b, known) for b in true] for a in drawn], np.float32)
    yield Measurement(
        f"task.{task}.image", float(table.diagonal().mean()), note=f"{how}: cosine with the true ones, in their order"
    )
    yield Measurement(f"task.{task}.image.chance", _other(table), note="the same of another document's answer")


def _alike(drawn: Sequence[str], true: Sequence[str], known: Mapping[str, Floats]) -> float:
    """The mean cosine of images in the same places; the shorter sequence ends it."""
    return float(np.mean([known[a] @ known[b] for a, b in zip(drawn, true, strict=False)]))


def _other(table: Floats) -> float:
    """The mean off the diagonal."""
    return float(table[~np.eye(len(table), dtype=bool)].mean()) if len(table) > 1 else float(table.mean())
