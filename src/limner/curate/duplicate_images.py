"""Images that come again: inside a document and over the corpus, byte for byte or by how they look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limner.corpus.pixels import thumbnail
from limner.curate.components import Components
from limner.curate.operator import Context, Reason, Signatures, Verdict, drop_parts
from limner.curate.phash import Hashes, cell_difference, cells, hamming, near_pairs, phash
from limner.document import Document, Image
from limner.errors import MediaError

LEADERS = 32
"""Of looks with one hash, how many that differ in colour are compared with others."""


def key_of(image: Image) -> str:
    """What an image is known by: the hash of its bytes, its URL where they are not stored, or ""."""
    return image.ref or (f"url:{image.url}" if image.url else "")


class Look(NamedTuple):
    """How an image looks: its perceptual hash, and its colours on a coarse grid (`limner.curate.phash.cells`)."""

    hash: int
    cells: bytes


def look_of(image: Image, context: Context) -> int | None:
    """The perceptual hash of a stored image; None where it is not stored, not decodable, or of one colour."""
    found = seen(image, context)
    return found.hash if found else None


def seen(image: Image, context: Context) -> Look | None:
    """The look of a stored image; None where it is not stored, not decodable, or of one colour."""
    data = context.media(image.ref) if image.ref else None
    if data is None:
        return None
    try:
        pixels = thumbnail(data, 128)
    except MediaError:
        return None
    found = phash(pixels)
    return None if found is None else Look(found, cells(pixels))


@dataclass(frozen=True)
class RepeatedImages:
    """Drop images that have stood in the same document before.

    Records `repeated-image` with the number of bits in which the hashes differ and the number of the first one.

    `distance`  None for the same bytes (or URL) only; else images count as the same whose 64-bit perceptual hashes
                (`limner.curate.phash`) differ in at most that many bits, which needs them decoded
    `apart`     None, or the greatest difference (0-255) that images of near hashes may have in any of the mean colours on a
                grid of 16 x 16
    """

    distance: int | None = None
    apart: int | None = None

    def __post_init__(self) -> None:
        _check(self.distance, self.apart)

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        first: dict[str, int] = {}
        looks: list[tuple[Look, int]] = []
        gone: dict[int, Reason] = {}
        for image in document.images:
            key = key_of(image)
            if not key:
                continue
            if first.setdefault(key, image.n) != image.n:
                gone[image.n] = Reason("repeated-image", 0, self.distance or 0, str(first[key]))
                continue
            look = seen(image, context) if self.distance is not None else None
            if look is None or self.distance is None:
                continue
            alike = ((hamming(look.hash, other.hash), n) for other, n in looks if _close(look, other, self.apart))
            bits, n = min(alike, default=(65, -1))
            if bits <= self.distance:
                gone[image.n] = Reason("repeated-image", bits, self.distance, str(n))
            else:
                looks.append((look, image.n))
        yield from drop_parts(document, gone, context)


@dataclass(frozen=True)
class DuplicateImages:
    """Drop images that stand too often in the corpus.

    OBELICS drops every image whose URL occurs more than 10 times (Laurençon et al. 2023, arXiv 2306.16527, A.1.5), MMC4 those with
    more than 10 duplicates in a sample of 60,000, by perceptual hashes at most 5 bits apart (Zhu et al. 2023, arXiv 2304.06939,
    section 3): logos, adverts, placeholders. Every place counts, two in one document as two. Images that are not stored go by
    their URL.

    Records `duplicate-image` with how often it stands, and the id of the first document.

    `most`      how many times an image may stand
    `keep`      how many of those that stand more often stay, the first in input order; 0 drops all of them
    `distance`  None for the same bytes (or URL) only; else images are grouped whose 64-bit perceptual hashes differ
                in at most that many bits, and what these connect; this needs them decoded
    `apart`     None, or the greatest difference (0-255) that images of near hashes may have in any of the mean colours on a
                grid of 16 x 16; 12 keeps resized and recompressed copies together (docs/benchmarks.md)
    `within`    count over the whole "corpus", or apart for the documents of each "language", as mOSCAR does
                (Futeral et al. 2024, arXiv 2406.08707, 3.4): translations of a page share their images and are no duplicates
    """

    most: int = 10
    keep: int = 0
    distance: int | None = None
    apart: int | None = None
    within: Literal["corpus", "language"] = "corpus"

    columns: ClassVar[pa.Schema] = pa.schema(
        [("n", pa.int32()), ("scope", pa.string()), ("key", pa.string()), ("look", pa.uint64()), ("cells", pa.binary())]
    )

    def __post_init__(self) -> None:
        _check(self.distance, self.apart)
        if not 0 <= self.keep <= self.most:
            raise ValueError(f"keep {self.keep} is not between 0 and most ({self.most})")

    def signature(self, document: Document, context: Context) -> Iterator[dict[str, Any]]:
        """One row an image."""
        for image in document.images:
            key = key_of(image)
            if key:
                look = seen(image, context) if self.distance is not None else None
                scope = document.language if self.within == "language" else ""
                grid = look.cells if look and self.apart is not None else b""
                yield {"n": image.n, "scope": scope, "key": key, "look": look and look.hash, "cells": grid}

    def decide(self, signatures: Signatures) -> Iterator[Verdict]:
        """Drop all but the first `keep` of each group that stands more than `most` times."""
        with signatures.query() as db:
            groups = self._groups(db)
            db.register("groups", groups)
            rows = db.execute(
                """
                with named as (
                    select "order", n, document, scope || ' ' || coalesce(groups.name, key) as name
                    from signatures left join groups using (look, cells)
                ), often as (select name, count(*) as times from named group by name having times > $most)
                select "order", n, times, first from (
                    select "order", n, times, row_number() over same as place, first_value(document) over same as first
                    from named join often using (name)
                    window same as (partition by name order by "order", n)
                ) where place > $keep order by "order", n
                """,
                {"most": self.most, "keep": self.keep},
            )
            while batch := rows.fetchmany(10_000):
                for order, n, times, first in batch:
                    yield Verdict(order, n, Reason("duplicate-image", times, self.most, first))

    def _groups(self, db: Any) -> pa.Table:
        """The name of the group of every look: the hash of its first, and where that stands among the looks of that hash."""
        query = "select distinct look, cells from signatures where look is not null order by 1, 2"
        looks = db.sql(query).to_arrow_table()
        hashes = looks.column("look").to_numpy().astype(np.uint64)
        grids = [grid.as_py() for grid in looks.column("cells")]
        roots = groups_of(hashes, grids, self.distance or 0, self.apart)
        names = [f"look:{hashes[root]:016x}/{root}" for root in roots]
        columns = {"look": pa.array(hashes, pa.uint64()), "cells": looks.column("cells"), "name": pa.array(names, pa.string())}
        return pa.table(columns)


def groups_of(hashes: Hashes, grids: Sequence[bytes], distance: int, apart: int | None) -> list[int]:
    """For each look, given by hash and colours and sorted by hash, the first look of its group.

    Looks are joined that are near and, where `apart` is given, close in colour. Of many looks with one hash each is compared with
    the first `LEADERS` that differ from one another, so that the work stays bounded.
    """
    components = Components(len(hashes))
    starts = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]]) if len(hashes) else np.empty(0, np.int64)
    ends = np.r_[starts[1:], len(hashes)][: len(starts)]
    leaders: list[list[int]] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        found: list[int] = []
        for i in range(start, end):
            same = [j for j in found if _same(grids[i], grids[j], apart)]
            if same:
                components.join(same[0], i)
            elif len(found) < LEADERS:
                found.append(i)
        leaders.append(found)
    for a, b in near_pairs(hashes[starts], distance).tolist():
        for i in leaders[a]:
            for j in leaders[b]:
                if _same(grids[i], grids[j], apart):
                    components.join(i, j)
    return components.roots().tolist()


def _same(a: bytes, b: bytes, apart: int | None) -> bool:
    return apart is None or int(cell_difference(_grid(a), _grid(b))) <= apart


def _close(a: Look, b: Look, apart: int | None) -> bool:
    return _same(a.cells, b.cells, apart)


def _grid(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)


def _check(distance: int | None, apart: int | None) -> None:
    if distance is not None and not 0 <= distance <= 31:
        raise ValueError(f"distance {distance} is not in 0-31 bits, nor left out")
    if apart is not None and (distance is None or not 0 <= apart <= 255):
        raise ValueError(f"apart {apart} is not in 0-255, or there is no distance that it could check")
