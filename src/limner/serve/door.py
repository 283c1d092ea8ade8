"""Who may ask, and how much: a key, and bodies that are bounded in bytes and time."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner.serve.errors import problem

BYTES = 12 << 20
"""Of a body: a picture of 8 MiB in base64, and words."""

SECONDS = 30.0
"""In which a body must have come."""


class Door:
    """ASGI middleware: asks for the key where there is one (as a bearer token, or as the password of a browser's own dialogue; paths in `free` need
    none), and reads bodies before the application sees them."""

    def __init__(self, app: ASGIApp, key: str = "", most: int = BYTES, seconds: float = SECONDS, free: Iterable[str] = ()):
        self.app, self._key, self._most, self._seconds = app, key, most, seconds
        self._free = frozenset(free)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self._key and scope["path"] not in self._free and not self._opens(headers.get("authorization", "")):
            refused = problem(401, "a key is needed: Authorization: Bearer KEY", "invalid_api_key")
            refused.headers["www-authenticate"] = 'Basic realm="limner: any name, the key as password"'
            await refused(scope, receive, send)
            return
        if scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        length = headers.get("content-length", "0")
        try:
            large = not length.isascii() or not length.isdigit() or len(length) > 15 or int(length) > self._most
            body = None if large else await asyncio.wait_for(self._read(receive), self._seconds)
        except TimeoutError:
            await problem(408, f"the body did not come in {self._seconds:.0f} s", "request_timeout")(scope, receive, send)
            return
        if body is None:
            await problem(413, f"a body has at most {self._most:,} bytes", "request_too_large")(scope, receive, send)
            return
        told = False

        async def again() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The body, None where it is too long."""
        pieces: list[bytes] = []
        total = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return b""  # gone; what answers will find that out
            pieces.append(message.get("body", b""))
            total += len(pieces[-1])
            if total > self._most:
                return None
            if not message.get("more_body"):
                return b"".join(pieces)

    def _opens(self, given: str) -> bool:
        way, _, secret = given.partition(" ")
        if way.lower() == "basic":
            try:
                secret = base64.b64decode(secret, validate=True).decode("utf-8").partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return False
        elif way.lower() != "bearer":
            return False
        return hmac.compare_digest(secret.strip().encode(), self._key.encode())
