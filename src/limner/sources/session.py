"""One run of the fetcher: connections, the pace of each host, redirects, retries, and what each site asks of robots."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

import httpcore
import httpx

from limner.errors import SourceError
from limner.sources.addresses import PRIVATE, PublicTransport, RefusedError, is_public
from limner.sources.fetchsettings import FetchSettings
from limner.sources.httpbody import ACCEPTED, decode_body
from limner.sources.kinds import recognise
from limner.sources.optout import rights
from limner.sources.pace import Pace
from limner.sources.robots import MAX_BYTES, Site, SiteFile, path_of, site
from limner.sources.webcache import Entry, WebCache
from limner.sources.weburl import fetchable, joined

Kind = Literal["page", "image", "site"]

_ROBOTS_AGE = 24 * 3600.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
# What `Entry.headers` keeps: enough to read the bytes again, to ask whether they changed, and to show who said what.
_KEPT = ("content-type", "etag", "last-modified", "x-robots-tag", "tdm-reservation", "tdm-policy", "content-language")


class FetchError(SourceError):
    """A URL that was not fetched: why, and whether a later run should try again."""

    def __init__(self, reason: str, transient: bool = False, status: int = 0):
        super().__init__(reason)
        self.transient = transient
        self.status = status


@dataclass(frozen=True)
class _Answer:
    url: str
    status: int
    headers: Mapping[str, str]
    data: bytes


class Session:
    """One run of the fetcher: its connections, the pace of each host, and what each site asks of robots."""

    def __init__(self, settings: FetchSettings, cache: WebCache):
        self.settings = settings
        self.cache = cache
        self.pace = Pace(settings.per_host)
        self._transport = PublicTransport(settings.allow_private, settings.concurrency)
        self._sites: dict[str, asyncio.Future[Site]] = {}

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.aclose()

    async def bring(self, url: str, kind: Kind) -> str:
        """Fetch `url` into the cache; returns what came of it."""
        now = time.time()
        before = self.cache.entry(url)
        known = before if before is not None and before.ok and self.cache.whole(before) else None
        try:
            answer = await self._follow(url, kind, known)
            if answer.status == 304 and known is not None:
                self.cache.store(replace(known, checked=now))
                return "unchanged"
            entry = await self._entry(url, kind, answer, now)
        except FetchError as error:
            keep = known if error.transient else None
            if keep is None:
                failed = Entry(url, status=error.status, reason=str(error), transient=error.transient, checked=now)
                self.cache.store(failed)
            return "failed"
        self.cache.store(entry, answer.data)
        if known is None:
            return "new"
        return "unchanged" if known.sha256 == entry.sha256 else "changed"

    async def _entry(self, url: str, kind: Kind, answer: _Answer, now: float) -> Entry:
        no_images = False
        if self.settings.optouts and kind != "site":
            rules = await self._site(answer.url)
            is_html = kind == "page" and recognise(answer.data[:1024], "") in ("html", "")
            said = rights(
                answer.headers,
                answer.data if is_html else b"",
                agent=self.settings.agent,
                image=kind == "image",
                tdm=rules.tdm.reserved(path_of(answer.url)),
            )
            if said.reason:
                raise FetchError(f"reserved by its owner: {said.reason}", status=answer.status)
            no_images = said.no_images
        return Entry(
            url,
            final=answer.url,
            status=answer.status,
            fetched=now,
            checked=now,
            size=len(answer.data),
            sha256=hashlib.sha256(answer.data).hexdigest(),
            no_images=no_images,
            headers={name: answer.headers[name] for name in _KEPT if name in answer.headers},
        )

    async def _follow(self, url: str, kind: Kind, known: Entry | None) -> _Answer:
        """The answer at the end of the redirects; every hop is checked like the first."""
        seen: set[str] = set()
        at = url
        for _ in range(self.settings.max_redirects + 1):
            if at in seen:
                raise FetchError("redirects in a circle")
            seen.add(at)
            self._check(at)
            rules = await self._site(at)
            if why := rules.refuses(at, self.settings.agent):
                raise FetchError(why, transient=bool(rules.unreachable))
            pause = max(1 / self.settings.rate, min(rules.delay, self.settings.max_crawl_delay))
            answer = await self._ask(at, kind, pause, self.settings.max_bytes, known if at == url else None)
            if answer.status in _REDIRECTS and "location" in answer.headers:
                at = _hop(at, answer.headers["location"])
            elif answer.status == 200 or (answer.status == 304 and known is not None):
                return answer
            else:
                raise FetchError(f"status {answer.status}", status=answer.status)
        raise FetchError(f"more than {self.settings.max_redirects} redirects")

    def _check(self, url: str) -> None:
        if not fetchable(url):
            raise FetchError(f"not a URL that can be fetched: {url[:200]!r}")
        host = urlsplit(url).hostname or ""
        bare = host.strip("[]")
        # A name is checked where it is connected to; an address need not wait for that.
        address = ":" in bare or bare.replace(".", "").isdigit()
        if address and not self.settings.allow_private and not is_public(bare):
            raise FetchError(f"{host} is {PRIVATE}", transient=True)

    async def _site(self, url: str) -> Site:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._sites:
            # Stored before the first await, so that whoever comes next waits for the same answer.
            self._sites[origin] = asyncio.ensure_future(
                site(
                    origin,
                    self._site_file,
                    self.settings.agent,
                    robots=self.settings.robots,
                    optouts=self.settings.optouts,
                    ai_txt=self.settings.ai_txt,
                )
            )
        return await asyncio.shield(self._sites[origin])

    async def _site_file(self, url: str) -> SiteFile:
        """A file of a site's root: from the cache for a day, then asked for again. Redirects are followed, also to
        other hosts (RFC 9309, section 2.3.1.2)."""
        entry = self.cache.entry(url)
        if entry is not None and not entry.transient and entry.age() < _ROBOTS_AGE:
            return SiteFile(entry.status, self.cache.body(entry) or b"")
        at, now = url, time.time()
        answer = _Answer(url, 404, {}, b"")
        try:
            for _ in range(6):
                self._check(at)
                answer = await self._ask(at, "site", 0.0, 4 * MAX_BYTES, None)
                if answer.status not in _REDIRECTS or "location" not in answer.headers:
                    break
                at = _hop(at, answer.headers["location"])
        except FetchError as error:
            self.cache.store(Entry(url, status=error.status, reason=str(error), transient=True, checked=now))
            return SiteFile(error.status, why=str(error))
        found = SiteFile(answer.status, answer.data)
        # Too many redirects count as a site without the file.
        status = 404 if answer.status in _REDIRECTS else answer.status
        digest = hashlib.sha256(answer.data).hexdigest()
        reason = "" if found.found else f"status {status}"
        made = Entry(url, at, status, reason, not (found.found or 400 <= status < 500), now, now, len(answer.data), digest)
        self.cache.store(made, answer.data if found.found else None)
        return SiteFile(status, answer.data)

    async def _ask(self, url: str, kind: Kind, pause: float, limit: int, known: Entry | None) -> _Answer:
        """One URL's answer, asked for again after failures that pass."""
        host = urlsplit(url).netloc.lower()
        failed = FetchError("not tried")
        for attempt in range(self.settings.tries):
            wait = self.settings.backoff * 2**attempt * random.uniform(0.75, 1.25)
            try:
                async with self.pace.turn(host, pause):
                    answer = await self._send(url, kind, limit, known)
            except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, TimeoutError) as error:
                failed = FetchError(_why(error, self.settings), transient=True)
            except RefusedError as error:
                # Not for good: another run may allow it.
                raise FetchError(str(error), transient=True) from None
            except (httpcore.UnsupportedProtocol, httpx.InvalidURL, ValueError, UnicodeError) as error:
                raise FetchError(f"not a URL that can be fetched: {error}") from None
            else:
                if answer.status not in _BUSY:
                    return answer
                failed = FetchError(f"status {answer.status}", transient=True, status=answer.status)
                asked = retry_after(answer.headers.get("retry-after", ""))
                if asked > self.settings.max_wait:
                    raise FetchError(f"status {answer.status}: the site asks to wait {asked:.0f} s", True, answer.status)
                wait = max(wait, asked)
                if answer.status in (429, 503):
                    self.pace.hold(host, wait)
            if attempt < self.settings.tries - 1:
                await asyncio.sleep(wait)
        raise failed

    async def _send(self, url: str, kind: Kind, limit: int, known: Entry | None) -> _Answer:
        s = self.settings
        headers = {"User-Agent": s.user_agent, "Accept-Encoding": ACCEPTED}
        headers["Accept"] = {"page": "text/html,application/xhtml+xml,*/*;q=0.5", "image": "image/*"}.get(kind, "*/*")
        if known is not None:
            if etag := known.headers.get("etag"):
                headers["If-None-Match"] = etag
            if modified := known.headers.get("last-modified"):
                headers["If-Modified-Since"] = modified
        times = {"connect": s.timeout, "read": s.timeout, "write": s.timeout, "pool": None}
        async with asyncio.timeout(s.deadline):
            request = httpx.Request("GET", url, headers=headers, extensions={"timeout": times})
            response = await self._transport.handle_async_request(request)
            try:
                got = {name.lower(): value for name, value in response.headers.items()}
                body = response.status_code == 200
                data = await _read(response, got, limit) if body else b""
            finally:
                await response.aclose()
        if body:
            try:
                # Decoding is work for a core: not where every other download waits for it.
                encodings = got.get("content-encoding", "").split(",")
                data = await asyncio.to_thread(decode_body, data, encodings, limit)
            except SourceError as error:
                raise FetchError(str(error), status=response.status_code) from None
        return _Answer(url, response.status_code, got, data)


async def _read(response: httpx.Response, headers: Mapping[str, str], limit: int) -> bytes:
    said = headers.get("content-length", "")
    if said.isdigit() and len(said) < 20 and int(said) > limit:
        raise FetchError(f"{said} bytes, more than the limit of {limit}", status=response.status_code)
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_raw():
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise FetchError(f"more than {limit} bytes", status=response.status_code)
    return b"".join(pieces)


def _why(error: Exception, settings: FetchSettings) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return f"silent for {settings.timeout:g} s"
    if isinstance(error, TimeoutError):
        return f"not done within {settings.deadline:g} s"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def retry_after(value: str) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110, section 10.2.3): a number or a date; 0 where neither.

    >>> retry_after("120"), retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), retry_after("soon")
    (120.0, 0.0, 0.0)
    """
    value = value.strip()
    if value.isdigit():
        return float(value[:9])
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _hop(at: str, location: str) -> str:
    try:
        return joined(at, location)
    except ValueError:
        raise FetchError(f"redirects to {location[:200]!r}, which is no URL") from None
