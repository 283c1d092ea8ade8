"""Images that come again: inside a document and over the corpus, byte for byte or by how they look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from limner.corpus.pixels import thumbnail
from limner.curate.components import Components
from limner.curate.operator import Context, Reason, Signatures, Verdict, drop_parts
from limner.curate.phash import hamming, near_pairs, phash
from limner.document import Document, Image
from limner.errors import MediaError


def key_of(image: Image) -> str:
    """What an image is known by: the hash of its bytes, its URL where they are not stored, or ""."""
    return image.ref or (f"url:{image.url}" if image.url else "")


def look_of(image: Image, context: Context) -> int | None:
    """The perceptual hash of a stored image; None where it is not stored, not decodable, or of one colour."""
    data = context.media(image.ref) if image.ref else None
    if data is None:
        return None
    try:
        return phash(thumbnail(data, 128))
    except MediaError:
        return None


@dataclass(frozen=True)
class RepeatedImages:
    """Drop images that have stood in the same document before.

    Records `repeated-image` with the number of bits in which the hashes differ and the number of the first one.

    `distance`  None for the same bytes (or URL) only; else images count as the same whose 64-bit perceptual hashes
                (`limner.curate.phash`) differ in at most that many bits, which needs them decoded
    """

    distance: int | None = None

    def __post_init__(self) -> None:
        _check(self.distance)

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        first: dict[str, int] = {}
        looks: list[tuple[int, int]] = []
        gone: dict[int, Reason] = {}
        for image in document.images:
            key = key_of(image)
            if not key:
                continue
            if first.setdefault(key, image.n) != image.n:
                gone[image.n] = Reason("repeated-image", 0, self.distance or 0, str(first[key]))
                continue
            look = look_of(image, context) if self.distance is not None else None
            if look is None or self.distance is None:
                continue
            apart, n = min(((hamming(look, other), n) for other, n in looks), default=(65, -1))
            if apart <= self.distance:
                gone[image.n] = Reason("repeated-image", apart, self.distance, str(n))
            else:
                looks.append((look, image.n))
        yield from drop_parts(document, gone, context)


@dataclass(frozen=True)
class DuplicateImages:
    """Drop images that stand too often in the corpus.

    OBELICS drops every image that occurs more than 10 times, and so does MMC4
    (Laurençon et al. 2023, arXiv 2306.16527, A.2; Zhu et al. 2023, arXiv 2304.06939): logos, adverts, placeholders.
    Every place counts, two in one document as two. Images that are not stored go by their URL.

    Records `duplicate-image` with how often it stands, and the id of the first document.

    `most`      how many times an image may stand
    `keep`      how many of those that stand more often stay, the first in input order; 0 drops all of them
    `distance`  None for the same bytes (or URL) only; else images are grouped whose 64-bit perceptual hashes differ
                in at most that many bits, and what these connect; this needs them decoded
    `within`    count over the whole "corpus", or apart for the documents of each "language", as mOSCAR does
                (Futeral et al. 2024, arXiv 2406.08707): translations of a page share their images and are no duplicates
    """

    most: int = 10
    keep: int = 0
    distance: int | None = None
    within: Literal["corpus", "language"] = "corpus"

    columns: ClassVar[pa.Schema] = pa.schema(
        [("n", pa.int32()), ("scope", pa.string()), ("key", pa.string()), ("look", pa.uint64())]
    )

    def __post_init__(self) -> None:
        _check(self.distance)
        if not 0 <= self.keep <= self.most:
            raise ValueError(f"keep {self.keep} is not between 0 and most ({self.most})")

    def signature(self, document: Document, context: Context) -> Iterator[dict[str, Any]]:
        """One row an image."""
        for image in document.images:
            key = key_of(image)
            if key:
                look = look_of(image, context) if self.distance is not None else None
                scope = document.language if self.within == "language" else ""
                yield {"n": image.n, "scope": scope, "key": key, "look": look}

    def decide(self, signatures: Signatures) -> Iterator[Verdict]:
        """Drop all but the first `keep` of each group that stands more than `most` times."""
        with signatures.query() as db:
            groups = self._groups(db)
            db.register("groups", groups)
            rows = db.execute(
                """
                with named as (
                    select "order", n, document, scope || ' ' || coalesce(groups.name, key) as name
                    from signatures left join groups using (look)
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
        """The name of the group of every perceptual hash."""
        looks = db.execute("select distinct look from signatures where look is not null order by 1").fetchnumpy()
        hashes = np.ma.getdata(looks["look"]).astype(np.uint64)
        components = Components(len(hashes))
        if self.distance is not None:
            for i, j in near_pairs(hashes, self.distance).tolist():
                components.join(i, j)
        names = [f"look:{hashes[root]:016x}" for root in components.roots().tolist()]
        return pa.table({"look": pa.array(hashes, pa.uint64()), "name": pa.array(names, pa.string())})


def _check(distance: int | None) -> None:
    if distance is not None and not 0 <= distance <= 31:
        raise ValueError(f"distance {distance} is not in 0-31 bits, nor left out")
