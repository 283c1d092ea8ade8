"""`POST /v1/chat/completions`: an answer as one string of Markdown with links to its pictures, which `images` beside it lists."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import Field

from limner.serve.answering import Addresses, Answering, new_id
from limner.serve.errors import of
from limner.serve.messages import Conversation, Loose, asked
from limner.serve.responses import pieces
from limner.write import Answer, render


class Wanted(Loose):
    """What else a stream tells."""

    include_usage: bool = False


class Body(Loose):
    """What is asked."""

    model: str = Field("limner", max_length=300)
    messages: Conversation
    stream: bool | None = False
    stream_options: Wanted | None = None
    n: int | None = Field(None, ge=1, le=1)


def routes(answering: Answering) -> APIRouter:
    """The endpoint."""
    router = APIRouter()

    @router.post("/v1/chat/completions")
    async def create(body: Body, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        question = asked(body.messages, "messages")
        answering.named(body.model)
        where = Addresses(request)
        head = {"id": new_id("chatcmpl"), "created": int(time.time()), "model": body.model}
        if not body.stream:
            answer = await answering.answer(request, question, body.model)
            message = {"role": "assistant", "content": _content(answer, where), "refusal": None, "images": _images(answer, where)}
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            return JSONResponse({**head, "object": "chat.completion", "choices": [choice], "usage": _usage(answer)})

        async def chunks() -> AsyncIterator[str]:
            def sent(delta: dict[str, Any], reason: str | None = None) -> str:
                choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
                return _line({**head, "object": "chat.completion.chunk", "choices": [choice]})

            yield sent({"role": "assistant", "content": ""})
            try:
                answer = await answering.answer(None, question, body.model)
            except Exception as error:  # noqa: BLE001 - the status has gone out: what went wrong is told in the stream
                yield _line(json.loads(bytes(of(error).body)))
                return
            for piece in pieces(_content(answer, where)):
                yield sent({"content": piece})
            if images := _images(answer, where):
                yield sent({"images": images})
            yield sent({}, "stop")
            if body.stream_options and body.stream_options.include_usage:
                yield _line({**head, "object": "chat.completion.chunk", "choices": [], "usage": _usage(answer)})
            yield "data: [DONE]\n\n"

        return StreamingResponse(chunks(), media_type="text/event-stream", headers={"cache-control": "no-store"})

    return router


def _line(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _content(answer: Answer, where: Addresses) -> str:
    return render.markdown(answer, where.image, lambda source: render.web(source.url) or where.source(source), title=False)


def _images(answer: Answer, where: Addresses) -> list[dict[str, Any]]:
    return [
        {"index": i, "type": "image_url", "image_url": {"url": where.image(image)}, "alt": image.alt}
        for i, image in enumerate(answer.document.images)
    ]


def _usage(answer: Answer) -> dict[str, int]:
    spent = answer.spent
    return {
        "prompt_tokens": spent.tokens_in, "completion_tokens": spent.tokens_out, "total_tokens": spent.tokens_in + spent.tokens_out,
    }  # fmt: skip
