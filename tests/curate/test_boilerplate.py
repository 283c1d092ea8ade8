"""Paragraphs repeated over a site."""

from __future__ import annotations

import random

from limner.curate.boilerplate import Boilerplate
from limner.document import Document, Text

from .context import apply, decide

NOTICE = "Last updated on {} January. All rights reserved by the site."


def site(host: str, pages: int, noticed: int) -> list[Document]:
    return [
        Document(
            f"{host}-{i}",
            (
                Text(0, "See also", "heading", 2),
                Text(1, f"What {host} says on its page number {chr(97 + i % 26)}{chr(97 + i // 26)}."),
                *((Text(3, NOTICE.format(i)),) if i < noticed else ()),
            ),
            url=f"https://{host}/{i}.html",
        )
        for i in range(pages)
    ]


def test_what_many_pages_of_a_site_share_goes_and_nothing_else(tmp_path):
    pages = site("a.example", 40, 20) + site("b.example", 40, 9)
    left, context = apply(Boilerplate(min_pages=10, min_share=0.25), pages, tmp_path)
    assert [(i, n) for i, n, _ in context.dropped] == [(f"a.example-{i}", 3) for i in range(20)]
    assert context.dropped[0][2] == ("boilerplate", 20, 10, "a.example")
    assert [d.id for d in left] == [d.id for d in pages]


def test_a_share_of_the_pages_is_asked_for_as_well(tmp_path):
    assert decide(Boilerplate(min_pages=10, min_share=0.6), site("a.example", 40, 20), tmp_path) == []


def test_headings_stay_unless_told_otherwise(tmp_path):
    verdicts = decide(Boilerplate(roles=("heading",), min_characters=1), site("a.example", 12, 0), tmp_path)
    assert [(v.order, v.part) for v in verdicts] == [(i, 0) for i in range(12)]


def test_a_paragraph_twice_on_a_page_counts_as_one_page(tmp_path):
    pages = [Document(f"d{i}", (Text(0, "Again."), Text(1, "Again.")), source=f"folder/{i}") for i in range(6)]
    assert decide(Boilerplate(min_pages=10, min_characters=1), pages, tmp_path) == []
    assert len(decide(Boilerplate(min_pages=6, min_characters=1), pages, tmp_path)) == 12


def test_the_order_of_the_documents_changes_nothing(tmp_path):
    pages = site("a.example", 30, 15) + site("b.example", 30, 30)
    shuffled = pages[:]
    random.Random(3).shuffle(shuffled)
    one, other = (
        {(documents[v.order].id, v.part, v.reason) for v in decide(Boilerplate(), documents, tmp_path / str(i))}
        for i, documents in enumerate((pages, shuffled))
    )
    assert one == other
    assert len(one) == 45
