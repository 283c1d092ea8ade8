"""Systems that answer with texts and images out of the same tools, under the same budget: at once, by a plan, and by a plan that is refined.

After ISG-Agent (arXiv 2411.17188), which plans, executes and refines. Addresses of the port `language`, once a workshop is opened in this process:

`isg:one-shot`  a language model writes the whole answer and says where pictures come; tools make the pictures that it describes
`isg:planned`   the request's scene graph is the plan: each block is made by its tool
`isg:agent`     and each block is checked, and made again where it does not hold
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice, product

import numpy as np

from limner.corpus import Corpus
from limner.corpus.pixels import Pixels, decode
from limner.document import Image
from limner.errors import ExpertError
from limner.evaluate.scenegraph import FORM, Block, SceneGraph, asked, parsed
from limner.experts.address import register
from limner.experts.encoder import encoder
from limner.experts.generator import generator
from limner.experts.language import Answer, Content, Message, Sampling, language, system, user
from limner.models.reader import png
from limner.recipes.isgeyes import Eye, named, stands
from limner.recipes.isgrequests import placed
from limner.search.searcher import Search

WAYS = ("one-shot", "planned", "agent")
_MARK = re.compile(r"^\s*\[picture: (.{1,200})\]\s*$", re.MULTILINE)
_SENTENCE = re.compile(r"[^\n]*?[.!?](?=\s|$)|[^\n]+")


@dataclass(frozen=True)
class Budget:
    """What an answer may take, whichever way it is made.

    `pictures` candidates for each thing of a picture: the first one found in the corpus, the others painted
    `texts`    times that a sentence may be written, `tokens` of each time; an answer at once may have as many as all of them
    """

    pictures: int = 3
    texts: int = 2
    tokens: int = 24
    side: int = 64


@dataclass
class Workshop:
    """The tools: retrieval from a corpus, a painter, a writer, and layout. `used` counts their calls by way."""

    corpus: Corpus
    eye: Eye
    budget: Budget = Budget()
    writer: str = "bundled:smollm2-135m"
    painter: str = "bundled:limner-t2i"
    joint: str = "bundled:limner-pairs"
    used: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self._search = Search.open(self.corpus)
        self._drawn: Callable[[str], list[Pixels]] = cache(self._candidates)

    def open(self) -> None:
        """Serve the three ways as language models in this process."""
        register("language", "isg")(lambda way: System(self, way))

    def write(self, prompts: Sequence[Sequence[Message]], sampling: Sampling, way: str) -> list[str]:
        """Texts by the writer."""
        found = language(self.writer).answer(prompts, sampling)
        self.used[f"{way}.tokens"] += sum(answer.tokens_out for answer in found)
        return [answer.text for answer in found]

    def draw(self, block: Block, check: bool, way: str) -> bytes:
        """A picture of a block: the candidates of each thing that fit their names the best, side by side or one above the other. With `check`
        the first such picture in which the eye sees what it must show."""
        each = [self._drawn(thing) for thing in block.shows]
        self.used[f"{way}.pictures"] += sum(len(drawn) for drawn in each)
        tried = islice(product(*each), self.budget.pictures ** len(each) if check else 1)
        made = (placed(pictures, block.relation) for pictures in tried)
        first = next(made)
        if not check:
            return png(first)
        return png(next((one for one in (first, *made) if self.holds(block, one)), first))

    def holds(self, block: Block, pixels: Pixels) -> bool:
        """Whether the eye sees a block's things, as they must stand."""
        things = self.eye.things(pixels)
        there = {thing.name for thing in things} >= set(block.shows)
        return there and (not block.relation or stands(things, block.shows[0], block.relation, block.shows[1]))

    def _candidates(self, thing: str) -> list[Pixels]:
        """Pictures of a thing, the one that fits its name the best first."""
        found: list[bytes] = []
        for hit in self._search.find(thing, kind="image", most=1):
            refs = [part.ref for part in self._search.parts(hit) if isinstance(part, Image)]
            found += [data for ref in refs if (data := self._search.media(ref))]
        paint = generator(self.painter)
        found += [paint.paint([thing], self.budget.side, seed)[0] for seed in range(self.budget.pictures - len(found))]
        pictures = [decode(data) for data in found]
        joint = encoder(self.joint)
        order = np.argsort(-(joint.embed_images(pictures) @ joint.embed_texts([thing])[0]), kind="stable")
        return [pictures[i] for i in order]


class System:
    """One way to answer, as a language model that writes images."""

    sees = False

    def __init__(self, tools: Workshop, way: str) -> None:
        if way not in WAYS:
            raise ExpertError(f"isg:{way} is none of {', '.join(WAYS)}")
        self._tools, self._way = tools, way

    def answer(self, prompts: Sequence[Sequence[Message]], sampling: Sampling = Sampling()) -> list[Answer]:  # noqa: B008
        """See `LanguageModel`. What is asked is the last message."""
        told = [prompt[-1].text for prompt in prompts]
        if self._way != "one-shot":
            return [Answer(tuple(self._planned(text))) for text in told]
        return [Answer(tuple(self._marked(text))) for text in self._at_once(told)]

    def _at_once(self, told: Sequence[str]) -> list[str]:
        budget = self._tools.budget
        prompts = [[*_EXAMPLES, user(f"{FORM}{text.rpartition(FORM)[2]}" if FORM in text else text)] for text in told]
        most = Sampling(tokens=3 * budget.texts * budget.tokens)
        return self._tools.write(prompts, most, self._way)

    def _marked(self, text: str) -> Iterator[Content]:
        """An answer with pictures for its marks."""
        for number, piece in enumerate(_MARK.split(text)):
            if number % 2:
                graph = parsed(f"{FORM}a picture of the {piece.removeprefix('the ')}.")
                block = graph.blocks[0] if graph and len(graph.blocks) == 1 else Block("image", (piece,))
                yield self._tools.draw(block, False, self._way)
            elif piece.strip():
                yield piece.strip()

    def _planned(self, text: str) -> Iterator[Content]:
        plan = parsed(text) or asked(language(self._tools.writer), text)
        check = self._way == "agent"
        texts = iter(self._texts(plan, check))
        for block in plan.blocks:
            yield next(texts) if block.kind == "text" else self._tools.draw(block, check, self._way)

    def _texts(self, plan: SceneGraph, check: bool) -> list[str]:
        """The sentences of a plan; with `check` those that do not name their things are written again, after words that do."""
        budget, blocks = self._tools.budget, [block for block in plan.blocks if block.kind == "text"]
        done = self._sentences([block.said for block in blocks], Sampling(tokens=budget.tokens))
        for time in range(1, budget.texts if check else 1):
            wrong = [n for n, block in enumerate(blocks) if not all(named(done[n], thing) for thing in block.shows)]
            again = Sampling(tokens=budget.tokens, temperature=0.7, seed=time)
            for n, text in zip(wrong, self._sentences([blocks[n].said for n in wrong], again), strict=True):
                done[n] = max(done[n], text, key=lambda said: sum(named(said, thing) for thing in blocks[n].shows))
        return done

    def _sentences(self, things: Sequence[str], sampling: Sampling) -> list[str]:
        if not things:
            return []
        prompts = [[*_SENTENCES, user(f"A sentence about the {each}.")] for each in things]
        written = self._tools.write(prompts, sampling, self._way)
        return [found[0].strip() if (found := _SENTENCE.search(text.strip())) else "" for text in written]


_SENTENCES = (
    system("Write one short sentence about what is asked for. Name it."),
    user("A sentence about the owl."),
    Message("assistant", ("The owl is a bird that hunts at night.",)),
    user("A sentence about the bell and the candle."),
    Message("assistant", ("The bell rings and the candle burns.",)),
)
_EXAMPLES = (
    system("Answer with sentences and pictures, in the order and the number asked for. A picture is a line [picture: what it shows]."),
    user(f"{FORM}a sentence about the owl, a picture of the owl, a sentence about the ladder, a picture of the ladder."),
    Message("assistant", ("The owl is a bird that hunts at night.\n[picture: the owl]\nThe ladder has nine steps.\n[picture: the ladder]",)),
    user(f"{FORM}a picture of the bell above the candle, a sentence about the bell and the candle, "
         "a picture of the bell to the left of the candle."),
    Message("assistant", ("[picture: the bell above the candle]\nThe bell rings and the candle burns.\n"
                          "[picture: the bell to the left of the candle]",)),
    user(f"{FORM}a picture of the ship, a sentence about the ship, a picture of the drum, a sentence about the drum, "
         "a picture of the kite, a sentence about the kite."),
    Message("assistant", ("[picture: the ship]\nThe ship sails on the sea.\n[picture: the drum]\nThe drum is loud.\n"
                          "[picture: the kite]\nThe kite flies in the wind.",)),
)  # fmt: skip
"""A request of each task with its answer, so that a model that answers at once knows the form of all of them."""
