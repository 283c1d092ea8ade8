"""`limner extract`: pages to documents, one line each, without a corpus."""

from __future__ import annotations

import signal
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, NamedTuple

import click

from limner.cli.options import allow_private, by_port, experts
from limner.document import Document
from limner.errors import LimnerError, SourceError


class _Job(NamedTuple):
    target: str
    url: str
    extractor: str
    allow_private: bool
    experts: dict[str, str]


@click.command("extract", epilog="Exit status 1 where an input could not be read; the others are still printed.")
@click.argument("inputs", nargs=-1, required=True, metavar="FILE|URL...")
@click.option("--url", default="", metavar="U", help="Where the pages are from: makes the addresses of images absolute.")
@click.option("--extractor", default="bundled:lexbor", show_default=True, metavar="ADDRESS", help="Which extractor.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="How many processes.")
@experts
@allow_private
@click.option("--json", "as_json", is_flag=True, help="One JSON line for each input, in order.")
def command(
    inputs: tuple[str, ...],
    url: str,
    extractor: str,
    workers: int,
    experts: tuple[str, ...],
    allow_private: bool,
    as_json: bool,
) -> None:
    """Print the main content of pages: text and images in reading order.

    A FILE may be gzip, and `-` is standard input. A URL is fetched politely, and kept in limner's cache.

    \b
    limner extract page.html
    limner extract --json site/*.html > pages.jsonl
    limner extract http://wiki.intranet/page --allow-private
    curl -s https://example.org/ | limner extract - --url https://example.org/ --json
    """
    from limner.sources.locate import check_settings

    failed = 0
    asked = by_port(experts)
    check_settings({"experts": asked})
    jobs = [_Job(target, url, extractor, allow_private, asked) for target in inputs]
    for line, ok in _ordered(jobs, workers, as_json):
        failed += not ok
        if ok or as_json:
            sys.stdout.write(line + "\n")
        else:
            click.echo(f"limner: {line}", err=True)
        if not as_json or sys.stdout.isatty():
            sys.stdout.flush()
    sys.stdout.flush()
    if failed:
        sys.exit(1)


def _ordered(jobs: list[_Job], workers: int, as_json: bool) -> Iterator[tuple[str, bool]]:
    work = _json_line if as_json else _page
    if workers == 1 or len(jobs) == 1:
        yield from map(work, jobs)
        return
    # Ctrl-C ends the run from here; a worker must not tell of it too.
    with ProcessPoolExecutor(workers, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)) as pool:
        waiting: deque[Future[tuple[str, bool]]] = deque()
        for job in jobs:
            # A bounded queue: output streams, and no more than a few results wait for a slow one.
            if len(waiting) >= 16 * workers:
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, job))
        while waiting:
            yield waiting.popleft().result()


def _json_line(job: _Job) -> tuple[str, bool]:
    import orjson

    try:
        return "\n".join(_dumps(orjson, as_row(document)) for document in _documents(job)), True
    except Exception as error:  # noqa: BLE001 - whatever one hostile page does, the others are still printed
        return _dumps(orjson, {"error": _message(error), "input": job.target}), False


def _dumps(orjson: Any, row: dict[str, Any]) -> str:
    try:
        return orjson.dumps(row).decode()
    except TypeError:  # a lone surrogate, which UTF-8 does not have
        import json

        return json.dumps(row)


def _page(job: _Job) -> tuple[str, bool]:
    import shutil

    from limner.document.render import terminal

    try:
        width = min(shutil.get_terminal_size().columns, 100)
        return "\n\n".join(terminal(document, width) for document in _documents(job)), True
    except Exception as error:  # noqa: BLE001 - as above
        return _message(error), False


def _message(error: Exception) -> str:
    return " ".join(str(error).split()) if isinstance(error, LimnerError) else f"{type(error).__name__}: {error}"


def as_row(document: Document) -> dict[str, Any]:
    """The document as `limner extract --json` prints it: `ref` of an image is where it is while it is not stored."""
    from limner.document.jsonform import part_to_dict

    parts: list[dict[str, Any]] = []
    for part in document.parts:
        row = part_to_dict(part)
        if row["type"] != "text":
            row["ref"] = row.get("ref") or row.get("url") or row.get("place", "")
            row.setdefault("alt", "")
        parts.append(row)
    row = {"id": document.id, "url": document.url, "title": document.title, "language": document.language}
    return {**row, "meta": dict(document.meta), "parts": parts}


def _documents(job: _Job) -> Iterator[Document]:
    return map(_with_language, _read(job))


def _with_language(document: Document) -> Document:
    """The document with the language of its text where its page says none, as a build has it."""
    if document.language:
        return document
    from limner.curate.identify import identify, long_enough
    from limner.curate.language import LanguageFilter, running_text

    text = running_text(document, LanguageFilter.sample)
    return document.evolve(language=identify(text)[0]) if long_enough(text, LanguageFilter.min_letters) else document


def _read(job: _Job) -> Iterable[Document]:
    from limner.document import document_id
    from limner.sources.files import MAX_PAGE
    from limner.sources.kinds import LIMITS, Page, documents

    if job.target.startswith(("http://", "https://")):
        return list(_from_web(job))
    data = _bytes(job.target, max(MAX_PAGE, *LIMITS.values()))
    name = "stdin.html" if job.target == "-" else job.target
    page = Page(data, name, document_id(job.url or name), job.url, extractor=job.extractor, experts=job.experts)
    return list(documents(page, limit=MAX_PAGE))


def _bytes(target: str, limit: int) -> bytes:
    try:
        if target == "-":
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with open(target, "rb") as file:
                data = file.read(limit + 1)
    except OSError as error:
        raise SourceError(f"{target}: {error.strerror or error}") from None
    if len(data) > limit:
        raise SourceError(f"{target}: more than {limit} bytes, too much for one page")
    return data


def _from_web(job: _Job) -> Iterable[Document]:
    from limner.sources.fetch import FetchSettings
    from limner.sources.source import Input
    from limner.sources.urls import UrlSource

    settings = FetchSettings(allow_private=job.allow_private)
    source = UrlSource(urls=(job.target,), settings=settings, extractor=job.extractor, experts=job.experts)
    inputs: list[Input] = list(source.inputs())
    source.fetch(inputs, lambda _: None)
    for input in inputs:
        yield from source.pages(input)
