"""A corpus brought up to date: what changed is read again and takes its place, what is gone goes, what is new comes last."""

from __future__ import annotations

from pathlib import Path

import pytest

from limner import Corpus
from limner.corpus.keeping import check
from limner.corpus.keeping.takedown import takedown
from limner.corpus.keeping.takelist import read_list
from limner.errors import PlanError
from limner.pipeline import Plan, build
from limner.pipeline.update import update
from limner.sources.files import FolderSource
from pipeline.pages import write_site
from pipeline.test_build import plan


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_site(tmp_path / "site", pages=9)


def test_changed_new_and_gone_pages(site: Path, tmp_path: Path) -> None:
    out, source = str(tmp_path / "corpus"), [FolderSource(str(site))]
    build(plan(batch=4), out, sources=source)
    before = {d.source: d for d in Corpus.open(out)}

    page = site / "page003.html"
    page.write_text(page.read_text().replace("<p>", "<p>Quite another beginning of this paragraph. ", 1))
    (site / "page005.html").unlink()
    (site / "page990.html").write_text((site / "page001.html").read_text().replace("Page 1", "Page 990").replace("the", "that"))
    changes, summary = update(plan(batch=4), out, sources=source)

    assert (changes.changed, changes.gone, changes.new) == (
        ("site/page003.html",),
        ("site/page005.html",),
        ("site/page990.html",),
    )
    corpus = Corpus.open(out)
    after = {d.source: d for d in corpus}
    assert list(after) == [*(name for name in before if name != "site/page005.html"), "site/page990.html"]
    assert "Quite another beginning" in after["site/page003.html"].text
    assert all(after[name] == before[name] for name in before if name in after and name != "site/page003.html")
    assert all(corpus.media(image.ref) for d in corpus for image in d.images)
    assert summary.counts["documents"] == len(after)
    assert not check(corpus.store)

    again, _ = update(plan(batch=4), out, sources=source)
    assert not again.new
    assert not again.changed
    assert not again.gone


def test_another_plan_cannot_bring_it_up_to_date(site: Path, tmp_path: Path) -> None:
    build(plan(), str(tmp_path / "c"), sources=[FolderSource(str(site))])
    with pytest.raises(PlanError, match=r"another plan"):
        update(Plan(), str(tmp_path / "c"), sources=[FolderSource(str(site))])


def test_what_was_taken_down_does_not_come_back(site: Path, tmp_path: Path) -> None:
    out, source = str(tmp_path / "c"), [FolderSource(str(site))]
    build(plan(), out, sources=source)
    corpus = Corpus.open(out)
    victim = next(iter(corpus))
    takedown(corpus, read_list(f"document:{victim.id}"))
    page = site / victim.source.rpartition("/")[2]
    page.write_text(page.read_text().replace("<p>", "<p>Changed so that it is read again. ", 1))
    update(plan(), out, sources=source)
    assert victim.id not in {d.id for d in Corpus.open(out)}
