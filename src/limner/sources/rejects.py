"""One bad record among thousands: reported, without giving up the input it stands in.

`Source.read` raises where an input as a whole cannot be read. A WARC range or a sitemap holds many pages; where the
sink has `reject`, what is broken inside goes there (and so to the corpus's rejects), else to the log.
"""

from __future__ import annotations

import logging
from typing import Protocol, runtime_checkable

log = logging.getLogger("limner.sources")


@runtime_checkable
class Rejecting(Protocol):
    """A media sink that also keeps account of what could not be read."""

    def reject(self, input: str, location: str, error: BaseException) -> None:
        """Record that what is called `input` and lies at `location` could not be read, and why."""
        ...


def reject(sink: object, name: str, location: str, error: BaseException) -> None:
    """Tell `sink` that what is called `name` could not be read."""
    if isinstance(sink, Rejecting):
        sink.reject(name, location, error)
    else:
        log.warning("%s: %s", name, error)
