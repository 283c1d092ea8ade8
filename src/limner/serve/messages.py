"""Conversations as OpenAI's clients send them, to a question with what was said before it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from limner.corpus.pixels import thumbnail
from limner.errors import LimnerError
from limner.serve.answering import Asked
from limner.serve.errors import Refused
from limner.write import Turn

QUESTION = 2_000
_TEXT = 100_000
_MESSAGES = 200
_IMAGE = 8 << 20
_SIDE = 512
_DATA = re.compile(r"\Adata:image/[\w.+-]{1,40};base64,", re.IGNORECASE)


class Loose(BaseModel):
    """What clients send has more in it than is used here."""

    model_config = ConfigDict(extra="ignore")


class Piece(Loose):
    """A piece of a message: a text, or an image in a data URI."""

    type: str = Field(max_length=40)
    text: str | None = Field(None, max_length=_TEXT)
    image_url: Any = None

    @property
    def picture(self) -> str:
        """The address of the image, "" for none."""
        given = self.image_url
        found = given.get("url") if isinstance(given, dict) else given  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return found if isinstance(found, str) else ""


Pieces = Annotated[list[Piece], Field(max_length=64)]


class Said(Loose):
    """What one side said. `type` is that of an item of `/v1/responses`; items that are no messages are passed over."""

    type: str = Field("message", max_length=40)
    role: Literal["user", "assistant", "system", "developer", "tool"] | None = None
    content: Annotated[str, Field(max_length=_TEXT)] | Pieces | None = None

    @property
    def text(self) -> str:
        """Its words."""
        if isinstance(self.content, list):
            return "\n".join(piece.text for piece in self.content if piece.text)
        return self.content or ""


Conversation = Annotated[list[Said], Field(max_length=_MESSAGES)]


def asked(messages: Sequence[Said], param: str, before: Sequence[Turn] = ()) -> Asked:
    """The last question of a conversation, with its picture, and the turns before it. What a system says is not used: a writer has its own."""
    said = [m for m in messages if m.type == "message" and m.role in ("user", "assistant")]
    if not said or said[-1].role != "user":
        raise Refused("the last message must be of the role user", 400, param)
    question = " ".join(said[-1].text.split())
    pictures = [piece.picture for piece in said[-1].content if piece.picture] if isinstance(said[-1].content, list) else []
    if not question and not pictures:
        raise Refused("there is no question", 400, param)
    if len(question) > QUESTION:
        raise Refused(f"the question has {len(question):,} characters; {QUESTION:,} are read", 400, param)
    if len(pictures) > 1:
        raise Refused("one picture can be asked with", 400, param)
    turns: list[Turn] = [*before]
    for first, second in pairwise(said):
        if first.role == "user" and second.role == "assistant":
            turns.append(Turn(first.text[:QUESTION], second.text[:_TEXT]))
    picture = read_picture(pictures[0], param) if pictures else None
    return Asked(question or "What is this?", tuple(turns[-8:]), picture)


def read_picture(address: str, param: str) -> bytes:
    """The bytes of an image in a data URI; other addresses are never asked."""
    head = _DATA.match(address[:80])
    if head is None:
        raise Refused("an image comes as a data URI (data:image/png;base64,...); other addresses are not fetched", 400, param)
    if len(address) > _IMAGE * 4 // 3 + 100:
        raise Refused(f"an image has at most {_IMAGE >> 20} MiB", 413, param)
    try:
        data = base64.b64decode(address[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise Refused("the image is no base64", 400, param) from None
    return checked_picture(data, param)


def checked_picture(data: bytes, param: str) -> bytes:
    """The bytes of an image that decodes within bounds."""
    if len(data) > _IMAGE:
        raise Refused(f"an image has at most {_IMAGE >> 20} MiB", 413, param)
    try:
        thumbnail(data, _SIDE)
    except LimnerError as error:
        raise Refused(f"the image does not decode: {error}", 400, param) from None
    return data
