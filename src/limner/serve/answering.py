"""What the server knows of questions: who answers them, what was answered before, and how answers look on the way out."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from urllib.parse import quote

from starlette.requests import Request

from limner.document import Image
from limner.search import Search
from limner.serve.desk import Desk
from limner.serve.errors import Refused
from limner.write import Answer, Turn, Writing
from limner.write.answer import Source

NAME = "limner"
"""The model that a server calls its own: the writer it was started with."""

EXTRACTIVE = "extractive"
_KEPT = 1_000
_TURNS = 8
_THREADS, _WAITING, _SECONDS = 4, 256, 60.0
_MODEL_WAITING, _MODEL_SECONDS = 8, 600.0


@dataclass(frozen=True)
class Asked:
    """A question as it came: what was said before, a picture that came with it."""

    question: str
    history: tuple[Turn, ...] = ()
    picture: bytes | None = None


@dataclass(frozen=True)
class Kept:
    """An answer that may be asked on: what it follows is another's id."""

    answer: Answer
    previous: str = ""
    created: int = field(default_factory=lambda: int(time.time()))


class Store:
    """The last answers by id. Older ones are forgotten."""

    def __init__(self, most: int = _KEPT):
        self._most = most
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, id: str, kept: Kept) -> None:
        """Keep an answer."""
        with self._lock:
            self._kept[id] = kept
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def chain(self, id: str, most: int = _TURNS) -> list[tuple[str, Kept]]:
        """An answer and those before it, the first first. Raises `Refused` where `id` is not kept."""
        found: list[tuple[str, Kept]] = []
        with self._lock:
            if id not in self._kept:
                raise Refused(
                    f"no answer {id!r} is kept here any longer", 404, "previous_response_id", "previous_response_not_found"
                )
            while id in self._kept and len(found) < most:
                found.append((id, self._kept[id]))
                id = self._kept[id].previous
        return found[::-1]


class Answering:
    """The writers of one corpus. Exact sentences are quick and answered several at a time; a language model answers one after the other."""

    def __init__(self, search: Search, writer: str = EXTRACTIVE, waiting: int = _MODEL_WAITING):
        self.search, self.writer = search, writer
        self.store = Store()
        self._writings = {EXTRACTIVE: Writing(search)}
        if writer != EXTRACTIVE:
            self._writings[writer] = Writing(search, writer)
        self.quick = Desk(_THREADS, _WAITING, _SECONDS, "limner-quick")
        self._slow = Desk(1, waiting, _MODEL_SECONDS, "limner-model")

    def close(self) -> None:
        """Let the threads go."""
        self.quick.close()
        self._slow.close()

    @property
    def models(self) -> list[str]:
        """The names that answer."""
        return list(dict.fromkeys([NAME, *self._writings]))

    def named(self, model: str) -> str:
        """The writer that a model's name stands for."""
        name = self.writer if model in ("", NAME) else model
        if name not in self._writings:
            known = ", ".join(self.models)
            raise Refused(f"there is no model {model[:100]!r} here; there are {known}", 404, "model", "model_not_found")
        return name

    async def answer(self, request: Request | None, asked: Asked, model: str = NAME, images: int = 4) -> Answer:
        """The answer, when its turn has come."""
        name = self.named(model)
        desk = self.quick if name == EXTRACTIVE else self._slow
        return await desk.run(request, self._writings[name].answer, asked.question, asked.history, images, asked.picture)


def new_id(kind: str) -> str:
    """A name for what is answered.

    >>> new_id("resp").startswith("resp_")
    True
    """
    return f"{kind}_{secrets.token_hex(16)}"


class Addresses:
    """Where what an answer names is on this server."""

    def __init__(self, request: Request | None = None):
        self._base = str(request.base_url).rstrip("/") if request is not None else ""

    def image(self, image: Image) -> str:
        """A picture's file."""
        return f"{self._base}/media/{image.ref}" if image.ref else ""

    def source(self, source: Source) -> str:
        """The page of a document, at the part."""
        return f"{self._base}/d/{quote(source.document, safe='')}?at={source.n}#at"
