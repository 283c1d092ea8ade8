"""`POST /v1/embeddings`: texts in the space of the index's text encoder; images, as data URIs, in that of its joint encoder."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from limner.corpus.pixels import thumbnail
from limner.experts.encoder import encoder
from limner.experts.onnx import Floats
from limner.experts.text_encoder import text_encoder
from limner.search.indexing import SIDE
from limner.serve.answering import NAME, Answering
from limner.serve.errors import Refused
from limner.serve.messages import Loose, read_picture

_MOST = 256
_TEXT = 10_000
_PICTURES = 16


class Body(Loose):
    """What is asked. `model` is the text encoder's address (or `limner`), or the joint encoder's for texts and images in one space."""

    model: str = Field(NAME, max_length=300)
    input: (
        Annotated[str, Field(max_length=16 << 20)]
        | Annotated[list[Annotated[str, Field(max_length=16 << 20)]], Field(max_length=_MOST)]
    )
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None


def routes(answering: Answering) -> APIRouter:
    """The endpoint."""
    router = APIRouter()
    settings = answering.search.settings

    @router.post("/v1/embeddings")
    async def create(body: Body, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        given = [body.input] if isinstance(body.input, str) else body.input
        if not given or not all(given):
            raise Refused("there is nothing to embed", 400, "input")
        pictures = [text.startswith("data:") for text in given]
        if any(pictures) and not all(pictures):
            raise Refused("texts and images do not come in one request", 400, "input")
        joint = any(pictures) or (bool(settings.encoder) and body.model == settings.encoder)
        address = settings.encoder if joint else settings.text
        if not address:
            what = (
                "joint encoder; `limner index --encoder ADDRESS` gives it one"
                if joint
                else "text encoder; `limner index --text` gives it one"
            )
            raise Refused(f"this index has no {what}", 400, "model")
        if body.model not in (NAME, address):
            raise Refused(f"there is no encoder {body.model[:100]!r} here; there is {address}", 404, "model", "model_not_found")
        if sum(pictures) > _PICTURES:
            raise Refused(f"at most {_PICTURES} images at once", 400, "input")
        if not any(pictures) and max(map(len, given)) > _TEXT:
            raise Refused(f"a text has at most {_TEXT:,} characters", 400, "input")
        rows = await answering.quick.run(request, _rows, given, address, joint, any(pictures))
        if body.dimensions is not None and body.dimensions != rows.shape[1]:
            raise Refused(f"vectors here have {rows.shape[1]} dimensions", 400, "dimensions")
        tokens = sum(len(text.split()) for text in given) if not any(pictures) else 0
        data = [
            {"object": "embedding", "index": i, "embedding": _written(row, body.encoding_format)} for i, row in enumerate(rows)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return JSONResponse({"object": "list", "data": data, "model": address, "usage": usage})

    return router


def _rows(given: list[str], address: str, joint: bool, pictures: bool) -> Floats:
    if pictures:
        return encoder(address).embed_images([thumbnail(read_picture(uri, "input"), SIDE) for uri in given])
    return encoder(address).embed_texts(given) if joint else text_encoder(address).embed(given)


def _written(row: Floats, form: str) -> Any:
    return base64.b64encode(np.ascontiguousarray(row, "<f4").tobytes()).decode() if form == "base64" else [float(v) for v in row]
