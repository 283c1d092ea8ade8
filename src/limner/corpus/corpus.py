"""The corpus: a folder of committed batches, opened for reading or for appending."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from limner.corpus.batch import BatchWriter
from limner.corpus.commit import Commit, next_ordinal, read_commits, stem, sweep
from limner.corpus.index import KeyIndex
from limner.corpus.lock import writing
from limner.corpus.media import MediaInfo
from limner.corpus.parquet import read_table
from limner.corpus.sealed import seal, unseal
from limner.corpus.shards import Reader
from limner.corpus.store import Store
from limner.corpus.stream import Share, Stream
from limner.corpus.tables import SCHEMA_VERSION
from limner.document import Document
from limner.document.wording import plural
from limner.errors import CorpusError, LimnerError

if TYPE_CHECKING:
    from limner.corpus.notebook import Shown


class Corpus:
    """Documents and their media in a folder, on a local disk or in an object store.

    >>> import tempfile
    >>> from limner.document import Document, Text
    >>> corpus = Corpus.create(tempfile.mkdtemp() + "/c")
    >>> corpus.append([Document("c0ffee", (Text(0, "Hello"),))])
    >>> len(corpus), corpus["c0ffee"].text
    (1, 'Hello')
    """

    def __init__(self, store: Store, facts: dict[str, Any], commits: list[Commit]):
        self.store = store
        self.facts = facts
        self.commits = commits
        self._reader = Reader(store)

    @classmethod
    def open(cls, path: str | os.PathLike[str], **options: Any) -> Corpus:
        """Open a corpus for reading; raises `CorpusError` where there is none. `options` go to fsspec."""
        store = Store(path, **options)
        with _reached(store, "read"):
            return cls(store, read_facts(store), read_commits(store))

    @classmethod
    def create(cls, path: str | os.PathLike[str], facts: Mapping[str, Any] | None = None, **options: Any) -> Corpus:
        """Open a corpus, making an empty one where there is none. `facts` go into `corpus.json`: plan, versions,
        licence and source notes. Raises `CorpusError` where it cannot lie there."""
        store = Store(path, **options)
        with _reached(store, "written"):
            if not store.exists("corpus.json"):
                if store.is_local and os.path.isdir(store.path("")) and os.listdir(store.path("")):
                    raise CorpusError(f"{store.url} is a folder with other things in it; name a new folder for the corpus")
                write_facts(store, {"schema": SCHEMA_VERSION, **(facts or {})})
            return cls(store, read_facts(store), read_commits(store))

    def reload(self) -> None:
        """See what has been committed since this corpus was opened."""
        self.__init__(self.store, read_facts(self.store), read_commits(self.store))
        for name in ("_ids", "_refs"):
            self.__dict__.pop(name, None)

    # Reading

    def __len__(self) -> int:
        return self.counts["documents"]

    @property
    def counts(self) -> Counter[str]:
        """Documents, parts, images, stored images, words, rejects: summed over the commits."""
        total: Counter[str] = Counter({"documents": 0, "parts": 0, "images": 0, "stored": 0, "words": 0, "rejects": 0})
        for commit in self.commits:
            total.update(commit.counts)
        return total

    def __iter__(self) -> Iterator[Document]:
        for commit in self.commits:
            for group in range(self._reader.groups(commit)):
                yield from self._reader.group(commit, group)

    def stream(
        self,
        *,
        shuffle: bool = False,
        seed: int = 0,
        epoch: int = 0,
        rank: int = 0,
        world: int = 1,
        worker: int = 0,
        workers: int = 1,
        window: int = 32,
        media: bool = True,
        state: Mapping[str, Any] | None = None,
    ) -> Stream:
        """Documents with their media, in order or shuffled, for one of `world` x `workers` consumers, from the
        start or from a saved `state`; see `limner.corpus.stream`."""
        return Stream(
            Reader(self.store), self.commits, shuffle=shuffle, seed=seed, epoch=epoch,
            share=Share(rank * workers + worker, world * workers), window=window, media=media, state=state,
        )  # fmt: skip

    @cached_property
    def _ids(self) -> KeyIndex:
        return KeyIndex(self.store, self.commits, "documents")

    @cached_property
    def _refs(self) -> KeyIndex:
        return KeyIndex(self.store, self.commits, "media")

    def save_indexes(self) -> None:
        """Keep the indexes of ids and media in the corpus, so that the next `open` need not build them."""
        self._ids.save(self.store)
        self._refs.save(self.store)

    def __getitem__(self, id: str) -> Document:
        for commit, row in self._ids.find(id):
            document = self._reader.row(commit, row)
            if document.id == id:
                return document
        raise KeyError(id)

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and any(self._reader.row(c, r).id == id for c, r in self._ids.find(id))

    def batch_of(self, id: str) -> str:
        """The stem of the batch that holds the document; raises `KeyError` where none does."""
        for commit, row in self._ids.find(id):
            if self._reader.row(commit, row).id == id:
                return commit.stem
        raise KeyError(id)

    def find(self, prefix: str) -> Document:
        """The document whose id is, or alone starts with, `prefix`; raises `CorpusError` for none or several."""
        if prefix in self:
            return self[prefix]
        may_be = (self._reader.row(c, r) for c, r in self._ids.starting(prefix))
        found = list(islice((d for d in may_be if d.id.startswith(prefix)), 4))
        if len(found) == 1:
            return found[0]
        if found:
            raise CorpusError(f"{prefix!r} begins several ids: {', '.join(d.id for d in found)}, …; give more digits")
        raise CorpusError(f"{self.store.url} holds no document {prefix!r}; `limner why` says whether it was dropped")

    def _stored(self, ref: str) -> tuple[Commit, MediaInfo, int] | None:
        for commit, _ in self._refs.find(ref):
            if found := self._reader.table(commit).get(ref):
                return commit, *found
        return None

    def media(self, ref: str) -> bytes | None:
        """The stored bytes whose sha256 is `ref`, or None."""
        found = self._stored(ref)
        if found is None:
            return None
        commit, info, offset = found
        return self._reader.bytes(commit, offset, offset + info.size)

    def info(self, ref: str) -> MediaInfo | None:
        """What is known of the stored bytes whose sha256 is `ref`, or None."""
        found = self._stored(ref)
        return found[1] if found else None

    def media_infos(self) -> Iterator[MediaInfo]:
        """Every stored file, in the order of the corpus; a file stored in two batches comes twice."""
        for commit in self.commits:
            for info, _ in self._reader.table(commit).values():
                yield info

    def rows(self, folder: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The tables of `ledger`, `dropped`, `rejects`, `documents` or `media`, a batch at a time."""
        for commit in self.commits:
            if name := commit.file(folder):
                yield read_table(self.store, name, columns)

    # Writing

    def batch(self, ordinal: int | None = None) -> BatchWriter:
        """A writer for the batch at `ordinal`, by default the one after the last. Hold the corpus while you write to it
        (`limner.corpus.lock.writing`)."""
        if ordinal is None:
            ordinal = next_ordinal(self.commits)
        return BatchWriter(self.store, stem(ordinal))

    def append(self, documents: Iterable[Document], media: Mapping[str, bytes] | None = None, batch: int = 500) -> None:
        """Append documents in batches; `media` holds bytes by sha256 for the parts that refer to them. Raises `CorpusError`
        while another writes to the corpus."""
        waiting = iter(documents)
        with writing(self.store):
            if self.store.exists(f"commits/{stem(next_ordinal(self.commits))}.json"):
                self.reload()  # another has written since this corpus was opened
            while held := list(islice(waiting, batch)):
                with closing(self.batch()) as writer:
                    for document in held:
                        for part in document.parts:
                            ref = getattr(part, "ref", "")
                            if media and ref in media and writer.info(ref) is None and writer.put(media[ref]).ref != ref:
                                raise CorpusError(f"document {document.id}: the bytes given for {ref} have another sha256")
                        writer.add(document)
                    self.commits.append(writer.commit())
        for name in ("_ids", "_refs"):
            self.__dict__.pop(name, None)

    def sweep(self) -> int:
        """Remove files of no counting commit; see `limner.corpus.commit.sweep`. Raises `CorpusError` while another writes to the
        corpus: they may be its."""
        with writing(self.store):
            self.reload()
            return sweep(self.store, self.commits)

    def update_facts(self, **facts: Any) -> None:
        """Change entries of `corpus.json`."""
        self.facts = {**self.facts, **facts}
        write_facts(self.store, self.facts)

    def __repr__(self) -> str:
        c = self.counts
        return f"Corpus({self.store.url!r}: {plural(c['documents'], 'document')}, {plural(c['words'], 'word')}, {plural(c['images'], 'image')})"

    def _repr_html_(self) -> str:
        from limner.corpus.notebook import corpus_html

        return corpus_html(self)

    def show(self, id: str | Document) -> Shown:
        """A document, with its images, for a notebook to display; `id` may be the beginning of an id."""
        from limner.corpus.notebook import Shown

        return Shown(self, id if isinstance(id, Document) else self.find(id))


@contextmanager
def _reached(store: Store, what: str) -> Generator[None]:
    """Raise `CorpusError` where a corpus cannot be reached: it is the place, not the corpus, that is wrong."""
    try:
        yield
    except LimnerError:
        raise
    except OSError as error:
        advice = "check the path, its permissions and the space left" if store.is_local else "check its name and your credentials"
        reason = f": {error.filename}" if store.is_local and isinstance(error.filename, str) else ""
        raise CorpusError(f"{store.url} cannot be {what} ({error.strerror or error}{reason}); {advice}") from error
    except Exception as error:
        if store.is_local:
            raise
        # Each store's library has errors of its own: no credentials, no such bucket, no way to the server.
        raise CorpusError(f"{store.url} cannot be {what} ({error}); check its name and your credentials") from error


def read_facts(store: Store) -> dict[str, Any]:
    """`corpus.json`; raises `CorpusError` where it is missing, damaged or of a newer schema."""
    if not store.exists("corpus.json"):
        raise CorpusError(f"{store.url} is not a corpus (it has no corpus.json); `limner build SOURCE -o {store.url}` makes one")
    try:
        facts, _ = unseal(json.loads(store.read("corpus.json")))
        version = int(facts["schema"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorpusError(f"{store.url}: corpus.json is damaged ({error})") from None
    if version > SCHEMA_VERSION:
        raise CorpusError(f"{store.url} has schema {version}, this limner reads up to {SCHEMA_VERSION}: update limner")
    return facts


def write_facts(store: Store, facts: Mapping[str, Any]) -> None:
    """Write `corpus.json`, atomically."""
    store.write("corpus.json", json.dumps(seal(facts), indent=2, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace"))
