"""A corpus as torch datasets: workers and ranks read all of it once, and it continues where it was."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from limner.corpus import Corpus
from limner.corpus.media import sha256
from limner.document import Document, Image, Text, document_id

from .reading import png

torch = pytest.importorskip("torch", reason="torch is not installed (limner[models])")

from torch.utils.data import DataLoader  # noqa: E402

from limner.corpus.torch import Sample, as_iterable, as_map  # noqa: E402


def first_word(sample: Sample) -> str:
    return sample.document.texts[0].text


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    path = tmp_path_factory.mktemp("torch") / "corpus"
    corpus = Corpus.create(str(path))
    data = [png(20, 10, i) for i in range(4)]
    documents = [Document(document_id(f"page-{i}"), (Text(0, f"word{i}"), Image(1, sha256(data[i % 4])))) for i in range(400)]
    corpus.append(documents, {sha256(d): d for d in data}, batch=100)
    return corpus


def ids(loader: Any) -> list[str]:
    return [sample.document.id for sample in loader]


def test_samples_carry_the_bytes_of_their_media(corpus: Corpus) -> None:
    sample = next(iter(as_iterable(corpus)))
    assert sample.media[sample.document.images[0].ref] == png(20, 10, 0)
    assert next(iter(as_iterable(corpus, media=False))).media == {}


def test_workers_read_all_once(corpus: Corpus) -> None:
    loader = DataLoader(as_iterable(corpus, shuffle=True, seed=3), batch_size=None, num_workers=2)
    assert sorted(ids(loader)) == sorted(d.id for d in corpus)


def test_workers_that_are_kept_follow_set_epoch(corpus: Corpus) -> None:
    dataset = as_iterable(corpus, shuffle=True, media=False, transform=first_word)
    loader = DataLoader(dataset, batch_size=None, num_workers=1, persistent_workers=True, multiprocessing_context="fork")
    first, same = list(loader), list(loader)
    dataset.set_epoch(1)  # type: ignore[attr-defined]
    assert first == same
    assert list(loader) != first


def test_ranks_read_all_once(corpus: Corpus) -> None:
    shares = [ids(as_iterable(corpus, shuffle=True, rank=rank, world=3)) for rank in range(3)]
    assert sorted(chain(*shares)) == sorted(d.id for d in corpus)
    with pytest.raises(ValueError, match="both rank and world"):
        as_iterable(corpus, rank=1)


def test_a_saved_position_continues_with_the_next_sample(corpus: Corpus) -> None:
    dataset: Any = as_iterable(corpus, shuffle=True, seed=1)
    dataset.set_epoch(5)
    whole = ids(dataset)
    iterator = iter(dataset)
    begun = [next(iterator).document.id for _ in range(37)]
    state = dataset.state_dict()
    fresh: Any = as_iterable(corpus, shuffle=True, seed=1)
    fresh.load_state_dict(state)
    assert begun + ids(fresh) == whole
    assert ids(fresh) == whole


def test_a_stateful_loader_continues(corpus: Corpus) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is not installed").StatefulDataLoader
    whole = list(stateful(as_iterable(corpus, transform=first_word), batch_size=None, num_workers=2))
    loader = stateful(as_iterable(corpus, transform=first_word), batch_size=None, num_workers=2)
    iterator = iter(loader)
    begun = [next(iterator) for _ in range(25)]
    state = loader.state_dict()
    fresh = stateful(as_iterable(corpus, transform=first_word), batch_size=None, num_workers=2)
    fresh.load_state_dict(state)
    assert begun + list(fresh) == whole


def test_random_access(corpus: Corpus) -> None:
    dataset: Any = as_map(corpus, transform=first_word)
    assert len(dataset) == 400
    assert dataset[123] == "word123"
    loader = DataLoader(dataset, batch_size=50, shuffle=False, num_workers=2)
    assert list(chain(*loader)) == [f"word{i}" for i in range(400)]


def test_a_spawned_worker_finds_the_classes(corpus: Corpus, tmp_path: Path) -> None:
    import pickle

    for dataset in (as_iterable(corpus, media=False), as_map(corpus)):
        code = pickle.dumps(dataset)
        assert type(pickle.loads(code)) is type(dataset)
