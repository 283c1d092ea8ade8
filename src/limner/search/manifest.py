"""What an index consists of: the segments that count, and what they were made with. One file, written at once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from limner.errors import CorpusError

VERSION = 3
FILE = "index.json"


@dataclass(frozen=True)
class Settings:
    """What an index is made with.

    `text`     address of the encoder of texts, "" for words alone
    `encoder`  address of the joint encoder of images and texts, "" to find images by their words alone
    `words`    words after which a passage ends
    """

    text: str = ""
    encoder: str = ""
    words: int = 200


@dataclass(frozen=True)
class Segment:
    """The units of one batch of the corpus: its number, the batch's stem and the digest of its files, and how many sections, images and
    documents it has, in this order."""

    number: int
    stem: str
    digest: str
    sections: int
    images: int
    documents: int

    @property
    def units(self) -> int:
        """All of them."""
        return self.sections + self.images + self.documents


@dataclass(frozen=True)
class Drawn:
    """A graph of neighbours: its file, the segments in it, and how widely it is searched."""

    file: str
    segments: tuple[int, ...]
    looking: int


@dataclass(frozen=True)
class Manifest:
    """The index as it stands. `graphs` are the graphs of neighbours by what they are over."""

    settings: Settings = field(default_factory=Settings)
    segments: tuple[Segment, ...] = ()
    next: int = 1
    graphs: Mapping[str, Drawn] = field(default_factory=dict[str, Drawn])

    def with_segments(self, segments: tuple[Segment, ...], next: int) -> Manifest:
        """This one with other segments."""
        return replace(self, segments=segments, next=next)


def read(folder: Path) -> Manifest | None:
    """The manifest in `folder`, None where there is none. Raises `CorpusError` for one that cannot be read."""
    try:
        found: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CorpusError(f"the index {folder} is damaged ({error}); `limner index --again` makes it anew") from None
    try:
        if found["version"] != VERSION:
            raise CorpusError(f"the index {folder} is of another version of limner; `limner index --again` makes it anew")
        return Manifest(
            Settings(**found["settings"]),
            tuple(Segment(**each) for each in found["segments"]),
            int(found["next"]),
            {n: Drawn(str(g["file"]), tuple(g["segments"]), int(g["looking"])) for n, g in found["graphs"].items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorpusError(f"the index {folder} is damaged ({error}); `limner index --again` makes it anew") from None


def write(folder: Path, manifest: Manifest) -> None:
    """Make it the one that counts."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"version": VERSION, **asdict(manifest)}
    waiting = folder / f"{FILE}.new"
    with waiting.open("w", encoding="utf-8") as file:
        json.dump(whole, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(waiting, folder / FILE)
