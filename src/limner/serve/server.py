"""Running the pages: a server on this machine, until interrupted; or every kind of page once, for scripts."""

from __future__ import annotations

import errno
import socket
import threading
import time
import webbrowser
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

from limner.corpus import Corpus
from limner.errors import LimnerError, MissingExtra
from limner.search import Search

PORT = 8_350


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens; without a port, on 8350 or, where that is taken, on any free one."""
    last: OSError | None = None
    for wanted in (port,) if port is not None else (PORT, 0):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, wanted))
            listener.listen(128)
        except (OSError, OverflowError) as error:
            listener.close()
            last = error if isinstance(error, OSError) else OSError(str(error))
            continue
        return listener
    if last is not None and last.errno == errno.EADDRINUSE:
        raise LimnerError(f"port {port} of {host} is taken: give another --port, or none for any that is free")
    raise LimnerError(f"cannot listen on {host}: {last}")


def address(listener: socket.socket) -> str:
    """The URL of what listens there; where that is every address of this machine, by the one that others reach it at."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = _outward(listener.family) or "127.0.0.1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _outward(family: int) -> str:
    """The address this machine would send from, "" where it has none. No packet is sent (the target is one for
    documentation, RFC 5737 and RFC 3849)."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("2001:db8::1" if family == socket.AF_INET6 else "192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


@contextmanager
def serving(corpus: Corpus, host: str = "127.0.0.1", port: int | None = None) -> Generator[str]:
    """Serve a corpus's pages in a thread for the length of a `with` block; gives the URL."""
    with running(_pages(corpus, host), host, port) as url:
        yield url


@contextmanager
def running(app: Any, host: str = "127.0.0.1", port: int | None = None) -> Generator[str]:
    """Serve an ASGI application in a thread for the length of a `with` block; gives the URL."""
    listener = listen(host, port)
    server = _server(app)
    thread = threading.Thread(target=server.run, args=([listener],), name="limner-view", daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield address(listener)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def view(corpus: Corpus, host: str, port: int | None, ready: Callable[[str], None], browse: bool = False) -> None:
    """Serve a corpus's pages until interrupted; `ready` hears the URL, `browse` opens it in a browser."""
    run(lambda: _pages(corpus, host), host, port, ready, browse)


def serve(
    search: Search, writer: str, host: str, port: int | None, key: str, ready: Callable[[str], None], browse: bool = False
) -> None:
    """Serve pages, search, answers and OpenAI's interface of an indexed corpus until interrupted."""

    def app() -> Any:
        try:
            from limner.serve.api import served
        except ImportError as error:
            raise MissingExtra("serve", error.name or "fastapi", "limner serve") from None
        return served(search, writer, [host], key)

    run(app, host, port, ready, browse)


def run(app: Callable[[], Any], host: str, port: int | None, ready: Callable[[str], None], browse: bool = False) -> None:
    """Serve what `app` makes until interrupted."""
    listener = listen(host, port)
    server = _server(app())
    url = address(listener)
    ready(url)
    if browse:
        threading.Timer(0.5, webbrowser.open, [url]).start()
    with suppress(KeyboardInterrupt):
        server.run([listener])
    listener.close()


def _pages(corpus: Corpus, host: str) -> Any:
    try:
        from limner.serve.app import application
    except ImportError as error:
        raise MissingExtra("serve", error.name or "starlette", "limner view") from None
    return application(corpus, [host])


def _server(app: Any) -> Any:
    try:
        import uvicorn
    except ImportError:
        raise MissingExtra("serve", "uvicorn", "serving pages") from None
    return uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="on"))


def once(corpus: Corpus) -> list[tuple[str, int, int]]:
    """Ask a server of our own for every kind of page once: path, status, bytes. For scripts and continuous integration."""
    import httpx

    paths = ["/", "/documents", "/statistics", "/ledger", "/rejects", "/card"]
    first = next(iter(corpus), None)
    if first is not None:
        paths.append(f"/d/{quote(first.id, safe='')}?dropped=1")
    found: list[tuple[str, int, int]] = []
    with serving(corpus, port=0) as url, httpx.Client(base_url=url, timeout=600, trust_env=False) as client:
        for path in paths:
            answer = client.get(path)
            found.append((path, answer.status_code, len(answer.content)))
    return found
