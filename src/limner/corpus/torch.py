"""A corpus as torch datasets, where torch is installed (`limner[models]`).

```python
from torch.utils.data import DataLoader
from limner.corpus.torch import as_iterable

dataset = as_iterable(corpus, shuffle=True, seed=7)
for sample in DataLoader(dataset, batch_size=None, num_workers=4):
    sample.document, sample.media[sample.document.images[0].ref]
```

Every worker of every rank reads its own share; together they read all, once. The streaming dataset has `state_dict` and
`load_state_dict`, which torchdata's `StatefulDataLoader` calls in each worker to continue with the very next sample.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from limner.corpus.corpus import Corpus
from limner.document import Document, Text
from limner.errors import MissingExtra

if TYPE_CHECKING:
    from torch.utils.data import Dataset, IterableDataset

    from limner.corpus.stream import Stream


@dataclass(frozen=True, slots=True)
class Sample:
    """A document and the stored bytes of its media, by sha256."""

    document: Document
    media: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


Transform = Callable[[Sample], Any]


def as_iterable(
    corpus: Corpus,
    *,
    shuffle: bool = False,
    seed: int = 0,
    window: int = 32,
    media: bool = True,
    transform: Transform | None = None,
    rank: int | None = None,
    world: int | None = None,
) -> IterableDataset[Any]:
    """An `IterableDataset` of what `transform` makes of each `Sample` (by default the sample itself).

    `shuffle`, `seed` and `window` are as in `Corpus.stream`; call its `set_epoch(n)` before each pass for another order
    (it reaches workers that are kept, too). `rank` and `world` are torch.distributed's where it is initialised, unless given. With
    `media=False` no bytes are read. Raises `MissingExtra` without torch.
    """
    return cast("IterableDataset[Any]", _class("StreamingDataset")(corpus, shuffle, seed, window, media, transform, rank, world))


def as_map(corpus: Corpus, *, media: bool = True, transform: Transform | None = None) -> Dataset[Any]:
    """A `Dataset` with a length and random access, in the order of the corpus. One access reads one row group and the media
    of one document: for shuffled passes `as_iterable` is many times faster. Raises `MissingExtra` without torch."""
    return cast("Dataset[Any]", _class("RandomDataset")(corpus, media, transform))


def _torch_data() -> Any:
    try:
        import torch.utils.data
    except ImportError:
        raise MissingExtra("models", "torch", "a corpus as a torch dataset") from None
    return torch.utils.data


def _class(name: str) -> Any:
    """A dataset class, made when it is first asked for, since its base is torch's; kept under its name in this module, so
    that pickle finds it in a worker."""
    if name not in globals():
        data = _torch_data()
        bases = {"StreamingDataset": (_Streaming, data.IterableDataset), "RandomDataset": (_Random, data.Dataset)}
        globals()[name] = type(name, bases[name], {"__module__": __name__, "__doc__": bases[name][0].__doc__})
    return globals()[name]


def __getattr__(name: str) -> Any:
    if name in ("StreamingDataset", "RandomDataset"):
        return _class(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Streaming:
    """What the streaming dataset does, apart from being torch's. A corpus is opened in the process that reads it: what
    holds open files does not travel to workers."""

    def __init__(
        self, corpus: Corpus, shuffle: bool, seed: int, window: int, media: bool, transform: Transform | None,
        rank: int | None, world: int | None,
    ):  # fmt: skip
        if (rank is None) != (world is None):
            raise ValueError("give both rank and world, or neither")
        self._url, self._options = corpus.store.url, corpus.store.options
        self._setting: dict[str, Any] = {"shuffle": shuffle, "seed": seed, "window": window, "media": media}
        self._transform = transform
        self._place = None if rank is None or world is None else (rank, world)
        # Shared memory: workers that a loader keeps from pass to pass see what set_epoch writes.
        import torch

        self._epoch: Any = torch.zeros(1, dtype=torch.int64).share_memory_()
        self._saved: Mapping[str, Any] | None = None
        self._stream: Stream | None = None

    def set_epoch(self, epoch: int) -> None:
        """Which order the next pass has."""
        self._epoch[0] = epoch
        self._saved = None

    def __iter__(self) -> Iterator[Any]:
        saved, self._saved = self._saved, None
        epoch = int(self._epoch[0]) if saved is None else int(saved["epoch"])
        rank, world = self._place or _distributed()
        worker = _torch_data().get_worker_info()
        stream = Corpus.open(self._url, **self._options).stream(
            epoch=epoch, rank=rank, world=world, worker=worker.id if worker else 0, workers=worker.num_workers if worker else 1,
            state=saved["stream"] if saved else None, **self._setting,
        )  # fmt: skip
        self._stream = stream
        for document in stream:
            sample = Sample(document, _bytes(document, stream.media) if self._setting["media"] else {})
            yield self._transform(sample) if self._transform else sample

    def state_dict(self) -> dict[str, Any]:
        """The position after the sample yielded last, in this process."""
        if self._saved is not None:
            return dict(self._saved)
        if self._stream is None:
            return {"epoch": int(self._epoch[0]), "stream": None}
        state = self._stream.state()
        return {"epoch": state["epoch"], "stream": state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue the next pass from a saved position; it raises `CorpusError` where that is of another stream."""
        if state.get("stream") is None:
            self.set_epoch(int(state["epoch"]))
        else:
            self._epoch[0] = int(state["epoch"])
            self._saved = dict(state)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_stream": None}


class _Random:
    """What the map-style dataset does, apart from being torch's."""

    def __init__(self, corpus: Corpus, media: bool, transform: Transform | None):
        self._url, self._options = corpus.store.url, corpus.store.options
        self._media = media
        self._transform = transform
        self._ids = [id for table in corpus.rows("documents", ["id"]) for id in table.column("id").to_pylist()]
        self._opened: tuple[int, Corpus] | None = None

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> Any:
        # Opened in each process of its own: a fork shares what the parent holds open.
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), Corpus.open(self._url, **self._options))
        corpus = self._opened[1]
        document = corpus[self._ids[index]]
        sample = Sample(document, _bytes(document, corpus.media) if self._media else {})
        return self._transform(sample) if self._transform else sample

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}


def _bytes(document: Document, read: Callable[[str], bytes | None]) -> dict[str, bytes]:
    refs = {part.ref: None for part in document.parts if not isinstance(part, Text) and part.ref}
    return {ref: data for ref in refs if (data := read(ref)) is not None}


def _distributed() -> tuple[int, int]:
    import torch.distributed

    distributed: Any = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return int(distributed.get_rank()), int(distributed.get_world_size())
    return 0, 1
