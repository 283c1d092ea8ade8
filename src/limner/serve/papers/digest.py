"""The digest of a day: which papers are for whom, and the mail that brings them, in text and in HTML, with their figures inside."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache, cached_property
from typing import Any, cast
from urllib.parse import quote, urlencode

import jinja2
import numpy as np

from limner.errors import LimnerError
from limner.experts.onnx import Floats
from limner.experts.text_encoder import text_encoder
from limner.serve.papers.board import Subscriber, address
from limner.serve.papers.feed import Feed
from limner.serve.papers.paper import Paper
from limner.serve.papers.picture import Inline, inline
from limner.write.likeness import by_words
from limner.write.render import web


@dataclass(frozen=True)
class Settings:
    """What a digest holds.

    `text`      address of the encoder of texts by which papers suit topics, "" for words alone, None for the one of the index
    `most`      papers at most
    `least`     how alike a paper and a topic must be, `least_words` by words alone; the recipe daily-papers chose them, on other topics than it
                measures
    `said`      characters of an abstract
    `pictures`  bytes of all figures of a mail
    `trends`    titles of what trends that are listed below
    """

    text: str | None = None
    most: int = 5
    least: float = 0.15
    least_words: float = 0.08
    said: int = 600
    pictures: int = 1_000_000
    trends: int = 3


@dataclass(frozen=True)
class Sender:
    """Who writes, and where the pages are.

    `email`  the address that mails are from
    `name`   the name beside it
    `site`   where `limner serve` is reached by readers (https://papers.example.org), "" where it is not
    """

    email: str
    name: str = "Daily papers"
    site: str = ""

    def __post_init__(self) -> None:
        address(self.email)
        if self.site and not web(self.site):
            raise LimnerError(f"{self.site!r} is no address of a site; write one as https://papers.example.org")

    def link(self, path: str, **query: str) -> str:
        """A page of the site, "" where there is none."""
        return f"{web(self.site).rstrip('/')}{path}{'?' + urlencode(query) if query else ''}" if self.site else ""

    @property
    def domain(self) -> str:
        """The part of the address behind its @."""
        return self.email.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Pick:
    """A paper that was chosen, for which topic ("" for none), and how alike both are."""

    paper: Paper
    topic: str = ""
    score: float = 0.0


class Edition:
    """The papers of the days up to `day`, to be dealt out to subscribers. Raises `LimnerError` for what is no day."""

    def __init__(self, feed: Feed, day: str, days: int = 1, settings: Settings | None = None):
        try:
            last = date.fromisoformat(day)
            first = last - timedelta(days=max(days, 1) - 1)
        except (ValueError, OverflowError):
            raise LimnerError(f"{day!r} with {days} days is no span of days; write a day as 2024-05-31") from None
        self.feed, self.day = feed, last.isoformat()
        self.settings = settings or Settings()
        self.papers = [feed.paper(id) for id in feed.of(first.isoformat(), self.day)]
        self._fits: dict[str, Floats] = {}

    @property
    def _address(self) -> str:
        return self.feed.search.settings.text if self.settings.text is None else self.settings.text

    @cached_property
    def _rows(self) -> Floats:
        return text_encoder(self._address).embed([paper.text for paper in self.papers])

    @property
    def least(self) -> float:
        """How alike a paper and a topic must be."""
        return self.settings.least if self._address else self.settings.least_words

    def fit(self, topic: str) -> Floats:
        """How alike each paper is to a topic: the cosine by words, or the mean of it and of that by meaning."""
        if topic not in self._fits:
            fit = by_words([topic], [paper.text for paper in self.papers])[0]
            if self._address:
                fit = np.asarray((fit + self._rows @ text_encoder(self._address).embed([topic])[0]) / 2, np.float32)
            self._fits[topic] = fit
        return self._fits[topic]

    def picks(self, subscriber: Subscriber) -> list[Pick]:
        """What is for one: the papers most like one of their topics, none of which they have had; all papers, those with most votes first, for one
        without topics."""
        had = self.feed.board.had(subscriber, besides=self.day)
        at = [i for i, paper in enumerate(self.papers) if paper.id not in had]
        if not at or not subscriber.topics:
            return [Pick(self.papers[i]) for i in at[: self.settings.most]]
        fits = np.stack([self.fit(topic) for topic in subscriber.topics])
        best = fits.max(axis=0)
        chosen = sorted((i for i in at if best[i] >= self.least), key=lambda i: -best[i])[: self.settings.most]
        return [Pick(self.papers[i], subscriber.topics[int(fits[:, i].argmax())], float(best[i])) for i in chosen]

    @cached_property
    def trends(self) -> list[Paper]:
        """What trends now."""
        return [self.feed.paper(id) for id, _ in self.feed.trending(self.settings.trends)]

    def pictures(self, picks: Sequence[Pick]) -> dict[str, Inline]:
        """The figures that a mail may hold, by the paper's id, the first papers' first."""
        found: dict[str, Inline] = {}
        left = self.settings.pictures
        for pick in picks:
            data = self.feed.search.media(pick.paper.figure.ref) if pick.paper.figure else None
            made = inline(data) if data else None
            if made and len(made.data) <= left:
                found[pick.paper.id] = made
                left -= len(made.data)
        return found


def message(edition: Edition, subscriber: Subscriber, picks: Sequence[Pick], sender: Sender) -> EmailMessage:
    """The digest for a subscriber: multipart/alternative, of plain text, and of HTML with its figures (RFC 2046, 2387, 2392). Where there is
    a site it can be left by a link, and by one click of the mail program (RFC 2369, 8058). Its Message-ID is the same for one subscriber and day."""
    pictures = edition.pictures(picks)
    leave = sender.link("/papers/unsubscribe", token=subscriber.token)
    trends = [paper for paper in edition.trends if paper.id not in {pick.paper.id for pick in picks}]
    day = date.fromisoformat(edition.day)
    given: dict[str, Any] = {
        "day": day, "picks": picks, "subscriber": subscriber, "sender": sender, "leave": leave,
        "pictures": pictures, "link": lambda paper: address_of(paper, sender), "trends": trends, "cut": lambda t: _cut(t, edition.settings.said),
        "cids": {id: f"figure-{n}@{sender.domain}" for n, id in enumerate(pictures, 1)},
    }  # fmt: skip
    count = f"{len(picks)} paper{'s' if len(picks) != 1 else ''}"
    mail = _addressed(subscriber, sender, f"{count} for {day.day} {day:%B %Y}: {_cut(picks[0].paper.title, 80) if picks else ''}")
    mail["Message-ID"] = f"<digest.{edition.day}.{_named(subscriber)}@{sender.domain}>"
    mail["List-ID"] = f"<daily-papers.{sender.domain}>"
    ways = [f"<{leave}>"] if leave else []
    mail["List-Unsubscribe"] = ", ".join([*ways, f"<mailto:{sender.email}?subject=unsubscribe>"])
    if leave:
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(_filled("digest.txt", **given))
    mail.add_alternative(_filled("digest.html", **given), subtype="html")
    html = cast("list[EmailMessage]", mail.get_payload())[1]
    for n, (id, picture) in enumerate(pictures.items(), 1):
        html.add_related(
            picture.data, "image", picture.kind, cid=f"<{given['cids'][id]}>", disposition="inline", filename=f"figure-{n}.{picture.kind}"
        )  # fmt: skip
    return mail


def invitation(subscriber: Subscriber, sender: Sender) -> EmailMessage:
    """The mail that asks whoever has an address whether they want what was asked for on a page."""
    mail = _addressed(subscriber, sender, f"Confirm your subscription to {sender.name}")
    mail["Message-ID"] = f"<confirm.{_named(subscriber)}@{sender.domain}>"
    link = sender.link("/papers/confirm", token=subscriber.token)
    mail.set_content(_filled("confirm.txt", subscriber=subscriber, sender=sender, link=link))
    return mail


def address_of(paper: Paper, sender: Sender) -> str:
    """Where a paper is to be read: on the site, else where it is on the web, "" where nowhere."""
    return sender.link(f"/papers/p/{quote(paper.id, safe='')}") or paper.link


def _named(subscriber: Subscriber) -> str:
    """A name that tells nothing of the token."""
    return hashlib.sha256(subscriber.token.encode()).hexdigest()[:24]


def _addressed(subscriber: Subscriber, sender: Sender, subject: str) -> EmailMessage:
    mail = EmailMessage(SMTP)
    mail["Subject"] = " ".join(subject.split())
    mail["From"] = f'"{sender.name.translate(_QUOTED)}" <{sender.email}>'
    mail["To"] = subscriber.email
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    return mail


_QUOTED = {ord(c): " " for c in '"\\\r\n'}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"


def _filled(template: str, **given: Any) -> str:
    return _templates().get_template(f"papers/{template}").render(**given)


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("limner.serve"),
        autoescape=jinja2.select_autoescape(("html",), default_for_string=True),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
