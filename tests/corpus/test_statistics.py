"""Figures of a corpus against a count over its decoded documents; the ledger by step; where things went; the card."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.corpus import Corpus, ledger
from limner.corpus.card import card
from limner.corpus.media import sha256
from limner.corpus.notebook import MOST_IMAGE, data_uris, standalone
from limner.corpus.statistics import KEPT_TOP, kept_statistics, spread, statistics
from limner.corpus.why import dropped_document, dropped_parts, why
from limner.document import Document, Image, Text, document_id
from limner.errors import LimnerError

from .reading import ATTACK, EVIL_SVG, make_corpus, page, png


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(str(tmp_path_factory.mktemp("statistics") / "corpus"))


def test_figures_equal_a_count_over_the_documents(corpus: Corpus) -> None:
    documents = list(corpus)
    s = statistics(corpus)
    images = [image for d in documents for image in d.images]
    assert s.documents == len(documents) == corpus.counts["documents"]
    assert s.words == sum(len(t.text.split()) for d in documents for t in d.texts) == corpus.counts["words"]
    assert s.characters == sum(len(t.text) for d in documents for t in d.texts)
    assert (s.images, s.stored) == (len(images), sum(1 for i in images if i.ref))
    assert s.captions == sum(1 for d in documents for t in d.texts if t.of is not None)
    assert s.languages == dict(Counter(d.language for d in documents).most_common())
    assert s.roles == dict(Counter(t.role for d in documents for t in d.texts))
    assert sum(s.roles.values()) == s.parts - s.images
    assert s.hosts == {"example.org": 24, "(none)": 1}
    assert s.sources == {"manual": 25}
    assert s.years["2020"] == 6
    assert s.images_per_document.bins == {"0": 0, "1": 0, "2": 25}
    assert sum(s.words_per_document.bins.values()) == s.documents
    assert s.image_sides["128–255"] == sum(1 for i in images if 128 <= max(i.width, i.height) < 256)
    assert s.image_sides["unknown"] == 1
    assert s.formats == {"image/png": 48, "image/svg+xml": 1}
    assert s.media_bytes == sum(info.size for info in corpus.media_infos())
    assert s.bytes == sum(size for commit in corpus.commits for size in commit.files.values())
    assert (s.rejected, s.rejects) == (2, {"SourceError": 1, "timeout": 1})
    assert json.loads(json.dumps(s.to_dict()))["documents"] == s.documents


def test_stages_lead_from_what_was_read_to_what_is_left(corpus: Corpus) -> None:
    s = statistics(corpus)
    assert [stage.step for stage in s.stages] == ["language", "images", "near-duplicates"]
    # 25 kept, a page in another language and two twins dropped; 50 images kept, 24 icons and the twins' 4 dropped.
    assert (s.documents_read, s.images_read) == (28, 78)
    assert [stage.documents_left for stage in s.stages] == [27, 27, 25]
    assert [stage.images_left for stage in s.stages] == [78, 54, 50]
    assert s.stages[-1].documents_left == s.documents
    assert s.stages[1].reasons == {"too-small": 25, "caption-of-dropped": 24}
    assert s.stages[0].noted == 24


def test_words_are_counted_as_python_splits_them(tmp_path: Path) -> None:
    corpus = Corpus.create(str(tmp_path / "c"))
    texts = ["", "  a  b ", "a\u00a0b\u3000c", "\n\t", "a\u2009b\x1cc\x85d", "\u200b x", "漢字 かな"]
    corpus.append([Document(f"{i:020x}", (Text(0, text), Image(1, url="x"))) for i, text in enumerate(texts)])
    assert statistics(corpus).words == sum(len(text.split()) for text in texts)


def test_kept_statistics_are_those_of_just_these_batches(tmp_path: Path) -> None:
    corpus = make_corpus(str(tmp_path / "c"), pages=4)
    first = kept_statistics(corpus)
    (name,) = [n for n in corpus.store.names("index") if n.startswith("statistics-")]
    assert kept_statistics(corpus) == first == statistics(corpus, KEPT_TOP)
    corpus.append([Document("ab", (Text(0, "one more"),))])
    assert kept_statistics(corpus).documents == first.documents + 1
    (after,) = [n for n in corpus.store.names("index") if n.startswith("statistics-")]
    assert after != name
    corpus.store.write(f"index/{after}", b'{"documents": 1')
    assert kept_statistics(corpus).documents == first.documents + 1


def test_long_lists_are_cut_and_the_rest_is_summed(tmp_path: Path) -> None:
    corpus = Corpus.create(str(tmp_path / "c"))
    corpus.append(Document(f"{i:020x}", (Text(0, "x"),), language=f"l{i // 2}") for i in range(10))
    s = statistics(corpus, top=3)
    assert len(s.languages) == 4
    assert s.languages["(other)"] == 4
    assert sum(s.languages.values()) == 10


def test_an_empty_corpus_has_figures_too(tmp_path: Path) -> None:
    corpus = Corpus.create(str(tmp_path / "c"))
    s = statistics(corpus)
    assert (s.documents, s.words, s.stages, s.images_per_document.bins) == (0, 0, [], {})
    assert "0 documents" in card(corpus, s)


@given(st.dictionaries(st.integers(0, 10**7), st.integers(1, 10**6), min_size=1, max_size=30))
def test_a_spread_loses_no_document(counts: dict[int, int]) -> None:
    found = spread(counts)
    assert sum(found.bins.values()) == sum(counts.values())
    assert found.p10 <= found.median <= found.p90 <= found.most == max(counts)
    edges = [int(edge) for edge in found.bins]
    assert edges == sorted(edges)
    for low, high in pairwise(edges):
        assert found.bins[str(low)] == sum(n for value, n in counts.items() if low <= value < high)


def test_steps_have_settings_and_reasons_with_thresholds(corpus: Corpus) -> None:
    images = next(step for step in ledger.steps(corpus) if step.name == "images")
    assert (images.use, images.settings) == ("image-size", {"min_side": 150})
    small = next(r for r in images.reasons if r.reason == "too-small")
    assert (small.images, small.texts, small.parts) == (24, 1, 25)
    assert (small.value, small.threshold) == ((1.0, 16.0), (150.0, 150.0))


def test_examples_are_a_sample_of_all_batches_and_the_same_each_time(corpus: Corpus) -> None:
    first, again = (ledger.details(corpus, "images", examples=5) for _ in range(2))
    small = first[0]
    assert (small.reason, small.seen, len(small.examples), small.thresholds) == ("too-small", 25, 5, [150.0])
    assert sorted(small.values) == [1.0] + [16.0] * 24
    assert first == again
    assert ledger.details(corpus, "no such step") == []


def test_why_finds_a_document_by_the_beginning_of_its_id(corpus: Corpus) -> None:
    id = document_id("manual/page-03.html")
    (fate,) = why(corpus, id[:10]).fates
    assert (fate.id, fate.status, fate.batch) == (id, "reduced", "00000000")
    assert [e.sentence for e in fate.drops] == [
        "images dropped part 8: too-small (16 against a threshold of 150)",
        "images dropped part 12: caption-of-dropped, 8",
    ]
    assert "icon-3.png" in fate.drops[0].what


@pytest.mark.parametrize("name", ["https://example.org/page-04.html", "manual/page-04.html", "page-04.html"])
def test_why_finds_a_page_by_its_address(corpus: Corpus, name: str) -> None:
    assert [fate.id for fate in why(corpus, name).fates] == [document_id("manual/page-04.html")]


@pytest.mark.parametrize("name", ["manual/copy-1.html", "copy-1.html", document_id("manual/copy-1.html")])
def test_why_finds_a_dropped_document(corpus: Corpus, name: str) -> None:
    (fate,) = why(corpus, name).fates
    assert (fate.status, fate.title) == ("dropped", "How to crop, part 1")
    assert fate.told[0].sentence.startswith(
        "near-duplicates dropped the document: near-duplicate (0.93 against a threshold of 0.7)"
    )


def test_why_finds_images_kept_and_dropped(corpus: Corpus) -> None:
    kept = sha256(png(240, 160, 7 * 2))
    trace = why(corpus, kept)
    assert trace.media["mime"] == "image/png"
    assert [match.here for match in trace.fates[0].matched] == [True]
    for name in (sha256(png(16, 16, 2))[:12], "https://example.org/icon-2.png", "icon-2.png"):
        (fate,) = why(corpus, name).fates
        assert [match.here for match in fate.matched] == [False]
        assert [e.reason for e in fate.told] == ["too-small"]


def test_why_finds_rejects_and_knows_what_was_never_seen(corpus: Corpus) -> None:
    trace = why(corpus, "manual/broken.html")
    assert [r.error for r in trace.rejects] == ["SourceError"]
    assert not why(corpus, "0123456789abcdef0123")
    assert not why(corpus, "https://example.org/never")
    with pytest.raises(LimnerError, match="name a document"):
        why(corpus, "  ")


def test_dropped_parts_and_documents_come_back_as_they_were(corpus: Corpus) -> None:
    id = document_id("manual/page-05.html")
    parts = [part for _, part in dropped_parts(corpus, id)]
    assert parts == [
        Image(8, sha256(png(16, 16, 5)), "https://example.org/icon-5.png", "tip", 16, 16),
        Text(12, "Share this page 5"),
    ]
    twin = dropped_document(corpus, document_id("manual/copy-0.html"))
    assert twin is not None
    assert twin.parts == page(0, ["", ""]).parts
    assert dropped_document(corpus, id) is None


def test_the_card_tells_counts_sources_steps_and_limits(corpus: Corpus) -> None:
    text = card(corpus)
    assert "25 documents" in text
    assert "| images | 0 | 24 | 25 | 0 | 27 |" in text
    assert "min\\_side `150`" in text or "min_side `150`" in text
    assert "limner build manual -o corpus --plan sample" in text
    assert "1 image is named by address only" in text
    assert ATTACK not in text


def test_the_card_shows_code_as_it_is(tmp_path: Path) -> None:
    from markdown_it import MarkdownIt

    sources = ["pages|old", "`ticks`|x", "a \\| b"]
    steps = [{"use": "url-rules", "name": "rules", "deny": ["/(tag|user)/", "<b>|`"]}]
    made = Corpus.create(tmp_path / "c", {"plan": {"sources": sources, "steps": steps}})
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(card(made))
    code = [inline.content for token in tokens for inline in token.children or () if inline.type == "code_inline"]
    assert code[: len(sources)] == sources
    assert json.dumps(steps[0]["deny"]) in code


def test_a_notebook_shows_a_corpus_and_documents_with_images_inside(corpus: Corpus) -> None:
    assert "<b>25</b> documents" in corpus._repr_html_()
    shown = corpus.show(document_id("manual/page-00.html"))._repr_html_()
    assert shown.count('src="data:image/png;base64,') == 2
    assert "<figcaption>Figure 0" in shown
    evil = standalone(corpus, corpus[document_id("manual/evil.html")])
    assert "<script" not in evil
    assert "onerror=" not in evil.replace("onerror=&#34;", "")
    assert EVIL_SVG.decode() not in evil


def test_images_in_a_notebook_are_bounded(tmp_path: Path) -> None:
    data = png(8, 8, 1) + bytes(MOST_IMAGE)
    corpus = Corpus.create(str(tmp_path / "c"))
    document = Document("aa", (Image(0, sha256(data)),))
    corpus.append([document], {sha256(data): data})
    assert data_uris(corpus, document) == {}
    assert list(data_uris(corpus, document, most_image=2 * MOST_IMAGE)) == [sha256(data)]
