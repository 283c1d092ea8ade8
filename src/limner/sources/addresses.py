"""Which network addresses may be connected to, checked on the very address that is connected to.

A page can name `http://169.254.169.254/`, or a name that resolves to a public address when looked at and to a private
one when connected to. So the check sits where the connection is made: the name is resolved once, every address that is
not public is left out, and the connection goes to one that is left.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, cast

import httpcore
import httpx

from limner.errors import SourceError

PRIVATE = (
    "not an address of the public internet; --allow-private, or allow_private = true in a plan's [source.fetch], "
    "allows private addresses"
)


class RefusedError(SourceError):
    """A URL or an address that is not fetched from."""


def is_public(address: str) -> bool:
    """Whether `address` is a unicast address of the public internet. IPv6 addresses that carry an IPv4 address
    (mapped, 6to4, NAT64) count as what they carry.

    >>> [is_public(a) for a in ("93.184.216.34", "10.0.0.1", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1")]
    [True, False, False, False, False]
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.teredo or ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def allowed(found: Iterable[tuple[Any, ...]], host: str) -> list[str]:
    """Of what `getaddrinfo` found, the public addresses; raises `RefusedError` where there is none."""
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    public = [address for address in addresses if is_public(address)]
    if not public:
        where = f"{addresses[0]}, " if addresses and addresses[0] != host else ""
        raise RefusedError(f"{host} is {where}{PRIVATE}")
    return public


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects as httpcore does, to public addresses only."""

    def __init__(self) -> None:
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} has no address: {error}") from None
        return await self._first(allowed(found, host), port, timeout, local_address, socket_options)

    async def _first(
        self, addresses: Sequence[str], port: int, timeout: float | None, local: str | None, options: Any
    ) -> httpcore.AsyncNetworkStream:
        last: Exception | None = None
        for address in addresses[:4]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local, options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError("no address")

    async def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None):
        raise RefusedError("a socket of this machine is not fetched from")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _SyncBackend(httpcore.NetworkBackend):
    """The same, for one connection at a time."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} has no address: {error}") from None
        return self._inner.connect_tcp(allowed(found, host)[0], port, timeout, local_address, socket_options)

    def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None):
        raise RefusedError("a socket of this machine is not fetched from")


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: Any):
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


class _SyncBody(httpx.SyncByteStream):
    def __init__(self, stream: Any):
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        self._stream.close()


class PublicTransport(httpx.AsyncBaseTransport):
    """An httpx transport that connects to public addresses only (to any with `allow_private`)."""

    def __init__(self, allow_private: bool = False, connections: int = 64):
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=30,
            network_backend=None if allow_private else _Backend(),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`; httpcore's exceptions pass as they are."""
        response = await self._pool.handle_async_request(_core(request))
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response.stream))

    async def aclose(self) -> None:
        await self._pool.aclose()


class PublicSyncTransport(httpx.BaseTransport):
    """`PublicTransport` for synchronous clients."""

    def __init__(self, allow_private: bool = False):
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            network_backend=None if allow_private else _SyncBackend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`; httpcore's exceptions pass as they are."""
        response = self._pool.handle_request(_core(request))
        return httpx.Response(response.status, headers=response.headers, stream=_SyncBody(response.stream))

    def close(self) -> None:
        self._pool.close()


def _core(request: httpx.Request) -> httpcore.Request:
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        ),
        headers=request.headers.raw,
        content=cast("Any", request.stream),
        extensions=request.extensions,
    )
