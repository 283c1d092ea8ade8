"""The pages that answer: a question with those before it, and a search with its pictures."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.datastructures import FormData, UploadFile

from limner.curate.steps import unnumbered
from limner.document.formula import mathml
from limner.errors import LimnerError
from limner.search import Hit, Where
from limner.serve.answering import NAME, Addresses, Answering, Asked, Kept, new_id
from limner.serve.errors import RETRY, Busy, Refused
from limner.serve.forms import field, read_form
from limner.serve.messages import QUESTION, checked_picture
from limner.serve.pages import Pages
from limner.write import Turn, render

_MOST = 24
_EXCERPT = 400
_KINDS = ("section", "image", "document")


class Asking:
    """The handlers of both pages."""

    def __init__(self, answering: Answering, pages: Pages):
        self._answering, self._pages = answering, pages
        self._settings = answering.search.settings

    def routes(self) -> APIRouter:
        """The pages by their paths."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/chat", self.chat, methods=["GET"], response_class=HTMLResponse)
        router.add_api_route("/chat", self.ask, methods=["POST"], response_class=HTMLResponse)
        router.add_api_route("/search", self.search, methods=["GET", "POST"], response_class=HTMLResponse)
        return router

    # A question

    def chat(self, request: Request) -> Response:
        """The page to ask on, below what was asked before."""
        return self._chat(request.query_params.get("at", ""))

    def _chat(self, at: str, wrong: str = "", question: str = "", status: int = 200) -> HTMLResponse:
        turns: list[Any] = []
        if at:
            try:
                turns = [self._turn(id, kept) for id, kept in self._answering.store.chain(at[:100])]
            except Refused as error:
                wrong, status, at = wrong or str(error), status if wrong else error.status, ""
        return self._pages.page(
            "chat.html", status, active="chat", turns=turns, last=at, wrong=wrong, question=question, pictures=bool(self._settings.encoder),
            writers=[name for name in self._answering.models if name != NAME],
        )  # fmt: skip

    def _turn(self, id: str, kept: Kept) -> Any:
        where = Addresses()
        shown = render.html(kept.answer, where.image, where.source, mathml, prefix=f"{id}-")
        return self._pages.fragment("turn.html", id=id, kept=kept, shown=shown)

    async def ask(self, request: Request) -> Response:
        """Answer, and show the page again; or, for the page's own script, the one turn alone."""
        alone = request.headers.get("x-limner-turn") == "1"
        at = question = ""
        try:
            form = await read_form(request, 1, 20)
            at, question = field(form, "previous", 100), " ".join(field(form, "question", 4 * QUESTION).split())
            if not question:
                raise Refused("there is no question")
            if len(question) > QUESTION:
                raise Refused(f"the question has {len(question):,} characters; {QUESTION:,} are read")
            before = [Turn(kept.answer.question, kept.answer.text) for _, kept in self._answering.store.chain(at)] if at else []
            asked = Asked(question, tuple(before), await _picture(form))
            answer = await self._answering.answer(request, asked, field(form, "model", 300) or NAME)
        except LimnerError as error:
            status = 429 if isinstance(error, Busy) else error.status if isinstance(error, Refused) else 500
            headers = {"retry-after": str(RETRY)} if status == 429 else None
            if alone:
                return PlainTextResponse(str(error), status, headers)
            page = self._chat(at, str(error), question, status)
            page.headers.update(headers or {})
            return page
        id, kept = new_id("turn"), Kept(answer, at)
        self._answering.store.put(id, kept)
        return HTMLResponse(self._turn(id, kept)) if alone else RedirectResponse(f"/chat?at={id}#{id}", 303)

    # A search

    async def search(self, request: Request) -> Response:
        """What was found, with pictures."""
        given: dict[str, str] = {
            name: request.query_params.get(name, "") for name in ("q", "kind", "language", "source", "after", "before")
        }
        entries: list[dict[str, Any]] | None = None
        wrong, status, where = "", 200, Where()
        try:
            form = await read_form(request, 1, 20) if request.method == "POST" else FormData()
            for name in given:
                given[name] = (field(form, name, QUESTION) or given[name]).strip()[:QUESTION]
            picture = await _picture(form)
            kind = given["kind"] if given["kind"] in _KINDS else "image" if picture else "section"
            given["kind"] = "image" if picture else kind
            where = Where(given["language"], given["source"], given["after"], given["before"])
            if given["q"] or picture:
                entries = await self._answering.quick.run(request, self._entries, given["q"], picture, given["kind"], where)
        except LimnerError as error:
            status = 429 if isinstance(error, Busy) else error.status if isinstance(error, Refused) else 400
            wrong = str(error)
        return self._pages.page(
            "search.html", status, active="search", q=given["q"], kind=given["kind"] or "section", where=where, entries=entries, wrong=wrong,
            pictures=bool(self._settings.encoder), meaning=bool(self._settings.text),
        )  # fmt: skip

    def _entries(self, q: str, picture: bytes | None, kind: Any, where: Where) -> list[dict[str, Any]]:
        found = self._answering.search.find(q, picture, kind=kind, most=_MOST, where=where)
        return [self._entry(hit) for hit in found]

    def _entry(self, hit: Hit) -> dict[str, Any]:
        row, search = hit.unit, self._answering.search
        document = search.document(row.document)
        within = [i for i in document.images if i.ref and row.n <= i.n <= row.last]
        image = max(within, key=lambda i: min(i.width * i.height, 40_000), default=None)
        said = " ".join(search.text(hit).split())
        headings = " › ".join(dict.fromkeys(unnumbered(h) for h in (row.title, *row.trail) if h)) or row.source
        at = "" if hit.kind == "document" else f"?at={row.n}#at"
        return {
            "heading": headings, "text": said[:_EXCERPT], "language": row.language, "where": row.url or row.source,
            "picture": f"/media/{image.ref}" if image and self._pages.site.stored(image.ref) else "", "alt": image.alt if image else "",
            "link": f"/d/{quote(row.document, safe='')}{at}",
        }  # fmt: skip


async def _picture(form: FormData) -> bytes | None:
    upload = form.get("picture")
    if not isinstance(upload, UploadFile) or not upload.filename:
        return None
    return checked_picture(await upload.read(), "picture")
