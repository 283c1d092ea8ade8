"""What a site asks of robots: robots.txt (RFC 9309), tdmrep.json, and if wanted ai.txt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from protego import Protego

from limner.sources.optout import TdmRules, tdm_rules

MAX_BYTES = 512_000
"""RFC 9309, section 2.5: at least 500 kibibytes of a robots.txt are to be read."""


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file of a site's root: its status (0 where the site did not answer, `why` says how) and bytes."""

    status: int
    data: bytes = b""
    why: str = ""

    @property
    def found(self) -> bool:
        """Whether it is there."""
        return 200 <= self.status < 300

    @property
    def absent(self) -> bool:
        """Whether the site answered that it has none. 429 says that the site is busy, not that it has none."""
        return 400 <= self.status < 500 and self.status != 429


GetFile = Callable[[str], Awaitable[SiteFile]]


@dataclass(frozen=True)
class Site:
    """The rules of one origin. `unreachable` is why robots.txt could not be had, and then nothing may be fetched (RFC
    9309, section 2.3.1.4); `delay` is its Crawl-delay in seconds, 0 where it has none."""

    unreachable: str = ""
    delay: float = 0.0
    robots: Protego | None = None
    ai: Protego | None = None
    tdm: TdmRules = field(default_factory=TdmRules)

    def refuses(self, url: str, agent: str) -> str:
        """Why `url` may not be fetched by `agent`, or ""."""
        if self.unreachable:
            return f"robots.txt could not be had ({self.unreachable}), so nothing of this site is fetched"
        if self.robots is not None and not self.robots.can_fetch(url, agent):
            return "disallowed by robots.txt"
        if self.ai is not None and not self.ai.can_fetch(url, agent):
            return "disallowed by ai.txt"
        return ""


def path_of(url: str) -> str:
    """The path of a URL with its query, as rules match it."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


async def site(origin: str, get: GetFile, agent: str, *, robots: bool, optouts: bool, ai_txt: bool) -> Site:
    """The rules of `origin` (`https://example.org`), each file asked for once."""
    rules: Protego | None = None
    if robots:
        file = await get(f"{origin}/robots.txt")
        if not file.found and not file.absent:
            return Site(file.why or f"status {file.status}")
        rules = _parse(file.data) if file.found else None
    ai: Protego | None = None
    if ai_txt:
        file = await get(f"{origin}/ai.txt")
        ai = _parse(file.data) if file.found else None
    tdm = TdmRules()
    if optouts:
        file = await get(f"{origin}/.well-known/tdmrep.json")
        tdm = tdm_rules(file.data) if file.found else tdm
    delay = rules.crawl_delay(agent) if rules is not None else None
    return Site("", float(delay or 0.0), rules, ai, tdm)


def _parse(data: bytes) -> Protego:
    return Protego.parse(data[:MAX_BYTES].decode("utf-8-sig", "replace"))
