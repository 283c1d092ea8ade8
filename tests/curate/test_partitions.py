"""Records brought together by their hash, against sorting them in memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.curate.partitions import MOST, Records, partitions
from limner.curate.shingles import mix

KIND = np.dtype([("hash", "<u8"), ("at", "<i8")])


def records(hashes: list[int], start: int = 0) -> Records:
    found = np.empty(len(hashes), KIND)
    found["hash"], found["at"] = mix(np.array(hashes, np.uint64)), np.arange(start, start + len(hashes))
    return found


def batches(values: list[list[int]]) -> list[Records]:
    starts = np.cumsum([0, *(len(batch) for batch in values)]).tolist()
    return [records(batch, start) for batch, start in zip(values, starts, strict=False)]


@given(
    st.lists(st.lists(st.integers(0, 60), max_size=40), max_size=8),
    # From everything in one group to more groups than may be open at once.
    st.sampled_from([1, 64, 500, 5_000, 1 << 20]),
)
def test_every_record_comes_once_and_equal_hashes_in_one_sorted_group(values, memory):
    given = batches(values)
    count = sum(len(batch) for batch in given)
    groups = list(partitions(given, KIND, count, "", memory))
    flat = [record for group in groups for record in group.tolist()]
    assert sorted(flat) == sorted(record for batch in given for record in batch.tolist())
    assert all(group.tolist() == sorted(group.tolist()) and len(group) for group in groups)
    hashes = [set(group["hash"].tolist()) for group in groups]
    assert sum(len(some) for some in hashes) == len(set().union(*hashes))


def test_nothing_gives_nothing(tmp_path):
    assert list(partitions([], KIND, 0, str(tmp_path), 1 << 20)) == []
    assert list(partitions([records([])], KIND, 0, str(tmp_path), 1 << 20)) == []


@pytest.mark.parametrize(("memory", "least", "most"), [(1 << 30, 1, 1), (1 << 18, 16, 32), (1, MOST, MOST)])
def test_groups_are_as_many_as_the_memory_asks_for(tmp_path, memory, least, most):
    values = records(list(range(100_000)))
    groups = [len(group) for group in partitions([values], KIND, len(values), str(tmp_path), memory)]
    assert least <= len(groups) <= most
    assert max(groups) < 1.5 * len(values) / len(groups)
    assert sum(groups) == len(values)


def test_its_files_go_also_when_it_is_left_early(tmp_path):
    groups = partitions([records(list(range(1000)))], KIND, 1000, str(tmp_path), 1 << 10)
    next(groups)
    assert list(tmp_path.iterdir())
    groups.close()
    assert not list(tmp_path.iterdir())
