"""One loop that writes text and images in turn, for every kind of image head, many sequences of different shapes at a time.

Each sequence is a coroutine: it asks for tokens to be run (`Run`) or for a head to be applied (`Apply`) and is told the
outcome. The loop gathers what all of them ask, runs it as one flat batch with a cache of keys, and deals out the states; so a
sequence that writes words, one that writes the codes of an image and one that is denoising another go on side by side.

L tokens, D model width, T tokens of all that is run at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limner.corpus.pixels import Pixels
from limner.errors import LimnerError
from limner.models.attention import Cache, Layout
from limner.models.interleaved import ImageHead, Interleaved
from limner.models.sampling_text import Draw, draw
from limner.models.sequence import TEXT, Piece, collate, places, words
from limner.models.sequence import Sequence as Whole


@dataclass(frozen=True)
class Control:
    """How a sequence is written.

    `tokens`  of text at most
    `draw`, `image_draw`  how tokens of text, and codes of images, are drawn
    `least`, `most`  images; before `least` are there the end is not taken, after `most` no image begins
    `apart`   tokens of text at least between two images
    `at`      numbers of text tokens after which an image is begun whatever the model says
    `text_guidance`, `image_guidance`  classifier-free guidance: how far what is drawn is led away from what it would be without
    the text, or the
              images, of its context (1: not at all)
    `steps`   of denoising, for heads that denoise
    `seed`    the same seed writes the same
    """

    tokens: int = 256
    draw: Draw = field(default_factory=Draw)
    image_draw: Draw = field(default_factory=Draw)
    least: int = 0
    most: int = 4
    apart: int = 0
    at: tuple[int, ...] = ()
    text_guidance: float = 1.0
    image_guidance: float = 1.0
    steps: int = 20
    seed: int = 0


@dataclass(slots=True)
class Stream:
    """One row of the cache: how many tokens it has (`length`), and the place of the next one."""

    row: int
    length: int = 0
    place: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Tokens to be run after those of their streams: for each (stream, piece, vectors L x D). With `keep` they stay in the
    stream. A `cell` is the row and the column of one token of an image, which begins at the stream's place. The outcome is the
    states of each, L x D."""

    parts: tuple[tuple[Stream, Piece, Tensor], ...]
    keep: bool = True
    cell: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Apply:
    """A function of rows (B x ...) that is applied to the rows of all who ask for it at once; the outcome is its rows for
    these."""

    function: Callable[..., Tensor]
    rows: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Open:
    """New streams; the outcome is a list of them."""

    count: int


@dataclass(frozen=True, slots=True)
class Close:
    """Streams that are no longer needed."""

    streams: tuple[Stream, ...]


Request = Run | Apply | Open | Close


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A part that a sequence has finished: text as token ids, or an image. `ended` comes last, by itself."""

    sequence: int
    ids: tuple[int, ...] = ()
    image: Pixels | None = None
    piece: Piece | None = None
    ended: bool = False


@dataclass(slots=True)
class _Teller:
    number: int
    coroutine: Generator[Request, Any, None]
    done: list[Written] = field(default_factory=list[Written])
    waits: Request | None = None


@torch.inference_mode()
def write(model: Interleaved, prompts: Sequence[Whole], controls: Sequence[Control] | Control = Control()) -> Iterator[Written]:
    """What the model writes after each prompt, parts as they are finished, of all prompts side by side; with the same seed a
    prompt's answer does not depend on what is written beside it, but for rounding.

    Raises `LimnerError` for an empty prompt.
    """
    each = [controls] * len(prompts) if isinstance(controls, Control) else list(controls)
    cache = model.cache(0)
    tellers: list[_Teller] = []
    for number, (prompt, control) in enumerate(zip(prompts, each, strict=True)):
        if not len(prompt):
            raise LimnerError("there is nothing to go on from: the prompt is empty")
        done: list[Written] = []
        tellers.append(_Teller(number, tell(model, prompt, control, number, done.append), done))
    loop = _Loop(model, cache, [])
    for teller in tellers:
        teller.waits = next(teller.coroutine)
    left = tellers
    while left:
        loop.turn(left)
        for teller in left:
            yield from teller.done
            teller.done.clear()
        left = [teller for teller in left if teller.waits is not None]


class _Loop:
    """Serves what tellers ask."""

    def __init__(self, model: Interleaved, cache: Cache, streams: list[Stream]) -> None:
        self.model, self.cache, self.streams = model, cache, streams

    def turn(self, tellers: Sequence[_Teller]) -> None:
        """Serve until all wait for tokens to be run, then run them."""
        busy = True
        while busy:
            busy = False
            for teller in tellers:
                while isinstance(teller.waits, Open):
                    self._go(teller, self._opened(teller.waits.count))
                    busy = True
            # All that close do so at once, since what is left is copied.
            closing = [(t, t.waits) for t in tellers if isinstance(t.waits, Close)]
            if closing:
                self._closed({id(stream) for _, close in closing for stream in close.streams})
                for teller, _ in closing:
                    self._go(teller, None)
                busy = True
            asking = [(t, t.waits) for t in tellers if isinstance(t.waits, Apply)]
            for function in dict.fromkeys(apply.function for _, apply in asking):
                self._apply(function, [(t, apply) for t, apply in asking if apply.function == function])
                busy = True
        running = [(t, t.waits) for t in tellers if isinstance(t.waits, Run)]
        # What is kept and what is only tried are not run together: one pass either writes to the streams or does not.
        for keep in (True, False):
            some = [(t, run) for t, run in running if run.keep == keep]
            if some:
                self._run(some, keep)

    def _go(self, teller: _Teller, outcome: Any) -> None:
        try:
            teller.waits = teller.coroutine.send(outcome)
        except StopIteration:
            teller.waits = None

    def _opened(self, count: int) -> list[Stream]:
        first = len(self.cache)
        self.cache.more(count)
        new = [Stream(first + i) for i in range(count)]
        self.streams += new
        return new

    def _closed(self, gone: Collection[int]) -> None:
        self.streams = [stream for stream in self.streams if id(stream) not in gone]
        self.cache.keep([stream.row for stream in self.streams])
        for row, stream in enumerate(self.streams):
            stream.row = row

    def _apply(self, function: Callable[..., Tensor], asking: Sequence[tuple[_Teller, Apply]]) -> None:
        counts = [len(apply.rows[0]) for _, apply in asking]
        columns = [torch.cat(column) for column in zip(*(apply.rows for _, apply in asking), strict=True)]
        for (teller, _), outcome in zip(asking, function(*columns).split(counts), strict=True):
            self._go(teller, outcome)

    def _run(self, running: Sequence[tuple[_Teller, Run]], keep: bool) -> None:
        parts = [part for _, run in running for part in run.parts]
        device = parts[0][2].device
        lengths = tuple(len(piece) for _, piece, _ in parts)
        together = tuple(piece.together for _, piece, _ in parts)
        blocks = np.repeat([i if each else -1 for i, each in enumerate(together)], lengths)
        starts = [_places(stream, piece, run.cell) for _, run in running for stream, piece, _ in run.parts]
        modality = torch.from_numpy(np.repeat([piece.modality for _, piece, _ in parts], lengths)).to(device)
        self.cache.room(max(stream.length + len(piece) for stream, piece, _ in parts))
        layout = Layout(
            lengths,
            torch.from_numpy(blocks).to(device) if any(together) else None,
            together,
            self.cache,
            tuple(stream.row for stream, _, _ in parts),
            keep,
        )
        index = torch.from_numpy(np.concatenate([np.arange(s.length, s.length + len(p)) for s, p, _ in parts])).to(device)
        where = torch.from_numpy(np.concatenate([place for place, _ in starts])).to(device)
        states = self.model.run(torch.cat([x for _, _, x in parts]), layout, modality, index, where).split(lengths)
        if keep:
            for (stream, piece, _), (_, following) in zip(parts, starts, strict=True):
                stream.length += len(piece)
                stream.place = following
                self.cache.lengths[stream.row] = stream.length
        at = 0
        for teller, run in running:
            self._go(teller, list(states[at : at + len(run.parts)]))
            at += len(run.parts)


def _places(stream: Stream, piece: Piece, cell: tuple[int, int] | None) -> tuple[NDArray[np.int64], int]:
    if cell is None:
        return places([piece], stream.place)
    return stream.place + np.array([[0, *cell]]), stream.place


def fed(model: Interleaved, stream: Stream, pieces: Sequence[Piece]) -> Generator[Request, Any, Tensor]:
    """Run pieces after a stream and keep them; the state after the last token (1 x D)."""
    state: Tensor | None = None
    device = model.device
    for some in _runs(pieces):
        whole = some[0] if len(some) == 1 else _joined(some)
        if whole.values is None:
            x_LD = model.embed(torch.from_numpy(whole.ids).to(device))
        else:
            x_LD = model.inputs(collate([Whole((whole,))]).to(device))
        (states,) = yield Run(((stream, whole, x_LD),))
        state = states[-1:]
    if state is None:
        raise LimnerError("there is nothing to run")
    return state


def _runs(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Pieces that can be run at once: neighbours in one row of places, of one modality, whose tokens do not see ahead."""
    held: list[Piece] = []
    for piece in pieces:
        plain = not piece.together and not piece.rows
        if held and not (plain and held[-1].modality == piece.modality and not held[-1].together and not held[-1].rows):
            yield held
            held = []
        if len(piece):
            held.append(piece)
    if held:
        yield held


def _joined(pieces: Sequence[Piece]) -> Piece:
    values = [piece.values for piece in pieces if piece.values is not None]
    return Piece(np.concatenate([p.ids for p in pieces]), pieces[0].modality, values=np.concatenate(values) if values else None)


def tell(
    model: Interleaved, prompt: Whole, control: Control, number: int, done: Callable[[Written], None]
) -> Generator[Request, Any, None]:
    """Write one sequence: words until the model ends or an image begins, the image by its head, and on."""
    marks, chance = model.marks, torch.Generator().manual_seed(control.seed)
    (stream,) = yield Open(1)
    context = list(prompt.pieces)
    state = yield from fed(model, stream, context)
    asked = bool(len(context[-1])) and int(context[-1].ids[-1]) == marks.image
    begun = asked and model.image is not None  # the prompt asks for an image to come first
    if begun:
        context[-1:] = [words(context[-1].ids[:-1]), words([marks.image])]
    said: list[int] = []
    since = control.apart
    images = count = 0

    def able() -> bool:
        return model.image is not None and images < control.most and since >= control.apart

    while begun or count < control.tokens or able():
        token = marks.image
        if not begun:
            (logits,) = yield Apply(model.logits, (state,))
            token = _next(logits, control, chance, said, model, able(), count, images)
        if token == marks.end or (count >= control.tokens and token != marks.image):
            break
        if token == marks.image and model.image is not None:
            if said:
                done(Written(number, tuple(said), piece=words(said)))
                context.append(words(said))
                said = []
            if not begun:
                context.append(words([token]))
                state = yield from fed(model, stream, context[-1:])
            head = cast("ImageHead", model.image)
            piece, state = yield from head.draw(model, context, stream, state, control, chance)
            done(Written(number, image=head.show(piece), piece=piece))
            context.append(piece)
            images, since, begun = images + 1, 0, False
            if marks.closed >= 0:
                context.append(words([marks.closed]))
                state = yield from fed(model, stream, context[-1:])
            continue
        said.append(token)
        count, since = count + 1, since + 1
        if count < control.tokens or able():  # what comes after the last word need not be known
            state = yield from fed(model, stream, [words([token])])
    if said:
        done(Written(number, tuple(said), piece=words(said)))
    yield Close((stream,))
    done(Written(number, ended=True))


def _next(
    logits_W: Tensor, control: Control, chance: torch.Generator, said: Sequence[int], model: Interleaved, able: bool, count:
    int, images: int
) -> int:  # fmt: skip
    """The next token of text, the image mark where an image begins, the end where the sequence does."""
    marks = model.marks
    if able and (count in control.at[images : images + 1] or (count >= control.tokens and images < control.least)):
        return marks.image
    banned = [marks.start, marks.closed] + ([] if able and marks.image >= 0 else [marks.image])
    if images < control.least:
        banned.append(marks.end)
    foreign = getattr(model.image, "entries", None)  # codes of images are no words
    logits_W = logits_W.clone()
    logits_W[[i for i in banned if 0 <= i < len(logits_W)]] = -torch.inf
    if foreign is not None:
        logits_W[foreign.start : foreign.stop] = -torch.inf
    return draw(logits_W, control.draw, chance, said)


def without(context: Sequence[Piece], *, text: bool = False, images: bool = False) -> list[Piece]:
    """A context without its text, or its images, or both; its last piece, which announces what is to be drawn, stays."""
    if not context:
        return []
    kept = [p for p in context[:-1] if not (text if p.modality == TEXT else images)]
    return [*kept, context[-1]]
