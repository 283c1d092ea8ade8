"""The application: routes to pages, stored files and our own two static files, behind the guard."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from limner.corpus import Corpus
from limner.errors import LimnerError
from limner.serve.guard import Guard
from limner.serve.pages import Pages
from limner.serve.site import Site

STATIC = Path(__file__).parent / "static"


def application(corpus: Corpus, hosts: Iterable[str] = ()) -> Starlette:
    """An ASGI application that shows `corpus`; it answers to the names of this machine's loopback and to `hosts`."""
    site = Site(corpus)
    pages = Pages(site)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        yield
        site.close()

    def missing(request: Request, error: Exception) -> Response:
        return pages.missing("There is no such page.")

    def refused(request: Request, error: Exception) -> Response:
        return pages.missing(str(error), 500)

    return Starlette(
        routes=page_routes(pages),
        middleware=[Middleware(Guard, hosts=list(hosts))],
        exception_handlers={HTTPException: missing, LimnerError: refused},
        lifespan=lifespan,
    )


def page_routes(pages: Pages) -> list[BaseRoute]:
    """The pages of a corpus, its files and our own, by their paths."""
    return [
        Route("/", pages.home),
        Route("/documents", pages.documents),
        Route("/d/{id}", pages.document),
        Route("/json/{id}", pages.document_json),
        Route("/statistics", pages.statistics),
        Route("/ledger", pages.ledger),
        Route("/ledger/step", pages.step),
        Route("/rejects", pages.rejects),
        Route("/why", pages.why),
        Route("/card", pages.card),
        Route("/media/{ref}", pages.media),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
