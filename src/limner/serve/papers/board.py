"""What people do with papers: votes, subscriptions, and which digest went to whom. One SQLite file beside the corpus.

It lies beside and not in it, since it holds addresses of people, and a corpus is handed on. Each call is a transaction of its own, so that
threads and processes may share it, and a killed one leaves none half done.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from limner.corpus import Corpus
from limner.errors import CorpusError, LimnerError

State = Literal["asked", "invited", "confirmed"]
"""A subscription's: asked for on a page, told by mail that it must be confirmed, confirmed."""

TOPICS, TOPIC = 20, 300
"""Topics of a subscriber, and characters of one."""

_ASKED = 1_000  # subscriptions that may wait to be confirmed
_WAIT = 30.0  # seconds for another's transaction
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*")
_TABLES = """
CREATE TABLE IF NOT EXISTS votes (paper TEXT NOT NULL, voter TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (paper, voter)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS votes_at ON votes (at);
CREATE TABLE IF NOT EXISTS subscribers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    topics TEXT NOT NULL, token TEXT NOT NULL UNIQUE, state TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS sendings (
    subscriber INTEGER NOT NULL, day TEXT NOT NULL, papers TEXT NOT NULL, sent INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY (subscriber, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (paper TEXT PRIMARY KEY, day TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Subscriber:
    """Who gets digests, and about what; without topics about everything. `token` is in the links of their mails, and is theirs alone."""

    id: int
    email: str
    topics: tuple[str, ...]
    token: str
    state: State


class Board:
    """The file at `path`, made where there is none, readable by its owner only."""

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            with self._opened() as db:
                db.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise LimnerError(f"{self.path}: votes and subscriptions cannot be kept there ({error})") from None

    @classmethod
    def of(cls, corpus: Corpus) -> Board:
        """The one of a corpus. Raises `CorpusError` for a corpus in an object store, where no file can be locked."""
        return cls(place(corpus))

    @contextmanager
    def _opened(self) -> Generator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)
        try:
            yield db
        finally:
            db.close()

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self._opened() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    # Votes

    def vote(self, paper: str, voter: str, up: bool = True, at: float | None = None) -> None:
        """Give a paper one's vote, or take it back; a second one counts nothing. `at` is in seconds of the epoch, by default now."""
        with self._writing() as db:
            if up:
                db.execute("INSERT OR IGNORE INTO votes VALUES (?, ?, ?)", (paper, voter, time.time() if at is None else at))
            else:
                db.execute("DELETE FROM votes WHERE paper = ? AND voter = ?", (paper, voter))

    def votes(self, since: float = 0.0) -> dict[str, list[float]]:
        """When each paper was voted for, from `since` on."""
        found: dict[str, list[float]] = {}
        with self._opened() as db:
            for paper, at in db.execute("SELECT paper, at FROM votes WHERE at >= ?", (since,)):
                found.setdefault(paper, []).append(at)
        return found

    def counts(self, papers: Sequence[str]) -> dict[str, int]:
        """How many votes each of these has."""
        with self._opened() as db:
            count = "SELECT COUNT(*) FROM votes WHERE paper = ?"
            return {paper: db.execute(count, (paper,)).fetchone()[0] for paper in papers}

    def voted(self, voter: str) -> frozenset[str]:
        """What someone has voted for."""
        with self._opened() as db:
            return frozenset(row[0] for row in db.execute("SELECT paper FROM votes WHERE voter = ?", (voter,)))

    # Days of papers that have none

    def seen(self, papers: Iterable[str], today: str) -> dict[str, str]:
        """The day on which each was first seen, which is `today` for those that are new."""
        named = list(papers)
        if not named:
            return {}
        with self._writing() as db:
            db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", ((paper, today) for paper in named))
            return dict(db.execute("SELECT paper, day FROM seen").fetchall())

    # Subscriptions

    def subscribe(self, email: str, topics: Sequence[str] = (), confirmed: bool = False) -> Subscriber:
        """Subscribe an address. What is `confirmed` (the one who runs this says so) gets digests; who asked on a page must confirm by mail first,
        and changes nothing for an address that has. Raises `LimnerError` for what is no address, too much, or too many that wait."""
        email, kept = address(email), _topics(topics)
        with self._writing() as db:
            found = db.execute("SELECT state FROM subscribers WHERE email = ?", (email,)).fetchone()
            if found is None:
                waiting = db.execute("SELECT COUNT(*) FROM subscribers WHERE state != 'confirmed'").fetchone()[0]
                if not confirmed and waiting >= _ASKED:
                    raise LimnerError("too many subscriptions wait to be confirmed; try again later")
                row = (email, kept, secrets.token_urlsafe(24), "confirmed" if confirmed else "asked")
                db.execute("INSERT INTO subscribers (email, topics, token, state) VALUES (?, ?, ?, ?)", row)
            elif confirmed:
                db.execute("UPDATE subscribers SET topics = ?, state = 'confirmed' WHERE email = ?", (kept, email))
            elif found[0] != "confirmed":
                db.execute("UPDATE subscribers SET topics = ? WHERE email = ?", (kept, email))
            return _subscriber(db.execute(f"{_SELECT} WHERE email = ?", (email,)).fetchone())

    def subscribers(self, state: State | None = None) -> list[Subscriber]:
        """All, or those in one state, in the order in which they came."""
        with self._opened() as db:
            rows = db.execute(f"{_SELECT} WHERE ? IS NULL OR state = ? ORDER BY id", (state, state)).fetchall()
        return [_subscriber(row) for row in rows]

    def holder(self, token: str) -> Subscriber | None:
        """Whose token that is."""
        with self._opened() as db:
            row = db.execute(f"{_SELECT} WHERE token = ?", (token[:200],)).fetchone()
        return _subscriber(row) if row else None

    def advance(self, token: str, state: State, before: State | None = None) -> bool:
        """Put a subscription into another state, if it is in the state `before`; whether that was done."""
        with self._writing() as db:
            change = "UPDATE subscribers SET state = ? WHERE token = ? AND (? IS NULL OR state = ?)"
            return db.execute(change, (state, token, before, before)).rowcount > 0

    def leave(self, token: str = "", email: str = "") -> bool:
        """Forget a subscriber, by either, with what was sent to them; whether there was one."""
        with self._writing() as db:
            found = db.execute(
                "SELECT id FROM subscribers WHERE token = ? OR email = ?", (token or None, email or None)
            ).fetchall()
            for (id,) in found:
                db.execute("DELETE FROM sendings WHERE subscriber = ?", (id,))
                db.execute("DELETE FROM subscribers WHERE id = ?", (id,))
            return bool(found)

    # Digests

    def begin(self, subscriber: Subscriber, day: str, papers: Sequence[str], again: float | None = None) -> bool:
        """Record that the digest of a day is about to be handed over; whether it may be. False where it has been, or where that was begun and never
        came to an end, unless it was more than `again` seconds ago. What may is recorded before it is sent, so no digest can go twice."""
        now = time.time()
        row = (subscriber.id, day, json.dumps(list(papers)), now)
        with self._writing() as db:
            if again is not None:
                ended = "DELETE FROM sendings WHERE subscriber = ? AND day = ? AND sent = 0 AND at <= ?"
                db.execute(ended, (subscriber.id, day, now - again))
            # Who has left since they were looked up is sent nothing.
            there = "WHERE EXISTS (SELECT 1 FROM subscribers WHERE id = ? AND state = 'confirmed')"
            begun = db.execute(f"INSERT OR IGNORE INTO sendings SELECT ?, ?, ?, 0, ? {there}", (*row, subscriber.id))
            return begun.rowcount > 0

    def end(self, subscriber: Subscriber, day: str, sent: bool) -> None:
        """Record that the server took it over; or, where it surely did not, that nothing was begun."""
        with self._writing() as db:
            where = (subscriber.id, day)
            if sent:
                db.execute("UPDATE sendings SET sent = 1 WHERE subscriber = ? AND day = ?", where)
            else:
                db.execute("DELETE FROM sendings WHERE subscriber = ? AND day = ? AND sent = 0", where)

    def sent(self, subscriber: Subscriber) -> dict[str, bool]:
        """The days whose digest was begun for someone, and whether it is known to have gone."""
        with self._opened() as db:
            rows = db.execute("SELECT day, sent FROM sendings WHERE subscriber = ?", (subscriber.id,)).fetchall()
        return {day: bool(sent) for day, sent in rows}

    def had(self, subscriber: Subscriber, besides: str = "") -> frozenset[str]:
        """The papers that someone has had, in digests of other days than `besides`."""
        with self._opened() as db:
            rows = db.execute(
                "SELECT papers FROM sendings WHERE subscriber = ? AND day != ?", (subscriber.id, besides)
            ).fetchall()
        return frozenset(paper for (papers,) in rows for paper in json.loads(papers))


_SELECT = "SELECT id, email, topics, token, state FROM subscribers"


def place(corpus: Corpus) -> Path:
    """Where the board of a corpus is, or will be. Raises `CorpusError` for a corpus in an object store."""
    local = corpus.store.local("")
    if local is None:
        raise CorpusError(f"{corpus.store.url}: votes and subscriptions are kept beside a corpus on a local disk only")
    folder = Path(local).resolve()
    return folder.with_name(f"{folder.name}.papers.sqlite")


def address(text: str) -> str:
    """An e-mail address without what is around it (RFC 5321, in ASCII). Raises `LimnerError` for what is none.

    >>> address(" ada@example.org ")
    'ada@example.org'
    """
    text = text.strip()
    if len(text) > 254 or not _ADDRESS.fullmatch(text):
        raise LimnerError(f"{text[:80]!r} is no e-mail address; write one as ada@example.org")
    return text


def _topics(topics: Sequence[str]) -> str:
    kept = [" ".join("".join(c if c.isprintable() else " " for c in topic).split()) for topic in topics]
    kept = list(dict.fromkeys(topic for topic in kept if topic))
    if len(kept) > TOPICS or any(len(topic) > TOPIC for topic in kept):
        raise LimnerError(f"at most {TOPICS} topics are kept, of at most {TOPIC} characters each")
    return json.dumps(kept, ensure_ascii=False)


def _subscriber(row: tuple[int, str, str, str, State]) -> Subscriber:
    id, email, topics, token, state = row
    return Subscriber(id, email, tuple(json.loads(topics)), token, state)
