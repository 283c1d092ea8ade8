"""`POST /v1/responses`: the canonical form of an interleaved answer.

Its `output` alternates messages, whose texts cite their sources, and images as items of the type `image_generation_call` with the picture in base64,
the one item of OpenAI's interface that holds an image. `limner_url` beside it is the picture's address here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import Field

from limner.document import Image, Text
from limner.serve.answering import Addresses, Answering, Kept, new_id
from limner.serve.errors import of
from limner.serve.media import response as media_response
from limner.serve.messages import Conversation, Loose, Said, asked
from limner.serve.site import Site
from limner.write import Answer, Turn, render
from limner.write.render import NOTHING

_FORMS = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp"}


class Body(Loose):
    """What is asked."""

    model: str = Field("limner", max_length=300)
    input: str | Conversation
    previous_response_id: str | None = Field(None, max_length=100)
    stream: bool | None = False
    store: bool | None = True


def routes(answering: Answering, site: Site) -> APIRouter:
    """The endpoint."""
    router = APIRouter()

    @router.post("/v1/responses")
    async def create(body: Body, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        messages = [Said(type="message", role="user", content=body.input)] if isinstance(body.input, str) else body.input
        before: list[Turn] = []
        if body.previous_response_id:
            chain = answering.store.chain(body.previous_response_id)
            before = [Turn(kept.answer.question, kept.answer.text) for _, kept in chain]
        question = asked(messages, "input", before)
        answering.named(body.model)
        id, where = new_id("resp"), Addresses(request)

        async def answered(of_whom: Request | None) -> dict[str, Any]:
            answer = await answering.answer(of_whom, question, body.model)
            kept = Kept(answer, body.previous_response_id or "")
            if body.store is not False:
                answering.store.put(id, kept)
            return _response(id, body, answer, list(items(answer, where, site)), kept.created)

        if not body.stream:
            return JSONResponse(await answered(request))

        async def events() -> AsyncIterator[str]:
            number = 0

            def sent(kind: str, **data: Any) -> str:
                nonlocal number
                line = json.dumps({"type": kind, "sequence_number": number, **data}, ensure_ascii=False)
                number += 1
                return f"event: {kind}\ndata: {line}\n\n"

            begun = {**_response(id, body, None, [], 0), "status": "in_progress"}
            yield sent("response.created", response=begun)
            yield sent("response.in_progress", response=begun)
            try:
                done = await answered(None)
            except Exception as error:  # noqa: BLE001 - the status has gone out: what went wrong is told in the stream
                told = json.loads(bytes(of(error).body))["error"]
                yield sent("error", **{"message": told["message"], "code": told["code"], "param": told["param"]})
                return
            for at, item in enumerate(done["output"]):
                for kind, data in _events(at, item):
                    yield sent(kind, **data)
            yield sent("response.completed", response=done)

        return StreamingResponse(events(), media_type="text/event-stream", headers={"cache-control": "no-store"})

    return router


def _response(id: str, body: Body, answer: Answer | None, output: list[dict[str, Any]], created: int) -> dict[str, Any]:
    spent = answer.spent if answer else None
    usage = {
        "input_tokens": spent.tokens_in, "output_tokens": spent.tokens_out, "total_tokens": spent.tokens_in + spent.tokens_out,
        "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0},
    } if spent else None  # fmt: skip
    return {
        "id": id, "object": "response", "created_at": created, "status": "completed", "error": None, "incomplete_details": None,
        "instructions": None, "metadata": {}, "model": body.model, "output": output, "parallel_tool_calls": False,
        "previous_response_id": body.previous_response_id, "temperature": None, "tool_choice": "none", "tools": [], "top_p": None,
        "usage": usage,
    }  # fmt: skip


def items(answer: Answer, where: Addresses, site: Site) -> Iterator[dict[str, Any]]:
    """The items of an answer, in its order: a message for the texts between two images, an item for each image."""
    held: list[Text] = []
    for part in answer.document.parts:
        if isinstance(part, Image):
            drawn = _picture(part, where, site)
            if drawn is not None:
                if held:
                    yield _message(answer, held, where)
                    held = []
                yield drawn
        elif isinstance(part, Text):
            held.append(part)
    if held or not answer.document.parts:
        yield _message(answer, held, where)


def _message(answer: Answer, texts: list[Text], where: Addresses) -> dict[str, Any]:
    said: list[str] = []
    notes: list[dict[str, Any]] = []
    length = 0
    for text in texts:
        line = render.said(answer, text)
        mark = render.cited(answer, text).strip()
        source = answer.source(text)
        if source and mark and mark in line:
            start = length + line.rfind(mark)
            there = {"url": render.web(source.url) or where.source(source), "title": source.title or source.source}
            notes.append({"type": "url_citation", "start_index": start, "end_index": start + len(mark), **there})
        said.append(line)
        length += len(line) + 2
    content = {"type": "output_text", "text": ("\n\n".join(said) or NOTHING) + "\n", "annotations": notes, "logprobs": []}
    return {"id": new_id("msg"), "type": "message", "status": "completed", "role": "assistant", "content": [content]}


def _picture(image: Image, where: Addresses, site: Site) -> dict[str, Any] | None:
    found = site.media(image.ref)
    if found is None:
        return None
    sent = media_response(*found)  # what no browser shows is drawn as PNG there
    mime = str(sent.media_type)
    if not mime.startswith("image/"):
        return None
    return {
        "id": new_id("ig"), "type": "image_generation_call", "status": "completed", "result": base64.b64encode(bytes(sent.body)).decode(),
        "output_format": _FORMS.get(mime, mime.removeprefix("image/")), "limner_url": where.image(image), "limner_alt": image.alt,
    }  # fmt: skip


def _events(at: int, item: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is told of an item while it comes."""
    if item["type"] == "image_generation_call":
        here = {"output_index": at, "item_id": item["id"]}
        yield "response.output_item.added", {"output_index": at, "item": {**item, "status": "in_progress", "result": None}}
        yield "response.image_generation_call.in_progress", here
        yield "response.image_generation_call.completed", here
        yield "response.output_item.done", {"output_index": at, "item": item}
        return
    (content,) = item["content"]
    here = {"output_index": at, "item_id": item["id"], "content_index": 0}
    yield "response.output_item.added", {"output_index": at, "item": {**item, "status": "in_progress", "content": []}}
    yield "response.content_part.added", {**here, "part": {**content, "text": "", "annotations": []}}
    for piece in pieces(content["text"]):
        yield "response.output_text.delta", {**here, "delta": piece, "logprobs": []}
    for number, note in enumerate(content["annotations"]):
        yield "response.output_text.annotation.added", {**here, "annotation_index": number, "annotation": note}
    yield "response.output_text.done", {**here, "text": content["text"], "logprobs": []}
    yield "response.content_part.done", {**here, "part": content}
    yield "response.output_item.done", {"output_index": at, "item": item}


def pieces(text: str, size: int = 80) -> Iterator[str]:
    """A text in pieces that end with a word.

    >>> list(pieces("one two three", 6))
    ['one ', 'two ', 'three']
    """
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        cut = text.rfind(" ", start, end) + 1 if end < len(text) else end
        end = cut if cut > start else end
        yield text[start:end]
        start = end
