"""OpenAI messages: JSON lines of `messages` whose content has parts of text and images.

Schema: https://developers.openai.com/api/docs/guides/vision-fine-tuning ("Data format"): a line is an object with
`messages`; a message has `role` and `content`, text or a list of `{"type": "text", "text": …}` and `{"type":
"image_url", "image_url": {"url": …}}` with the address of an image or a data: URL. Images are JPEG, PNG or WEBP, and
never the assistant's.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any, ClassVar

from limner.corpus.probe import mime
from limner.document import Document, Image, Part, Text, document_id
from limner.errors import FormatError, LimnerError
from limner.formats.fileformat import Bad, FileFormat
from limner.formats.folder import Folder
from limner.formats.format import Read
from limner.formats.lines import lines
from limner.formats.output import Item, Shard
from limner.formats.sequence import attached
from limner.formats.sidecar import Sidecar, SidecarWriter
from limner.formats.turns import collect, turns
from limner.formats.values import dumps, facts, is_web, items, loads, record, text
from limner.sources.attach import decode_data_uri

BESIDE = ".limner"
KINDS = frozenset(("image/jpeg", "image/png", "image/webp"))
_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system", "tool": "user"}


class OpenAI(FileFormat):
    """One line a document: the user shows the images, as data: URLs, the assistant says the text below them. A line has
    nothing but `messages`, for OpenAI refuses other entries; limner's own documents lie in a file beside, and so do the files
    of media that no line can hold."""

    name = "openai"
    description = "OpenAI messages: JSON lines with text and images as data: URLs"
    published = "https://developers.openai.com/api/docs/guides/vision-fine-tuning"
    holds: ClassVar = frozenset({"breaks", "unstored"})
    also: ClassVar = (
        "images that OpenAI does not take (not JPEG, PNG or WEBP) and that have no address on the web are left out",
        "images that are not stored and have no address on the web are left out",
        "stored files of images that go by their address, and of sounds, videos and models",
    )
    suffixes: ClassVar = (".jsonl", ".jsonl.gz")
    shard_size: ClassVar = 1_000

    def write(self, shard: Shard, items: Iterator[Item]) -> None:
        """One file, `messages-00000.jsonl`."""
        name = f"messages-{shard.label}.jsonl"
        path = shard.path(name)
        with open(path, "wb") as file, SidecarWriter(path.with_name(name + BESIDE), shard.own) as beside:
            for item in items:
                line = dumps({"messages": to_messages(item)}).encode("utf-8", "replace")
                self._count(item, shard)
                files = shard.store(_not_in_line(item), f"media/{shard.label}") if shard.own else {}
                beside.add(hashlib.sha256(line).hexdigest(), item.document, files)
                file.write(line + b"\n")

    def _count(self, item: Item, shard: Shard) -> None:
        shown = _shown(item)
        for image in item.document.images:
            if image.ref in item.media and image.ref not in shown and not is_web(image.url):
                shard.tally.lose(self.also[0])
            elif image.ref not in item.media and not is_web(image.url):
                shard.tally.lose(self.also[1])
        left = {i.ref for i in item.document.images if not is_web(i.url)} | shown
        shard.tally.lose(self.also[2], len(item.media.keys() - left))

    def rows(self, folder: Folder, name: str) -> Iterator[Read | Bad]:
        """The documents of a file."""
        beside = Sidecar(folder, name + BESIDE)
        for ordinal, (where, line) in enumerate(lines(folder, name)):
            try:
                if isinstance(line, Bad):
                    yield line
                    continue
                found = self._document(folder, name, ordinal, record(loads(line)))
                kept = beside.find(hashlib.sha256(line).hexdigest())
                if kept:
                    found = kept.document, {**found[1], **dict(folder.stored(kept.files, name))}
                yield found
            except LimnerError as error:
                yield Bad(where, error)

    def _document(self, folder: Folder, name: str, ordinal: int, row: dict[str, Any]) -> Read:
        if "messages" not in row:
            raise FormatError("it has no messages")
        media: dict[str, bytes] = {}
        said: list[tuple[str, list[Part]]] = []
        number = 0
        for entry in items(row["messages"], "messages"):
            message = record(entry, "a message")
            content = message.get("content")
            given = [{"type": "text", "text": content}] if isinstance(content, str) else items(content, "content")
            parts: list[Part] = []
            for piece in given:
                if part := _part(record(piece, "content"), number, media):
                    parts.append(part)
                    number += 1
            said.append((_ROLES.get(text(message.get("role")), "user"), parts))
        all_parts, meta = collect(said)
        source = f"{folder.label}/{name}"
        known = ("messages", "tools", "parallel_tool_calls")
        meta |= facts({k: v for k, v in row.items() if k not in known})
        return Document(document_id(source, ordinal), all_parts, source, meta=meta), media


def _shown(item: Item) -> set[str]:
    """The files of a document that stand in its line."""
    return {image.ref for image in item.document.images if mime(item.media.get(image.ref, b"")) in KINDS}


def _not_in_line(item: Item) -> Item:
    shown = _shown(item)
    return Item(item.document, {ref: data for ref, data in item.media.items() if ref not in shown})


def to_messages(item: Item) -> list[dict[str, Any]]:
    """The messages of a document."""
    messages: list[dict[str, Any]] = []
    for turn in turns(item.document, lambda image: _address(image, item, whole=False)):
        content: list[dict[str, Any]] = []
        for part in turn.said:
            if isinstance(part, Image):
                content.append({"type": "image_url", "image_url": {"url": _address(part, item)}})
            else:
                content.append({"type": "text", "text": part if isinstance(part, str) else part.text})
        messages.append({"role": turn.speaker, "content": content})
    return messages


def _address(image: Image, item: Item, *, whole: bool = True) -> str:
    """The URL of an image, "" where it has none; its beginning will do where it need not be `whole`."""
    data = item.media.get(image.ref)
    kind = mime(data) if data is not None else ""
    if data is not None and kind in KINDS:
        return f"data:{kind};base64,{base64.b64encode(data).decode() if whole else ''}"
    return image.url if is_web(image.url) else ""


def _part(piece: dict[str, Any], n: int, media: dict[str, bytes]) -> Part | None:
    kind = piece.get("type")
    if kind in ("text", "input_text", "output_text"):
        return Text(n, text(piece.get("text")))
    if kind in ("image_url", "input_image"):
        given = piece.get("image_url")
        address = text(given.get("url") if isinstance(given, dict) else given)
        if address[:5].lower() == "data:":
            return attached(Image(n), decode_data_uri(address), media)
        return Image(n, url=address)
    return None
