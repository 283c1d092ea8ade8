"""A share of the documents, the same on every run and on any number of processes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from limner.curate.operator import Context, DocumentFilter, Reason
from limner.document import Document


def draw(key: str, seed: int = 0) -> float:
    """A number in [0, 1) that depends on `key` and `seed` only, uniform over keys.

    >>> draw("c0ffee") == draw("c0ffee"), 0 <= draw("c0ffee", 7) < 1
    (True, True)
    """
    digest = hashlib.blake2b(f"{seed}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


@dataclass(frozen=True)
class Sample(DocumentFilter):
    """Keep a share of the documents, chosen by a hash of their ids, so that a smaller share is part of a larger one.

    Records `not-sampled`, the number drawn and the share.

    `share`  the share to keep, 0 to 1
    `seed`  another seed, another sample
    """

    share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"a share is between 0 and 1, not {self.share}")

    def judge(self, document: Document, context: Context) -> Reason | None:
        """See `DocumentFilter`."""
        number = draw(document.id, self.seed)
        return None if number < self.share else Reason("not-sampled", number, self.share)
