"""What every answer must carry, and whom to answer: only requests that name this machine, no script but our own, and of other sites none that ask
for work.

A page of the web can have a browser send requests here under a name of its own that resolves to 127.0.0.1 (DNS
rebinding): the Host header tells.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; script-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; connect-src 'self'"
)
"""For our own pages: nothing but what this server itself serves, and no script or style inside a page."""

MEDIA_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""For stored files: `sandbox` takes every right from an SVG that is opened by itself; it may style itself."""

_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Guard:
    """ASGI middleware: refuses other hosts and other methods than GET and HEAD, adds the headers. To paths in `posts` (those that end in "/" stand
    for all below them) POST goes too, from no page of another site."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = (), posts: Iterable[str] = ()):
        self.app = app
        self._posts = tuple(posts)
        self._hosts = {*_LOOPBACK, *(host.lower() for host in hosts)}
        # Whoever listens on an address that others can reach is reached by that address: a number is no rebound name.
        self._numbers = any(not is_loopback(host) for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if not self.allows(Headers(scope=scope).get("host", "")):
            refused = PlainTextResponse("This server answers only to the name of the machine it runs on.\n", 421)
            await refused(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD"):
            if not (scope["method"] == "POST" and self._takes(scope["path"])):
                await PlainTextResponse("Only GET.\n", 405)(scope, receive, send)
                return
            if not same_site(Headers(scope=scope)):
                await PlainTextResponse("A page of another site may not ask this server.\n", 403)(scope, receive, send)
                return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("content-security-policy", POLICY)
            await send(message)

        await self.app(scope, receive, send_guarded)

    def allows(self, host: str) -> bool:
        """Whether a Host header names this machine."""
        name = _without_port(host.strip().lower())
        return name in self._hosts or (self._numbers and _is_number(name))

    def _takes(self, path: str) -> bool:
        return any(path == post or (post.endswith("/") and path.startswith(post)) for post in self._posts)


def same_site(headers: Headers) -> bool:
    """Whether a request comes from a page of this server, or from no page at all.

    Browsers send `Origin` with every POST, programs none. What a browser says in `Sec-Fetch-Site` no page can change, and forms of pages that send no
    referrer have the origin `null`.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "")
    if site not in ("", "same-origin", "none"):
        return False
    if origin is None or (origin == "null" and site == "same-origin"):
        return True
    return origin.partition("://")[2].lower() == headers.get("host", "").strip().lower()


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") < 2 else host


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    return host in _LOOPBACK or (_is_number(host) and ipaddress.ip_address(host).is_loopback)
