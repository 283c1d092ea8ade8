"""Sources that misbehave, for tests of what a bad input may cost. In a module of their own: workers import it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from limner.corpus import MediaSink
from limner.document import Document, Text, document_id
from limner.sources.source import Input


@dataclass(frozen=True)
class Misbehaving:
    """`count` inputs; the one at `at` raises, hangs in Python, recurses without end, or kills its process."""

    count: int
    at: int
    how: str

    def inputs(self) -> Iterable[Input]:
        """Numbered names."""
        return [Input(f"input-{i}", str(i)) for i in range(self.count)]

    def read(self, input: Input, media: MediaSink) -> Iterator[Document]:
        """One document, unless it is the bad one."""
        if int(input.location) == self.at:
            if self.how == "raise":
                raise ValueError("not what it seems")
            if self.how == "hang":
                time.sleep(60)
            if self.how == "recurse":
                self.read_again(input)
            if self.how == "die":
                os.kill(os.getpid(), signal.SIGKILL)
        yield Document(document_id(input.name), (Text(0, f"the text of {input.name}"),), source=input.name)

    def read_again(self, input: Input) -> None:
        """Never comes back."""
        self.read_again(input)
