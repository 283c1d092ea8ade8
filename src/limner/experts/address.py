"""Addresses of experts: `scheme:rest`, resolved for a port by a table of lazy entry points.

A port is one job ("safety", "encoder", ...). Who serves it under which scheme stands in `TABLE`, comes from another
package's entry points (group `limner.experts`, name `PORT.SCHEME`, value `module:callable`), or is registered in this
process. The callable takes the rest of the address and returns the expert; nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from limner.errors import ExpertError, LimnerError

GROUP = "limner.experts"

TABLE: dict[tuple[str, str], str] = {
    ("safety", "bundled"): "limner.experts.safety:bundled",
    ("safety", "onnx"): "limner.experts.safety:from_onnx",
    ("safety", "hf"): "limner.experts.safety:from_hub",
    ("ocr", "bundled"): "limner.experts.ocr:bundled",
    ("transcriber", "bundled"): "limner.experts.transcriber_whisper:bundled",
    ("transcriber", "hf"): "limner.experts.transcriber_hf:from_hub",
    ("transcriber", "openai"): "limner.experts.transcriber_openai:served",
    ("extractor", "bundled"): "limner.experts.extractor:bundled",
    ("extractor", "hf"): "limner.experts.extractor_hf:from_hub",
    ("extractor", "trafilatura"): "limner.experts.extractor:from_trafilatura",
    ("language", "bundled"): "limner.experts.language_local:bundled",
    ("language", "hf"): "limner.experts.language_local:from_hub",
    ("language", "run"): "limner.write.generating:from_run",
    ("language", "openai"): "limner.experts.language_openai:served",
    ("text", "bundled"): "limner.experts.text_encoder:bundled",
    ("text", "hf"): "limner.experts.text_encoder:from_hub",
    ("image", "bundled"): "limner.experts.image_encoder:bundled",
    ("image", "hf"): "limner.experts.image_encoder:from_hub",
    ("reranker", "hf"): "limner.experts.reranker:from_hub",
    ("reranker", "language"): "limner.experts.reranker:by_language",
    ("generator", "bundled"): "limner.models.paint:bundled",
    ("generator", "hf"): "limner.experts.generator:from_hub",
    ("generator", "openai"): "limner.experts.generator:served",
    ("judge", "bundled"): "limner.write.judged:bundled",
    ("judge", "language"): "limner.experts.judge:by_language",
    ("captioner", "bundled"): "limner.experts.imagenet:captioner",
    ("captioner", "openai"): "limner.experts.captioner:served",
    ("detector", "bundled"): "limner.experts.imagenet:detector",
    ("detector", "hf"): "limner.experts.detector:from_hub",
    ("encoder", "bundled"): "limner.experts.imagenet:encoder",
    ("encoder", "onnx"): "limner.experts.encoder:from_onnx",
    ("encoder", "hf"): "limner.experts.encoder:from_hub",
}

Factory = Callable[[str], Any]

_registered: dict[tuple[str, str], Factory] = {}


def register(port: str, scheme: str) -> Callable[[Factory], Factory]:
    """Let a callable serve `scheme:` addresses of `port` in this process, before whatever else would."""

    def take(factory: Factory) -> Factory:
        _registered[port, scheme] = factory
        resolve.cache_clear()
        return factory

    return take


@cache
def resolve(port: str, address: str) -> Any:
    """The expert that serves `port` at `address`, made once a process.

    Raises `ExpertError` for an address without a scheme, or one that nobody serves; `MissingExtra` where packages are.
    """
    scheme, colon, rest = address.partition(":")
    if not colon or not rest:
        raise ExpertError(f"{address!r} is not an address of the port {port!r}: write {_choices(port)}")
    factory = _registered.get((port, scheme)) or _load(port, scheme)
    if factory is None:
        raise ExpertError(f"nothing serves {port!r} at {scheme!r}: write {_choices(port)}")
    return factory(rest)


def check(port: str, address: str) -> None:
    """Raise `ExpertError` where nothing could serve `port` at `address`, saying what does; nothing is loaded."""
    known = {name for name, _ in (*TABLE, *_registered)} | {name.partition(".")[0] for name in _points()}
    if port not in known:
        raise ExpertError(f"there is no port {port!r}; there are {', '.join(sorted(known))}")
    scheme, _, rest = address.partition(":")
    served = (port, scheme) in TABLE or (port, scheme) in _registered or f"{port}.{scheme}" in _points()
    if not rest or not served:
        raise ExpertError(f"nothing serves {port!r} at {address!r}: write {_choices(port)}")


def openai(rest: str) -> tuple[str, str]:
    """The model and the URL in the rest of an address `openai:MODEL@URL`.

    >>> openai("qwen3-vl@http://127.0.0.1:8000/v1")
    ('qwen3-vl', 'http://127.0.0.1:8000/v1')
    """
    model, at, url = rest.partition("@")
    if not at or not model or not url.startswith(("http://", "https://")):
        raise ExpertError(f"'openai:{rest}' is not openai:MODEL@URL, as in openai:qwen3-vl@http://127.0.0.1:8000/v1")
    return model, url


def _load(port: str, scheme: str) -> Factory | None:
    target = TABLE.get((port, scheme))
    if target:
        module, _, name = target.partition(":")
        return getattr(importlib.import_module(module), name)
    point = _points().get(f"{port}.{scheme}")
    if point is None:
        return None
    try:
        return point.load()
    except LimnerError:
        raise
    except Exception as error:  # whatever another package does on import, say which one
        raise ExpertError(f"the expert {point.name!r} ({point.value}) does not load: {error}") from error


@cache
def _points() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _choices(port: str) -> str:
    known = {scheme for name, scheme in (*TABLE, *_registered) if name == port}
    known |= {name.partition(".")[2] for name in _points() if name.partition(".")[0] == port}
    return " or ".join(f"{scheme}:..." for scheme in sorted(known)) or "none: no package serves this port"
