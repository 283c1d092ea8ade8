"""A real web server on 127.0.0.1 whose pages a test writes, a sink that holds media, and pictures to put in both."""

from __future__ import annotations

import http.server
import io
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from PIL import Image as Picture

from limner.corpus.media import MediaInfo
from limner.corpus.probe import probe

WORDS = "The crop tool cuts an image down to the part that is wanted, and its options say how large that part may be. "


def page(body: str = "", head: str = "", title: str = "A page") -> str:
    """A page with enough text to be one."""
    main = f"<h1>{title}</h1><p>{WORDS * 3}</p>{body}<p>{WORDS * 2}</p>"
    return f"<!doctype html><html lang=en><head><title>{title}</title>{head}</head><body><main>{main}</main></body></html>"


def png(width: int = 40, height: int = 30, colour: str = "red") -> bytes:
    """A picture."""
    out = io.BytesIO()
    Picture.new("RGB", (width, height), colour).save(out, "png")
    return out.getvalue()


def noise(width: int, height: int) -> bytes:
    """A picture that does not compress: longer than what pages use for placeholders."""
    out = io.BytesIO()
    Picture.effect_noise((width, height), 90).save(out, "png")
    return out.getvalue()


class Held:
    """Media in memory, and what could not be read."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.rejects: list[tuple[str, str]] = []

    def put(self, data: bytes) -> MediaInfo:
        info = probe(data)
        self.files[info.ref] = data
        return info

    def reject(self, input: str, location: str, error: BaseException) -> None:
        self.rejects.append((input, str(error)))


@dataclass
class Request:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    at: float


@dataclass
class Reply:
    """What to answer: a body, or pieces with a pause before each."""

    body: bytes | str | Iterable[bytes] = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0


Answer = Reply | str | bytes | Callable[[Request], Reply]


class Site:
    """Routes by path; anything else is 404. `seen` has every request."""

    def __init__(self, url: str):
        self.url = url
        self.routes: dict[str, Answer] = {}
        self.seen: list[Request] = []

    def __setitem__(self, path: str, answer: Answer) -> None:
        self.routes[path] = answer

    def asked(self, path: str) -> list[Request]:
        """The requests for `path`."""
        return [request for request in self.seen if request.path == path]


@contextmanager
def serving() -> Iterator[Site]:
    """A site on a free port of 127.0.0.1."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, time.monotonic())
            site.seen.append(request)
            answer = site.routes.get(self.path, Reply("nothing here", 404))
            reply = answer(request) if callable(answer) else answer if isinstance(answer, Reply) else Reply(answer)
            body = reply.body.encode() if isinstance(reply.body, str) else reply.body
            self.send_response(reply.status)
            headers = {"Content-Type": "text/html", **reply.headers}
            whole = isinstance(body, bytes)
            headers |= {"Content-Length": str(len(body))} if whole else {"Connection": "close"}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in [body] if whole else body:
                    if reply.pause:
                        time.sleep(reply.pause)
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                self.close_connection = True
            if not whole:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """A client that goes away is part of some tests."""

    server = Server(("127.0.0.1", 0), Handler)
    site = Site(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
