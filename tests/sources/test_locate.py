"""What a SOURCE argument means."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from limner.errors import SourceError
from limner.sources.fetch import FetchSettings
from limner.sources.files import FolderSource
from limner.sources.locate import source
from limner.sources.many import ManySources
from limner.sources.package import PackageSource
from limner.sources.source import Source
from limner.sources.urls import SitemapSource, UrlSource
from limner.sources.warc import WarcSource
from sources.site import Held, page
from sources.test_warc import pages, write


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("https://example.org/", UrlSource),
        ("https://example.org/guide.html", UrlSource),
        ("https://example.org/sitemap.xml", SitemapSource),
        ("https://example.org/sitemap_index.xml.gz?x=1", SitemapSource),
        ("https://example.org/sitemap", SitemapSource),
        ("https://example.org/CC-MAIN.warc.gz", WarcSource),
        ("s3://bucket/CC-MAIN.warc.gz", WarcSource),
        ("pip:sasview==6.1.3#sas/docs", PackageSource),
    ],
)
def test_addresses(text: str, kind: type) -> None:
    found = source(text, extractor="x:y")
    assert type(found) is kind
    assert isinstance(found, Source)
    assert found.extractor == "x:y"  # type: ignore[attr-defined]


def test_files_and_folders_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "a.html").write_text(page())
    write(tmp_path / "crawl.gz", pages(1)).rename(tmp_path / "crawl")
    write(tmp_path / "crawl.warc", pages(1))
    (tmp_path / "urls.txt").write_text("# list\n\nhttps://a.org/\n")
    (tmp_path / "map.xml").write_text("<urlset><url><loc>https://a.org/</loc></url></urlset>")
    (tmp_path / "a.html").write_text(page())
    kinds = {
        "site": FolderSource,
        "a.html": FolderSource,
        "crawl": WarcSource,
        "crawl.warc": WarcSource,
        "urls.txt": UrlSource,
        "map.xml": UrlSource,
    }
    assert {name: type(source(str(tmp_path / name))) for name in kinds} == kinds
    listed = source(f"@{tmp_path / 'urls.txt'}")
    assert [i.name for i in listed.inputs()] == ["https://a.org/"]


def test_a_folder_of_warcs_and_pages_is_both(tmp_path: Path, held: Held) -> None:
    write(tmp_path / "a.warc.gz", pages(2))
    assert type(source(str(tmp_path))) is WarcSource
    (tmp_path / "b.html").write_text(page(title="B"))
    both = source(str(tmp_path))
    assert type(both) is ManySources
    assert [d.title for i in both.inputs() for d in both.read(i, held)] == ["B", "Page 0", "Page 1"]
    assert [i.name for i in both.inputs()] == [f"{tmp_path.name}/b.html", f"{tmp_path.name}/a.warc.gz@0"]


def test_the_fetchers_settings_come_from_a_plan_checked() -> None:
    found = source("https://example.org/", fetch={"rate": 2, "contact": "me@example.org"})
    assert isinstance(found, UrlSource)
    assert found.settings == FetchSettings(rate=2, contact="me@example.org")
    with pytest.raises(SourceError, match="no setting 'rates'"):
        source("https://example.org/", fetch={"rates": 2})
    with pytest.raises(SourceError, match=r"fetch\.rate is 'fast'"):
        source("https://example.org/", fetch={"rate": "fast"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no-such-folder", "no such file or folder"),
        ("@no-such-list", "no such file of URLs"),
        ("data:sasview", "limner data get sasview"),
        ("data:nope", "there is no data set"),
        ("ftp://example.org/", "only WARC files"),
        ("pip:x", "pip:NAME==VERSION#folder"),
        ("http://[bad/", "not a URL"),
    ],
)
def test_what_is_none_says_what_it_could_be(text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIMNER_DATA", str(tmp_path))
    with pytest.raises(SourceError, match=says):
        source(text)


def test_a_text_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Dear diary\nhttps://a.org/\n")
    with pytest.raises(SourceError, match="not a list of URLs"):
        source(str(tmp_path / "notes.txt"))
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"\0\1"))
    assert type(source(str(tmp_path / "a.gz"))) is FolderSource
