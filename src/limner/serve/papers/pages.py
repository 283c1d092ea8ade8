"""The pages of papers, at /papers: a day, what trends, a search, one paper with those like it, votes and subscriptions. They need no script."""

from __future__ import annotations

import secrets
import threading
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from limner.errors import LimnerError
from limner.search import Search
from limner.serve.desk import Desk
from limner.serve.errors import RETRY, Busy, Refused
from limner.serve.forms import field, read_form
from limner.serve.pages import Pages
from limner.serve.papers.board import Board
from limner.serve.papers.feed import Feed

COOKIE = "limner-voter"
OPEN = ("/papers/unsubscribe", "/papers/confirm")
"""Pages that ask for no key: who has the token of a mail may use them, also a mail program by itself (RFC 8058)."""

_PAGE = 24
_FOUND = 20
_YEAR = 365 * 86_400


class PaperPages:
    """The handlers. A vote is one of a browser, which a cookie names: that keeps nobody from having several, so whoever may open these pages is
    trusted to vote once."""

    def __init__(self, search: Search, pages: Pages, desk: Desk):
        self._search, self._pages, self._desk = search, pages, desk
        self._lock = threading.Lock()

    @cached_property
    def _made(self) -> Feed:
        return Feed(self._search, Board.of(self._search.corpus))

    @property
    def _feed(self) -> Feed:
        with self._lock:  # its file is made when somebody first looks
            return self._made

    def routes(self) -> APIRouter:
        """The pages by their paths."""
        router = APIRouter(prefix="/papers", include_in_schema=False)
        for path, handler in (
            ("", self.newest), ("/trending", self.trending), ("/search", self.search), ("/subscribe", self.subscribing),
            ("/confirm", self.confirming), ("/unsubscribe", self.leaving), ("/p/{id}", self.paper), ("/{day}", self.day),
        ):  # fmt: skip
            router.add_api_route(path, handler, methods=["GET"], response_class=HTMLResponse)
        for path, handler in (
            ("/vote", self.vote), ("/subscribe", self.subscribe), ("/confirm", self.confirm), ("/unsubscribe", self.leave)
        ):  # fmt: skip
            router.add_api_route(path, handler, methods=["POST"], response_class=HTMLResponse)
        return router

    # Reading

    def newest(self, request: Request) -> Response:
        """The last day that has papers."""
        return self._day(request, self._feed.days[-1]) if len(self._feed) else self._pages.missing("This corpus has no papers.")

    def day(self, request: Request) -> Response:
        """The papers of a day."""
        return self._day(request, request.path_params["day"])

    def _day(self, request: Request, day: str) -> Response:
        try:
            said = date.fromisoformat(day)
        except ValueError:
            return self._pages.missing("There is no such day.")
        day = said.isoformat()
        before, after = self._feed.near(day)
        ids = self._feed.of(day)
        at = min(_whole(request.query_params.get("page", "")), max(len(ids) - 1, 0) // _PAGE)
        return self._list(
            request, ids[at * _PAGE : (at + 1) * _PAGE], title=f"{said:%A}, {said.day} {said:%B %Y}", about="", day=day, before=before, after=after,
            here=f"/papers/{day}" + (f"?page={at}" if at else ""), more=f"/papers/{day}?page={at + 1}" if (at + 1) * _PAGE < len(ids) else "",
        )  # fmt: skip

    def trending(self, request: Request) -> Response:
        """What has the most votes of late."""
        ids = [id for id, _ in self._feed.trending(_PAGE)]
        about = "By votes of the last thirty days, less the longer ago the first of them was." if ids else "Nobody has voted yet."
        return self._list(request, ids, title="Trending", about=about, here="/papers/trending")

    async def search(self, request: Request) -> Response:
        """Papers for a description."""
        text = " ".join(request.query_params.get("q", "").split())[:2_000]
        try:
            ids = await self._desk.run(request, self._feed.find, text, _FOUND) if text else []
        except LimnerError as error:
            return self._wrong(error)
        about = "" if ids else "Nothing was found." if text else "Say what it is about: a word, a sentence, an abstract."
        query = f"?q={quote(text)}" if text else ""
        return await self._desk.run(
            request, lambda: self._list(request, ids, title=f"“{text}”" if text else "Search", about=about, q=text, here=f"/papers/search{query}")
        )  # fmt: skip

    def _list(self, request: Request, ids: list[str], **given: Any) -> HTMLResponse:
        voter = request.cookies.get(COOKIE, "")[:64]
        trends = [self._feed.paper(id) for id, _ in self._feed.trending(5)] if given["here"] != "/papers/trending" else []
        given = {"day": "", "before": "", "after": "", "more": "", "q": "", **given}
        return self._page("papers/list.html", papers=self._entries(ids, voter), trends=trends, total=len(self._feed), **given)

    def _entries(self, ids: list[str], voter: str) -> list[dict[str, Any]]:
        feed = self._feed
        voted, counts = feed.board.voted(voter) if voter else frozenset[str](), feed.board.counts(ids)
        return [{"paper": feed.paper(id), "votes": counts[id], "voted": id in voted, "picture": self._picture(id)} for id in ids]

    def _picture(self, id: str) -> str:
        figure = self._feed.paper(id).figure
        return f"/media/{figure.ref}" if figure and self._pages.site.stored(figure.ref) else ""

    def paper(self, request: Request) -> Response:
        """One paper, its figures, and what is like it."""
        id = request.path_params["id"]
        if id not in self._feed:
            return self._pages.missing("There is no such paper.")
        voter = request.cookies.get(COOKIE, "")[:64]
        entry, *_ = self._entries([id], voter)
        alike = [self._feed.paper(other) for other in self._feed.similar(id)]
        return self._page("papers/paper.html", entry=entry, p=entry["paper"], alike=alike, here=f"/papers/p/{quote(id, safe='')}")

    def _page(self, template: str, status: int = 200, **given: Any) -> HTMLResponse:
        return self._pages.page(template, status, active="papers", **given)

    def _wrong(self, error: LimnerError) -> Response:
        status = 429 if isinstance(error, Busy) else error.status if isinstance(error, Refused) else 400
        answer = self._pages.missing(str(error), status)
        if status == 429:
            answer.headers["retry-after"] = str(RETRY)
        return answer

    # Voting

    async def vote(self, request: Request) -> Response:
        """Vote for a paper or take that back, and go on where one was."""
        form = await read_form(request, 0, 10)
        id, up, back = field(form, "paper", 200), field(form, "up", 1) == "1", field(form, "back", 3_000)
        voter = request.cookies.get(COOKIE, "")[:64] or secrets.token_urlsafe(24)
        try:
            if not await self._desk.run(request, self._feed.__contains__, id):
                return self._pages.missing("There is no such paper.")
            await self._desk.run(request, self._feed.board.vote, id, voter, up)
        except LimnerError as error:
            return self._wrong(error)
        # A path of ours only: what begins with two slashes is another site.
        answer = RedirectResponse(back if back.startswith("/papers") and back.isprintable() else "/papers", 303)
        answer.set_cookie(COOKIE, voter, max_age=_YEAR, httponly=True, samesite="lax", path="/papers")
        return answer

    # Subscribing

    def subscribing(self, request: Request) -> Response:
        """The form."""
        return self._page(
            "papers/subscribe.html", wrong="", done="", email="", topics=request.query_params.get("topic", "")[:300]
        )

    async def subscribe(self, request: Request) -> Response:
        """Take a subscription in. The answer is the same whether an address was known or not."""
        form = await read_form(request, 0, 10)
        email, topics = field(form, "email", 300), field(form, "topics", 8_000)
        try:
            await self._desk.run(request, self._feed.board.subscribe, email, topics.splitlines())
        except LimnerError as error:
            status = 429 if isinstance(error, Busy) else 400
            return self._page("papers/subscribe.html", status, wrong=str(error), done="", email=email, topics=topics)
        done = f"Before the next digest, a mail asks {email.strip()} to confirm."
        return self._page("papers/subscribe.html", wrong="", done=done, email="", topics="")

    def confirming(self, request: Request) -> Response:
        """Ask before it is done: programs that follow links of mails must not confirm."""
        return self._asked(request, "Subscribe", "Send the digest of papers to")

    def leaving(self, request: Request) -> Response:
        """Ask before it is done, as above."""
        return self._asked(request, "Unsubscribe", "Send no more digests to")

    def _asked(self, request: Request, does: str, what: str) -> Response:
        token = request.query_params.get("token", "")
        holder = self._feed.board.holder(token)
        if holder is None:
            return self._pages.missing("There is no such subscription, or no longer.")
        path = "confirm" if does == "Subscribe" else "unsubscribe"
        return self._page("papers/asked.html", does=does, what=f"{what} {holder.email}?", path=path, token=token)

    async def confirm(self, request: Request) -> Response:
        """Begin to send."""
        done = await self._desk.run(request, self._feed.board.advance, _token(request), "confirmed")
        return self._told("The next digest comes to you." if done else "There is no such subscription, or no longer.", done)

    async def leave(self, request: Request) -> Response:
        """Send no more; asked again, or by a mail program, it is as well (RFC 8058)."""
        await self._desk.run(request, self._feed.board.leave, _token(request))
        return self._told("No more digests come to you.", True)

    def _told(self, said: str, good: bool) -> Response:
        return self._page("papers/asked.html", 200 if good else 404, does="", what=said, path="", token="")


def _token(request: Request) -> str:
    return request.query_params.get("token", "")[:200]


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
