"""Documents that a trained model writes: its address, the prompt, and the file that comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from limner.corpus.media import sha256
from limner.document import Document, Image, Text, document_id, from_dict, to_dict
from limner.errors import ExpertError, LimnerError
from limner.experts.language import Answer, Content, Message, Sampling
from limner.formats.frontmatter import parse
from limner.formats.markdown import to_markdown
from limner.formats.markdownread import parts_of
from limner.models import saved
from limner.models.decoding import Control, Written, write
from limner.models.interleaved import Marks
from limner.models.likelihoods import likelihoods, unscored
from limner.models.reader import document as document_of
from limner.models.reader import said
from limner.models.sampling_text import Draw
from limner.models.saved import Trained
from limner.models.sequence import CONTINUOUS, TEXT, Piece
from limner.models.sequence import Sequence as Whole
from limner.sources.confine import local_path, read_bounded
from limner.write.answer import Answer as Shown
from limner.write.beside import pictures_beside, replaced
from limner.write.render import page

_MOST = 64 * 2**20  # bytes of a prompt's file, or of an image of it
Media = Mapping[str, bytes]


def given(prompt: str) -> tuple[Document, Media]:
    """A prompt: a text, a Markdown file (.md) with images beside it, or a document as JSON (.json). Images are read from the file's own folder only.

    Raises `LimnerError` for a file that is not there, too large, or no document.
    """
    path = Path(prompt)
    if path.suffix.lower() not in (".md", ".json") or "\n" in prompt:
        return Document(document_id(prompt), (Text(0, prompt),)), {}
    text = _bytes(path).decode("utf-8", "replace")
    if path.suffix.lower() == ".json":
        try:
            document = from_dict(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise LimnerError(f"{path} is no document: {error}") from None
        beside = path.with_name(f"{path.stem}_files")
        found = {i.ref: data for i in document.images if i.ref for data in _stored(beside, i.ref)}
        return document, found
    facts, body = parse(text)
    parts, media = parts_of(body, lambda address: _beside(path.parent, address))
    return Document(document_id(path.name), parts, path.name, title=facts.get("title", "")), media


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST:
            raise LimnerError(f"{path} is larger than {_MOST // 2**20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise LimnerError(f"{path} cannot be read: {error.strerror}") from None


def _beside(folder: Path, address: str) -> bytes | None:
    """A file in a folder or below it; nothing else is opened."""
    place = local_path(str(folder), "", address)
    return read_bounded(place, _MOST) if place else None


def _stored(folder: Path, ref: str) -> Iterator[bytes]:
    for path in folder.glob(f"{ref[:16]}.*"):
        data = _bytes(path)
        if sha256(data) == ref:
            yield data


@cache
def trained(address: str) -> Trained:
    """The model of a run: its folder, or `run:FOLDER`."""
    return saved.load(Path(address.removeprefix("run:")))


def generate(address: str, prompt: Document, media: Media, control: Control) -> tuple[Document, Media]:
    """What the model at an address (a run's folder, `run:FOLDER`, or an address of the port `language`) writes after a prompt, and its pictures by
    sha256."""
    if not address.startswith("run:") and not Path(address).is_dir():
        return _by_language(address, prompt, media, control)
    model = trained(address)
    written = list(write(model.model, [model.reader.prompt(prompt, media.get)], control))
    name = f"generated: {prompt.id} {control.seed}"
    return document_of(said(model.vocabulary, written), name, name, prompt.title)


def _by_language(address: str, prompt: Document, media: Media, control: Control) -> tuple[Document, Media]:
    from limner.experts.language import language, user

    held = [part for part in prompt.parts if isinstance(part, Text) or (isinstance(part, Image) and part.ref in media)]
    pieces = [part.text if isinstance(part, Text) else media[part.ref] for part in held]
    sampling = Sampling(
        control.tokens, control.draw.temperature, control.draw.top_p, control.seed, images=control.most, least_images=control.least,
        guidance=control.text_guidance,
    )  # fmt: skip
    (answer,) = language(address).answer([[user(*pieces)]], sampling)
    return document_of(answer.parts, f"generated: {prompt.id} {control.seed}", address)


def kept(document: Document, media: Media, output: Path) -> None:
    """Write a document: `.md` and `.json` with a folder of its pictures beside, `.html` as a page that holds them. Raises `LimnerError` for another
    name."""
    ending = output.suffix.lower()
    if ending not in (".md", ".html", ".json"):
        raise LimnerError(f"{output} is neither .md, .html nor .json")
    beside = pictures_beside(output, media.get) if ending != ".html" else None
    files = {image.ref: place for image in document.images if beside and (place := beside(image))}
    made = {
        ".md": lambda: to_markdown(document, files),
        ".html": lambda: page(Shown(document.title or "What was written", document, writer=document.source), media.get),
        ".json": lambda: json.dumps(to_dict(document), ensure_ascii=False, indent=1) + "\n",
    }  # fmt: skip
    replaced(output, made[ending]())


class RunModel:
    """A trained model behind the port `language`: conversations are told one turn after the other, answers are texts and images in turn."""

    sees = True

    def __init__(self, folder: str) -> None:
        self._trained = trained(f"run:{folder}")

    def answer(self, prompts: list[list[Message]], sampling: Sampling = Sampling()) -> list[Answer]:  # noqa: B008
        """See `LanguageModel`; all conversations are written side by side."""
        model = self._trained
        wholes = [self._read(piece for message in prompt for piece in message.parts) for prompt in prompts]
        control = Control(
            tokens=sampling.tokens, draw=Draw(sampling.temperature, sampling.top_p), seed=sampling.seed, least=sampling.least_images,
            most=max(sampling.images, sampling.least_images), text_guidance=sampling.guidance,
        )  # fmt: skip
        written: list[list[Written]] = [[] for _ in prompts]
        for part in write(model.model, wholes, control):
            written[part.sequence].append(part)
        return [self._answer(each, len(whole), sampling) for each, whole in zip(written, wholes, strict=True)]

    def likelihoods(
        self, prompts: Sequence[Sequence[Message]], choices: Sequence[Sequence[tuple[Content, ...]]]
    ) -> list[list[tuple[float, int]]]:
        """See `ScoresParts`. A choice ends as every part of a document does, by an empty line, which counts."""
        asked: list[Whole] = []
        for prompt, given in zip(prompts, choices, strict=True):
            before = unscored(self._read(piece for message in prompt for piece in message.parts))
            asked += [Whole((*before, *self._choice(choice))) for choice in given]
        found = iter(likelihoods(self._trained.model, asked))
        return [[next(found) for _ in given] for given in choices]

    def _choice(self, choice: Sequence[Content]) -> Iterator[Piece]:
        pieces = self._read(choice).pieces[1:]
        if sum(piece.modality != TEXT for piece in pieces) != sum(isinstance(part, bytes) for part in choice):
            raise ExpertError("an image among the choices cannot be read, or is one too many for what the model was trained on")
        for piece in pieces:
            if piece.modality != TEXT and (piece.ids == CONTINUOUS).any():
                raise ExpertError("the model writes images as vectors, which have no likelihood; a model of codes has one")
            yield replace(piece, loss=0.0 if set(piece.ids.tolist()) <= {self._marks.image, self._marks.closed} else 1.0)

    def _read(self, content: Iterable[Content]) -> Whole:
        """Texts and images as the beginning of a sequence."""
        parts: list[Text | Image] = []
        media: dict[str, bytes] = {}
        for piece in content:
            if isinstance(piece, bytes):
                media[sha256(piece)] = piece
                parts.append(Image(len(parts), sha256(piece)))
            else:
                parts.append(Text(len(parts), piece))
        return self._trained.reader.prompt(Document("prompt", tuple(parts)), media.get)

    @property
    def _marks(self) -> Marks:
        return self._trained.reader.marks

    def _answer(self, written: list[Written], asked: int, sampling: Sampling) -> Answer:
        parts = said(self._trained.vocabulary, written)
        tokens = sum(len(p.ids) for p in written)
        kept: list[str | bytes] = []
        for part in parts:
            at = min((part.find(stop) for stop in sampling.stop if stop in part), default=-1) if isinstance(part, str) else -1
            kept.append(part[:at] if isinstance(part, str) and at >= 0 else part)
            if at >= 0:
                break
        return Answer(tuple(kept), tokens < sampling.tokens, asked, tokens)


def from_run(folder: str) -> RunModel:
    """The model in a run's folder."""
    return RunModel(folder)
