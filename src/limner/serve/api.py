"""The application of `limner serve`: the pages of a corpus, pages that search and answer, and OpenAI's interface."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from limner.corpus import Corpus
from limner.errors import LimnerError
from limner.search import Search
from limner.serve import completions, embeddings, responses
from limner.serve.answering import Answering
from limner.serve.app import page_routes
from limner.serve.asking import Asking
from limner.serve.door import Door
from limner.serve.errors import of, problem
from limner.serve.guard import Guard
from limner.serve.pages import Pages
from limner.serve.papers.pages import OPEN, PaperPages
from limner.serve.site import Site

POSTS = ("/v1/", "/chat", "/search", "/papers/")


def served(search: Search, writer: str = "extractive", hosts: Iterable[str] = (), key: str = "") -> FastAPI:
    """An ASGI application that shows, searches and answers from an indexed corpus."""
    site = Site(Corpus.open(search.corpus.store.url))
    answering = Answering(search, writer)
    pages = Pages(site, asks=True)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        yield
        answering.close()
        site.close()

    def api(request: Request) -> bool:
        return request.url.path.startswith("/v1/")

    def missing(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        if api(request):
            said = str(error.detail) if isinstance(error, HTTPException) else "there is no such endpoint"
            return problem(status, said)
        return pages.missing("There is no such page." if status == 404 else "That cannot be asked for here.", status)

    def refused(request: Request, error: Exception) -> Response:
        return of(error) if api(request) else pages.missing(str(error), 500)

    def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(piece) for piece in first["loc"] if piece != "body")[:200]
        return problem(400, f"{where or 'the body'}: {first['msg']}"[:500], None, where or None)

    def failed(request: Request, error: Exception) -> Response:
        return (
            problem(500, f"{type(error).__name__} while answering")
            if api(request)
            else pages.missing("Something went wrong here.", 500)
        )

    handlers: dict[Any, Any] = {
        HTTPException: missing, RequestValidationError: malformed, LimnerError: refused, Exception: failed,
    }  # fmt: skip
    app = FastAPI(
        title="limner", docs_url=None, redoc_url=None, lifespan=lifespan,
        middleware=[Middleware(Guard, hosts=list(hosts), posts=POSTS), Middleware(Door, key=key, free=OPEN)],
        exception_handlers=handlers,
    )  # fmt: skip
    app.include_router(Asking(answering, pages).routes())
    app.include_router(PaperPages(search, pages, answering.quick).routes())
    app.include_router(responses.routes(answering, site))
    app.include_router(completions.routes(answering))
    app.include_router(embeddings.routes(answering))

    @app.get("/v1/models")
    def models() -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        settings = search.settings
        names = [*answering.models, *(name for name in (settings.text, settings.encoder) if name)]
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "limner"} for name in names]
        return JSONResponse({"object": "list", "data": data})

    app.router.routes.extend(page_routes(pages))
    return app
