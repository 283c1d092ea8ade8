"""The polite fetcher: URLs to a cache on disk, within what sites allow and what this machine can bear."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from limner.sources.fetchsettings import FetchSettings
from limner.sources.pace import by_host
from limner.sources.session import Kind, Session
from limner.sources.webcache import Entry
from limner.sources.weburl import clean_url, fetchable

__all__ = ["FetchSettings", "Fetcher", "run"]

T = TypeVar("T")


class Fetcher:
    """Brings URLs into a cache. One process should fetch for a corpus, so that every host's pace holds."""

    def __init__(self, settings: FetchSettings | None = None):
        self.settings = settings or FetchSettings()
        self.cache = self.settings.folder

    def fetch(self, urls: Iterable[str], progress: Callable[[int], None] = lambda _: None, kind: Kind = "page") -> dict[str, int]:
        """Bring `urls` here, `progress(1)` after each; returns how many were `new`, `changed`, `unchanged` (asked
        again), `cached` (not asked) and `failed`. Never raises for a URL: its entry in the cache has the reason.
        Interrupted, it goes on where it was when it is called again."""
        listed = list(urls)
        return run(lambda: self._all(listed, progress, kind))

    def one(self, url: str, kind: Kind = "page") -> Entry:
        """The cache's entry of one URL, fetched if need be."""
        self.fetch([url], kind=kind)
        entry = self.cache.entry(clean_url(url))
        assert entry is not None  # `fetch` leaves one, whatever happens
        return entry

    async def _all(self, urls: list[str], progress: Callable[[int], None], kind: Kind) -> dict[str, int]:
        tally: dict[str, int] = {"new": 0, "changed": 0, "unchanged": 0, "cached": 0, "failed": 0}
        wanted: dict[str, int] = {}
        for url in map(clean_url, urls):
            wanted[url] = wanted.get(url, 0) + 1
        todo: list[tuple[str, str]] = []
        for url, times in wanted.items():
            if self._needed(self.cache.entry(url)):
                todo.append((urlsplit(url).netloc.lower() if fetchable(url) else "", url))
            else:
                tally["cached"] += times
                progress(times)
        if not todo:
            return tally
        async with Session(self.settings, self.cache) as session:

            async def work(url: str) -> None:
                tally[await session.bring(url, kind)] += wanted[url]
                progress(wanted[url])

            await by_host(todo, work, session.pace, self.settings.concurrency, self.settings.per_host)
        return tally

    def _needed(self, entry: Entry | None) -> bool:
        if entry is None or entry.transient or not self.cache.whole(entry):
            return True
        return self.settings.max_age is not None and entry.age() > self.settings.max_age


def run(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine, from code that is not one; where a loop runs already (a notebook), in a thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(make())
    box: list[Any] = []

    def target() -> None:
        try:
            box.append(asyncio.run(make()))
        except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
            box.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    if isinstance(box[0], BaseException):
        raise box[0]
    return cast("T", box[0])
