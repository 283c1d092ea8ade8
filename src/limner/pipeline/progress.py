"""What a run says of itself while it works, and the shape of who listens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Progress(Protocol):
    """Listens to a run. Rates and time left are for the listener to work out."""

    def stage(self, name: str, total: int, done: int) -> None:
        """A stage begins; `done` of its `total` inputs were finished by an earlier run."""
        ...

    def advance(self, inputs: int, counts: Mapping[str, int]) -> None:
        """A batch of `inputs` is committed, with its counts."""
        ...

    def message(self, text: str) -> None:
        """Something a person should know."""
        ...


class Silent:
    """Listens to nothing."""

    def stage(self, name: str, total: int, done: int) -> None:
        """Nothing."""

    def advance(self, inputs: int, counts: Mapping[str, int]) -> None:
        """Nothing."""

    def message(self, text: str) -> None:
        """Nothing."""
