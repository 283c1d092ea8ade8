"""How to fetch: the settings of the fetcher, in one place for sources, plans and the stage that brings images."""

from __future__ import annotations

from dataclasses import dataclass

from limner.errors import SourceError
from limner.packages.cachedir import cache_folder
from limner.sources.webcache import WebCache


@dataclass(frozen=True)
class FetchSettings:
    """How to fetch. `agent` names the program in the User-Agent and in robots.txt, `contact` (an e-mail or a page)
    tells sites whom to ask. `rate` is requests a second and `per_host` requests at a time for one host, `concurrency`
    for all. `timeout` is seconds of silence, `deadline` seconds for one request in all. A request is tried `tries`
    times; waits grow from `backoff` seconds; a site that asks for more than `max_wait` seconds is left for a later
    run, a Crawl-delay counts up to `max_crawl_delay`. What was fetched is kept below `cache` ("": limner's own) and
    asked for again only once it is older than `max_age` seconds (None: never). Only addresses of the public internet are
    connected to, unless `allow_private`. Raises `SourceError` for a figure out of its range."""

    agent: str = "limner"
    contact: str = ""
    rate: float = 1.0
    per_host: int = 1
    concurrency: int = 32
    timeout: float = 20.0
    deadline: float = 90.0
    max_bytes: int = 32 * 2**20
    max_redirects: int = 5
    tries: int = 3
    backoff: float = 1.0
    max_wait: float = 120.0
    max_crawl_delay: float = 30.0
    robots: bool = True
    optouts: bool = True
    ai_txt: bool = False
    allow_private: bool = False
    max_age: float | None = None
    cache: str = ""

    def __post_init__(self) -> None:
        for name in ("rate", "per_host", "concurrency", "timeout", "deadline", "max_bytes", "tries"):
            if getattr(self, name) <= 0:
                raise SourceError(f"fetch.{name} is {getattr(self, name)}, but must be more than 0")
        for name in ("max_redirects", "backoff", "max_wait", "max_crawl_delay", "max_age"):
            if (getattr(self, name) or 0) < 0:
                raise SourceError(f"fetch.{name} is {getattr(self, name)}, but must be 0 or more")

    @property
    def user_agent(self) -> str:
        """The User-Agent header."""
        return f"{self.agent}/1 (+{self.contact})" if self.contact else f"{self.agent}/1"

    @property
    def folder(self) -> WebCache:
        """The cache these settings fill."""
        return WebCache(self.cache or cache_folder("web"))
