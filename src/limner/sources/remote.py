"""One way to open a file for reading from some offset on: on disk, over HTTP by range requests, or at any address
that fsspec knows (`s3://`, `gs://`, ...)."""

from __future__ import annotations

import io
import time
from typing import IO, Any, cast

import fsspec
import httpcore
import httpx

from limner.corpus.store import missing_package
from limner.errors import SourceError
from limner.sources.addresses import PublicSyncTransport

_TRIES = 4
_AGENT = "limner (document reader)"


def open_binary(location: str, *, allow_private: bool = False) -> IO[bytes]:
    """A seekable stream of the bytes at `location`; seeking forward or back costs one request where it is remote.
    Raises `SourceError` where there is nothing to open."""
    if location.startswith(("http://", "https://")):
        return io.BufferedReader(HttpFile(location, allow_private), 1 << 18)
    if "://" in location:
        return _stored(location)
    try:
        return open(location, "rb")
    except (OSError, ValueError) as error:
        raise SourceError(f"{location}: cannot be opened: {error}") from None


def _stored(location: str) -> IO[bytes]:
    try:
        return cast("IO[bytes]", cast("Any", fsspec).open(location, "rb").open())
    except ImportError as error:
        raise missing_package(location, error) from None
    except Exception as error:  # noqa: BLE001 - each store's library has errors of its own (no credentials, no such bucket)
        raise SourceError(f"{location}: cannot be opened: {error}; check its name and your credentials") from None


def stamp(location: str, *, allow_private: bool = False) -> tuple[int, str]:
    """The size in bytes of what is at `location` and a mark that changes when it does (a time or an ETag)."""
    with open_binary(location, allow_private=allow_private) as file:
        if isinstance(file, io.BufferedReader) and isinstance(file.raw, HttpFile):
            return file.raw.size, file.raw.mark
        size = file.seek(0, io.SEEK_END)
    if "://" in location:
        return size, ""
    import os

    return size, str(os.stat(location).st_mtime_ns)


class HttpFile(io.RawIOBase):
    """A file over HTTP, read in order from where `seek` put it. A connection that breaks is taken up again where it
    broke. Needs a server that knows range requests only when it seeks or resumes."""

    def __init__(self, url: str, allow_private: bool = False):
        super().__init__()
        self._url = url
        self._client = httpx.Client(
            transport=PublicSyncTransport(allow_private),
            timeout=httpx.Timeout(30),
            trust_env=False,
            max_redirects=5,
            headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"},
        )
        self._at = 0
        self._response: httpx.Response | None = None
        self._pieces: Any = None
        self._left = b""
        self.size, self.mark = self._probe()

    def _probe(self) -> tuple[int, str]:
        response = self._get(0)
        size = int(response.headers.get("content-range", "*/-1").rpartition("/")[2].replace("*", "-1"))
        if response.status_code == 200:
            size = int(response.headers.get("content-length", "-1"))
        self._take(response)
        return size, response.headers.get("etag") or response.headers.get("last-modified") or ""

    def _get(self, start: int) -> httpx.Response:
        url, last = self._url, ""
        for attempt in range(_TRIES):
            try:
                request = self._client.build_request("GET", url, headers={"Range": f"bytes={start}-"})
                response = self._client.send(request, stream=True, follow_redirects=True)
                if response.status_code in (200, 206) and (response.status_code == 206 or not start):
                    return response
                response.close()
                last = f"status {response.status_code}" + (" (no range requests)" if response.is_success else "")
                if response.status_code < 500 and response.status_code != 429:
                    break
            except (httpx.HTTPError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
                last = str(error) or type(error).__name__
            time.sleep(min(2**attempt * 0.5, 8) if attempt < _TRIES - 1 else 0)
        raise SourceError(f"{self._url}: cannot be read: {last}")

    def _take(self, response: httpx.Response) -> None:
        if self._response is not None:
            self._response.close()
        self._response, self._pieces, self._left = response, response.iter_raw(1 << 17), b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END and self.size < 0:
            raise OSError(f"{self._url}: its server does not say how long it is")
        to = offset + (0, self._at, self.size)[whence]
        if to != self._at:
            if self._response is not None:
                self._response.close()
            self._response, self._pieces, self._left, self._at = None, None, b"", max(to, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        if not self._left and (self.size < 0 or self._at < self.size):
            self._left = self._next()
        n = min(len(buffer), len(self._left))
        buffer[:n] = self._left[:n]
        self._left = self._left[n:]
        self._at += n
        return n

    def _next(self) -> bytes:
        for _ in range(_TRIES):
            if self._response is None:
                self._take(self._get(self._at))
            try:
                piece = next(self._pieces, b"")
            except (httpx.HTTPError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError):
                piece = b""
            if piece or self.size < 0 or self._at >= self.size:
                return piece
            if self._response is not None:
                self._response.close()
            self._response = None
        raise SourceError(f"{self._url}: broke off at byte {self._at} of {self.size}, again and again")

    def close(self) -> None:
        if not self.closed:
            if self._response is not None:
                self._response.close()
            self._client.close()
        super().close()
