"""LLaVA and ShareGPT conversations: a JSON array of `conversations` in which `<image>` stands for an image of a folder.

Schema: https://github.com/haotian-liu/LLaVA/blob/main/docs/Finetune_Custom_Data.md (`id`, `image`, `conversations` of
`from` human or gpt and `value`); several images are a list under `image`, as LLaVA-NeXT reads it (`_get_item` in
llava/train/train.py of https://github.com/LLaVA-VL/LLaVA-NeXT), or under `images`, as LLaMA-Factory does
(https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, ClassVar

from limner.document import Document, Image, Part, Text, document_id
from limner.errors import FormatError
from limner.formats import own
from limner.formats.fileformat import Bad, FileFormat
from limner.formats.folder import Folder
from limner.formats.format import Read
from limner.formats.lines import documents, json_rows
from limner.formats.output import Item, Shard
from limner.formats.sequence import attached
from limner.formats.turns import Turn, collect, turns
from limner.formats.values import dumps, facts, is_web, items, record, text

PLACEHOLDER = "<image>"
_SPEAKERS = {
    "human": "user", "user": "user", "observation": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant",
    "function_call": "assistant", "system": "system",
}  # fmt: skip
_NAMES = {"user": "human", "assistant": "gpt", "system": "system"}
_KNOWN = ("id", "image", "images", "conversations", "messages", "system", "limner")


class Llava(FileFormat):
    """One sample a document: the user shows the images, the assistant says the text below them. A document that came
    from a conversation keeps its turns. limner's own field is one more entry."""

    name = "llava"
    description = "LLaVA / ShareGPT: JSON conversations with <image>, and a folder of images"
    published = "https://github.com/haotian-liu/LLaVA/blob/main/docs/Finetune_Custom_Data.md"
    holds: ClassVar = frozenset({"breaks", "id"})
    also: ClassVar = (
        "paragraphs of one turn are joined",
        "<image> in a text is written as < image >",
    )
    suffixes: ClassVar = (".json", ".jsonl", ".jsonl.gz")

    def write(self, shard: Shard, items: Iterator[Item]) -> None:
        """One array, `conversations-00000.json`, and its images in `images/00000`."""
        with open(shard.path(f"conversations-{shard.label}.json"), "w", encoding="utf-8", errors="replace") as file:
            file.write("[")
            for number, item in enumerate(items):
                files = shard.store(item)
                sample = to_sample(item.document, files)
                said = turns(item.document)
                shard.tally.lose(self.also[0], sum(max(sum(isinstance(p, Text) for p in t.said) - 1, 0) for t in said))
                shard.tally.lose(self.also[1], sum(1 for t in item.document.texts if PLACEHOLDER in t.text))
                if shard.own:
                    sample[own.FIELD] = own.to_field(item.document, files)
                file.write(("," if number else "") + "\n" + dumps(sample))
            file.write("\n]\n")

    def rows(self, folder: Folder, name: str) -> Iterator[Read | Bad]:
        """The documents of an array, or of JSON lines."""
        yield from documents(json_rows(folder, name), lambda ordinal, row: self._document(folder, name, ordinal, row))

    def _document(self, folder: Folder, name: str, ordinal: int, row: dict[str, Any]) -> Read:
        kept = own.from_field(row.get(own.FIELD))
        if kept and _content(to_sample(kept.document, kept.files)) == _content(row):
            return kept.document, dict(folder.stored(kept.files, name))
        given = row.get("conversations", row.get("messages"))
        if given is None:
            raise FormatError("it has no conversations")
        names = iter([text(n) for n in _listed(row, "image") or _listed(row, "images")])
        media: dict[str, bytes] = {}
        number = 0
        said: list[tuple[str, list[Part]]] = []
        for entry in chain(
            [{"from": "system", "value": row["system"]}] if text(row.get("system")) else [], items(given, "conversations")
        ):
            turn = record(entry, "a turn")
            speaker = _SPEAKERS.get(text(turn.get("from") or turn.get("role")).lower(), "user")
            parts: list[Part] = []
            for i, piece in enumerate(re.split(re.escape(PLACEHOLDER), text(turn.get("value") or turn.get("content")))):
                if i and (file := next(names, None)) is not None:
                    parts.append(_image(folder, name, number, file, media))
                    number += 1
                if piece.strip():
                    parts.append(Text(number, piece.strip("\n")))
                    number += 1
            said.append((speaker, parts))
        left: list[Part] = []
        for file in names:  # a sample with images that no turn mentions
            left.append(_image(folder, name, number, file, media))
            number += 1
        all_parts, meta = collect([*said, ("user", left)])
        source = f"{folder.label}/{name}"
        meta |= facts({"original_id": row.get("id"), **{k: v for k, v in row.items() if k not in _KNOWN}})
        return Document(document_id(source, ordinal), all_parts, source, meta=meta), media


def to_sample(document: Document, files: Mapping[str, str]) -> dict[str, Any]:
    """The sample of a document. Images without a stored file are left out."""
    images: list[str] = []
    conversations = [
        {"from": _NAMES[turn.speaker], "value": _value(turn, files, images)}
        for turn in turns(document, lambda image: image.ref in files)
    ]
    sample: dict[str, Any] = {"id": document.id}
    if images:
        sample["image"] = images[0] if len(images) == 1 else images
    sample["conversations"] = conversations
    return sample


def _value(turn: Turn, files: Mapping[str, str], images: list[str]) -> str:
    pieces: list[str] = []
    for part in turn.said:
        if isinstance(part, Image):
            images.append(files[part.ref])
            pieces.append(PLACEHOLDER)
        else:
            words = part if isinstance(part, str) else part.text
            pieces.append(words.replace(PLACEHOLDER, "< image >"))
    return "\n".join(pieces)


def _image(folder: Folder, name: str, number: int, file: str, media: dict[str, bytes]) -> Image:
    data = None if is_web(file) else folder.media(file, name) or folder.media(f"images/{file}", name)
    return attached(Image(number, url=file), data, media)


def _listed(row: Mapping[str, Any], key: str) -> list[Any]:
    value = row.get(key)
    return [value] if isinstance(value, str) else items(value, key)


def _content(row: Mapping[str, Any]) -> object:
    return row.get("image"), row.get("conversations")
