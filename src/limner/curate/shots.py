"""The shots of a video: what they show, in words, and whether that has to do with what is said meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from limner.curate.align import decoded
from limner.curate.operator import Context, Reason, drop_parts
from limner.curate.spoken import span, spoken
from limner.document import Document, Image, Part, Text
from limner.experts.captioner import captioner
from limner.experts.detector import Seen, detector, where
from limner.experts.language import Sampling, language, user
from limner.experts.text_encoder import text_encoder

SHOT = "shot"
"""The name in `Document.meta` of who described a document's shots."""


def shots(document: Document) -> list[tuple[Image, list[Text]]]:
    """The frames of a video, each with what is said from when it is shown until the next is (or its own shot ends), by the time at which
    the words begin.

    >>> d = Document("d", (Image(0, place="time:0.0-4.0"), Text(1, "Look.", "speech", place="time:1.0-2.0"),
    ...                    Text(2, "Now here.", "speech", place="time:4.5-5.0")))
    >>> [(image.n, [text.n for text in said]) for image, said in shots(d)]
    [(0, [1])]
    """
    timed = [(image, at) for image in document.images if (at := span(image.place))]
    said = [(text, (at[0] + at[1]) / 2) for text in spoken(document) if (at := span(text.place))]
    return [(image, [text for text, middle in said if start <= middle < end]) for image, (start, end) in timed]


def _captions(documents: Sequence[Document], context: Context, address: str) -> dict[str, str]:
    """What a captioner says of each stored image, by its ref."""
    refs = dict.fromkeys(image.ref for document in documents for image in document.images if image.ref)
    found: dict[str, str] = {}
    for names, pixels in decoded(refs, context):
        found.update(zip(names, captioner(address).caption(pixels), strict=True))
    return found


@dataclass(frozen=True)
class ShotRelevance:
    """Drop frames that have nothing to do with what is said while they are shown; the words stay.

    The clip-level filter of 2.5 Years in Class (Zhang et al. 2025, arXiv 2501.00958, section 3.2): each clip is captioned, caption and transcript are
    compared by a text encoder, and clips that are unlike lose their pictures and keep their words. A frame that the captioner has no
    words for is not judged.

    Records `shot-unrelated` with the cosine, `shot-silent` for a frame over which nothing is said; notes `shot-relevance` for what stays.

    `captioner`  address of the captioner
    `encoder`    address of the text encoder
    `threshold`  least cosine of caption and words
    `silent`     "keep" or "drop" frames over which nothing is said
    """

    captioner: str = "bundled:imagenet"
    encoder: str = "bundled:minilm"
    threshold: float = 0.2
    silent: Literal["keep", "drop"] = "keep"

    def batch(self, documents: Sequence[Document], context: Context) -> Iterator[Document]:
        """See `BatchOperator`."""
        for document, found in zip(documents, self.scores(documents, context), strict=True):
            gone: dict[int, Reason] = {}
            for image, said in shots(document):
                if not said and self.silent == "drop":
                    gone[image.n] = Reason("shot-silent", 0, 1)
                elif (value := found.get(image.n)) is not None:
                    reason = Reason("shot-unrelated", round(value, 4), self.threshold)
                    if value < self.threshold:
                        gone[image.n] = reason
                    else:
                        context.note(document, image, reason._replace(reason="shot-relevance"))
            yield from drop_parts(document, gone, context)

    def scores(self, documents: Sequence[Document], context: Context) -> list[dict[int, float]]:
        """The cosines of the frames of each document, by n, without those that are not judged."""
        captions = _captions(documents, context, self.captioner)
        asked: list[tuple[int, int, str, str]] = []
        for i, document in enumerate(documents):
            for image, said in shots(document):
                if said and captions.get(image.ref):
                    asked.append((i, image.n, captions[image.ref], " ".join(text.text for text in said)))
        texts = list(dict.fromkeys(text for _, _, *both in asked for text in both))
        vectors = dict(zip(texts, text_encoder(self.encoder).embed(texts), strict=True))
        found: list[dict[int, float]] = [{} for _ in documents]
        for i, n, caption, words in asked:
            found[i][n] = float(vectors[caption] @ vectors[words])
        return found


@dataclass(frozen=True)
class FrameText:
    """Drop what was read off frames where it says nothing, or where its frame is gone.

    Readers of text see a letter in the fur of an animal. 2.5 Years in Class keeps what adds to the frames before (Zhang et al. 2025, arXiv
    2501.00958, section 3.2; lines that stood on the frame before are left out where a video is read), and finds that bad OCR does harm (section 5.4).

    Records `few-letters` with their number, or `frame-gone`.

    `min_letters`  least letters and digits of a text
    `gone`         "drop" or "keep" text whose frame was dropped
    """

    min_letters: int = 2
    gone: Literal["drop", "keep"] = "drop"

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        places = {image.place for image in document.images}
        gone: dict[int, Reason] = {}
        for text in document.texts:
            if text.role != "ocr" or span(text.place) is None:
                continue
            letters = sum(character.isalnum() for character in text.text)
            if letters < self.min_letters:
                gone[text.n] = Reason("few-letters", letters, self.min_letters)
            elif self.gone == "drop" and text.place not in places:
                gone[text.n] = Reason("frame-gone")
        yield from drop_parts(document, gone, context)


@dataclass(frozen=True)
class AnnotateShots:
    """Put into words what each frame of a video shows: a caption of the whole, and the things in it with where they are.

    What Howto-Interlink7M does with BLIP2 and GRIT before its text is woven (Wang et al. 2024, arXiv 2401.00849; its data card). The words stand
    right after the frame as its captions, so that they go where it goes; `meta["shot"]` says who wrote them. Frames that nothing
    can be said of get none.

    Notes `annotated` with the number of things found and the caption.

    `captioner`  address of the captioner, or "" for none
    `detector`   address of the detector, or "" for none
    `most`       things of a frame, at most
    """

    captioner: str = "bundled:imagenet"
    detector: str = "bundled:imagenet"
    most: int = 4

    def __post_init__(self) -> None:
        if self.most < 1 or not (self.captioner or self.detector):
            raise ValueError("most must be at least 1, and captioner or detector be given")

    def batch(self, documents: Sequence[Document], context: Context) -> Iterator[Document]:
        """See `BatchOperator`."""
        captions = _captions(documents, context, self.captioner) if self.captioner else {}
        things = self._things(documents, context) if self.detector else {}
        who = " ".join(dict.fromkeys(address for address in (self.captioner, self.detector) if address))
        for document in documents:
            parts: list[Part] = []
            n = document.next_n
            for part in document.parts:
                parts.append(part)
                if not isinstance(part, Image):
                    continue
                said = [text for text in (captions.get(part.ref, ""), things.get(part.ref, "")) if text]
                for text in said:
                    parts.append(Text(n, text, "caption", place=part.place, of=part.n))
                    n += 1
                if said:
                    context.note(document, part, Reason("annotated", len(said), detail=said[0][:200]))
            yield document.evolve(parts=tuple(parts), meta={**document.meta, SHOT: who})

    def _things(self, documents: Sequence[Document], context: Context) -> dict[str, str]:
        refs = dict.fromkeys(image.ref for document in documents for image in document.images if image.ref)
        found: dict[str, str] = {}
        for names, pixels in decoded(refs, context):
            for name, image, seen in zip(names, pixels, detector(self.detector).detect(pixels), strict=True):
                found[name] = listed(seen[: self.most], image.shape[1], image.shape[0])
        return found


def listed(seen: Sequence[Seen], width: int, height: int) -> str:
    """Things and where they are, as a line.

    >>> listed([Seen("dog", 0.9, (0, 0, 30, 30)), Seen("ball", 0.6, (60, 60, 90, 90))], 100, 100)
    'In it: dog (top left), ball (bottom right).'
    """
    said = ", ".join(f"{thing.name} ({where(thing.box, width, height)})" for thing in seen)
    return f"In it: {said}." if said else ""


_NARRATE = """Below is what is known of one shot of a video: what a captioner and a detector see in it, the text on it, and what is said. They
make mistakes; what is said counts most. Write one paragraph that tells what is shown and what is said in it, without making anything up.
Answer with the paragraph only.

"""


@dataclass(frozen=True)
class NarrateShots:
    """Have a language model write one paragraph of each shot of a video, from its captions, its text and its speech.

    Howto-Interlink7M has GPT-4 do so (Wang et al. 2024, arXiv 2401.00849; its data card). The paragraph takes the place of the words it was made
    of; what is said between the shots stays. Run it after `annotate-shots`.

    Notes `narrated` with the number of texts that a paragraph replaces.

    `model`   address of the language model; a small one makes things up
    `tokens`  of a paragraph, at most
    """

    model: str
    tokens: int = 200

    def batch(self, documents: Sequence[Document], context: Context) -> Iterator[Document]:
        """See `BatchOperator`."""
        known = [(document, image, told(document, image, said)) for document in documents for image, said in shots(document)]
        known = [each for each in known if each[2]]
        prompts = [[user(_NARRATE + "\n".join(f"{name}: {text.text}" for name, text in texts))] for _, _, texts in known]
        answers = language(self.model).answer(prompts, Sampling(tokens=self.tokens))
        new: dict[str, dict[int, tuple[str, list[Text]]]] = {document.id: {} for document in documents}
        for (document, image, texts), answer in zip(known, answers, strict=True):
            if answer.text.strip():
                new[document.id][image.n] = (" ".join(answer.text.split()), [text for _, text in texts])
        for document in documents:
            yield _narrated(document, new[document.id], self.model, context)


def told(document: Document, image: Image, said: Sequence[Text]) -> list[tuple[str, Text]]:
    """The texts that tell of a shot, each with what it is: captions, the text on it, what is said."""
    named = [("Seen", text) for text in document.captions(image.n)]
    named += [("Text on it", text) for text in document.texts if text.role == "ocr" and text.place == image.place]
    return [*named, *(("Said", text) for text in said)]


def _narrated(document: Document, new: Mapping[int, tuple[str, list[Text]]], model: str, context: Context) -> Document:
    gone = {text.n for _, texts in new.values() for text in texts}
    parts: list[Part] = []
    n = document.next_n
    for part in document.parts:
        if part.n in gone:
            continue
        parts.append(part)
        if part.n in new:
            text, texts = new[part.n]
            parts.append(Text(n, text, "paragraph", place=part.place))
            context.note(document, part, Reason("narrated", len(texts)))
            n += 1
    return document.evolve(parts=tuple(parts), meta={**document.meta, "narrated": model})
