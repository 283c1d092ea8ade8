"""Samples, limits and balances: the same choice on every run, of the size asked for."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.curate.balance import Balance, Limit, group_of
from limner.curate.sample import Sample
from limner.document import Document, Text

from .context import MemoryContext, apply, decide

PAGES = [
    Document(f"d{i}", (Text(0, "x"),), url=f"https://{host}.example/{i}", language="de" if i % 4 else "en")
    for i, host in enumerate(["big"] * 64 + ["mid"] * 16 + ["tiny"] * 4)
]


def hosts(documents: list[Document]) -> Counter[str]:
    return Counter(group_of(document, "host").partition(".")[0] for document in documents)


@given(st.lists(st.text(min_size=1), unique=True, max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_a_smaller_sample_is_part_of_a_larger_one(ids: list[str], a: float, b: float):
    small, large = ({i for i in ids if list(Sample(share=share)(Document(i), MemoryContext()))} for share in sorted((a, b)))
    assert small <= large


def test_a_sample_is_of_about_the_size_asked_for_and_another_seed_draws_others():
    ids = [f"document-{i}" for i in range(4_000)]
    one, other = ({i for i in ids if list(Sample(0.25, seed)(Document(i), MemoryContext()))} for seed in (0, 1))
    assert abs(len(one) - 1_000) < 120
    assert abs(len(one & other) - 250) < 80


def test_the_first_documents_are_kept_by_a_limit(tmp_path):
    left, context = apply(Limit(3), PAGES, tmp_path)
    assert [d.id for d in left] == ["d0", "d1", "d2"]
    assert context.dropped[0][2] == ("limit", 4, 3, "")


def test_a_random_limit_does_not_depend_on_the_order(tmp_path):
    left, _ = apply(Limit(10, random=True), PAGES, tmp_path / "a")
    back, _ = apply(Limit(10, random=True), PAGES[::-1], tmp_path / "b")
    assert {d.id for d in left} == {d.id for d in back}
    assert len(left) == 10


def test_at_most_so_many_of_a_group_are_kept(tmp_path):
    left, context = apply(Balance(by="host", most=10), PAGES, tmp_path)
    assert hosts(left) == {"big": 10, "mid": 10, "tiny": 4}
    assert len(context.dropped) == len(PAGES) - 24
    assert {r.detail for _, _, r in context.dropped} == {"big.example", "mid.example"}


def test_a_temperature_levels_groups(tmp_path):
    assert hosts(apply(Balance(by="host", temperature=2), PAGES, tmp_path)[0]) == {"big": 16, "mid": 8, "tiny": 4}
    assert hosts(apply(Balance(by="host"), PAGES, tmp_path)[0]) == {"big": 64, "mid": 16, "tiny": 4}


def test_which_documents_remain_does_not_depend_on_the_order(tmp_path):
    one, _ = apply(Balance(by="language", most=5), PAGES, tmp_path / "a")
    other, _ = apply(Balance(by="language", most=5), PAGES[::-1], tmp_path / "b")
    assert {d.id for d in one} == {d.id for d in other}
    assert len(one) == 10


@pytest.mark.parametrize(
    ("by", "group"), [("language", "en"), ("source", "folder"), ("host", "folder"), ("license", "MIT"), ("none", "")]
)
def test_documents_are_grouped_by_any_of_their_facts(by: str, group: str):
    document = Document("d", source="folder/a/b.html", language="en", meta={"license": "MIT"})
    assert group_of(document, by) == group


def test_no_documents_are_no_trouble(tmp_path):
    assert decide(Balance(most=1), [], tmp_path) == decide(Limit(1), [], tmp_path) == []
