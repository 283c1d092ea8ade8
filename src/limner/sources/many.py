"""Several sources as one, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from limner.corpus.media import MediaSink
from limner.document import Document
from limner.errors import SourceError
from limner.sources.source import Fetching, Input, Source


@dataclass(frozen=True)
class ManySources:
    """The inputs of several sources, one after the other. Where two inputs have the same name, the later one is
    called after its source's place too (`name (2)`), so that names stay unique and the same on every run."""

    sources: tuple[Source, ...]

    def inputs(self) -> Iterator[Input]:
        """All inputs; `detail` begins with the number of the source."""
        seen: set[str] = set()
        for number, source in enumerate(self.sources):
            for input in source.inputs():
                name = input.name if input.name not in seen else f"{input.name} ({number + 1})"
                if name in seen:
                    raise SourceError(f"{input.name}: listed twice by one source")
                seen.add(name)
                yield replace(input, name=name, detail=f"{number} {input.detail}")

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """The documents of one input, by the source it came from."""
        source, inner = self._split(input)
        yield from source.read(inner, media)

    def fetch(self, inputs: Sequence[Input], progress: Callable[[int], None]) -> None:
        """Fetch for each source that fetches; the inputs of the others count as here."""
        groups: dict[int, list[Input]] = {}
        for input in inputs:
            groups.setdefault(int(input.detail.partition(" ")[0]), []).append(self._split(input)[1])
        for number, group in groups.items():
            source = self.sources[number]
            if isinstance(source, Fetching):
                source.fetch(group, progress)
            else:
                progress(len(group))

    def _split(self, input: Input) -> tuple[Source, Input]:
        number, _, detail = input.detail.partition(" ")
        return self.sources[int(number)], replace(input, detail=detail)
