"""Lists of URLs and sitemaps."""

from __future__ import annotations

import gzip
import pickle
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.errors import SourceError
from limner.sources.fetch import FetchSettings
from limner.sources.sitemap import Sitemap, parse_sitemap
from limner.sources.source import Fetching, Input, Source
from limner.sources.urls import SitemapSource, UrlSource
from sources.site import Held, Reply, Site, page

SETTINGS = FetchSettings(allow_private=True, rate=1000.0, backoff=0.01, tries=1)
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urlset(*urls: str) -> str:
    return f'<?xml version="1.0"?><urlset {NS}>' + "".join(f"<url><loc>{u}</loc></url>" for u in urls) + "</urlset>"


def test_a_list_names_each_url_once_in_order(tmp_path: Path) -> None:
    path = tmp_path / "urls.txt"
    path.write_text("# mine\nhttps://a.org/2\n\n https://a.org/1#x \nhttps://a.org/1 # again\nhttps://a.org/#/route\n")
    source = UrlSource(urls=("https://a.org/0",), file=str(path))
    assert [i.name for i in source.inputs()] == ["https://a.org/0", "https://a.org/2", "https://a.org/1", "https://a.org/"]
    packed = tmp_path / "urls.txt.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert len(list(UrlSource(file=str(packed)).inputs())) == 3
    assert isinstance(source, Source)
    assert isinstance(source, Fetching)
    assert pickle.loads(pickle.dumps(source)) == source


def test_pages_are_fetched_in_one_step_and_read_in_another(site: Site, held: Held) -> None:
    site["/a"] = page('<img src="/i.png" width=99 height=99>', title="A")
    source = UrlSource(urls=(f"{site.url}/a", f"{site.url}/b"), settings=SETTINGS)
    inputs = list(source.inputs())
    with pytest.raises(SourceError, match="not fetched yet"):
        list(source.read(inputs[0], held))
    done: list[int] = []
    source.fetch(inputs, done.append)
    assert sum(done) == 2
    asked = len(site.seen)
    (document,) = source.read(inputs[0], held)
    assert (document.title, document.source, document.images[0].url) == ("A", f"{site.url}/a", f"{site.url}/i.png")
    with pytest.raises(SourceError, match="/b: status 404"):
        list(source.read(inputs[1], held))
    assert len(site.seen) == asked


def test_a_page_that_is_no_page_raises(site: Site, held: Held) -> None:
    site["/a"] = Reply(b"\x28\xb5\x2f\xfd" + bytes(100), headers={"Content-Type": "text/html"})
    source = UrlSource(urls=(f"{site.url}/a",), settings=SETTINGS)
    source.fetch(list(source.inputs()), lambda _: None)
    with pytest.raises(SourceError, match="no reader"):
        list(source.read(Input(f"{site.url}/a", f"{site.url}/a"), held))


def test_a_sitemap_index_leads_to_pages_of_its_host(site: Site) -> None:
    site["/sitemap.xml"] = (
        f"<sitemapindex {NS}><sitemap><loc>{site.url}/1.xml.gz</loc></sitemap><sitemap><loc>{site.url}/2.txt</loc></sitemap>"
        f"<sitemap><loc>{site.url}/none.xml</loc></sitemap><sitemap><loc>{site.url}/sitemap.xml</loc></sitemap></sitemapindex>"
    )
    site["/1.xml.gz"] = Reply(gzip.compress(urlset(f"{site.url}/a", "https://other.org/x", f"{site.url}/b").encode()))
    site["/2.txt"] = f"{site.url}/c\n{site.url}/a\n"
    source = SitemapSource(url=f"{site.url}/sitemap.xml", settings=SETTINGS)
    names = [input.name.removeprefix(site.url) for input in source.inputs()]
    assert names == ["/a", "/b", "/c"]
    asked = len(site.seen)
    assert len(list(source.inputs())) == 3
    assert len(site.asked("/sitemap.xml")) == 1
    assert len(site.seen) <= asked + 1
    assert "https://other.org/x" in [i.name for i in SitemapSource(url=source.url, settings=SETTINGS, other_hosts=True).inputs()]


def test_a_sitemap_that_is_none_raises(site: Site) -> None:
    site["/sitemap.xml"] = page()
    with pytest.raises(SourceError, match="not a sitemap"):
        list(SitemapSource(url=f"{site.url}/sitemap.xml", settings=SETTINGS).inputs())
    with pytest.raises(SourceError, match="status 404"):
        list(SitemapSource(url=f"{site.url}/none.xml", settings=SETTINGS).inputs())


def test_only_the_locations_of_pages_count() -> None:
    data = (
        f'<urlset {NS} xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><loc>https://a.org/?a=1&amp;b=2</loc>'
        "<lastmod>2026-01-02</lastmod><image:image><image:loc>https://a.org/i.png</image:loc></image:image></url>"
        "<url><image:loc>https://a.org/j.png</image:loc></url></urlset>"
    )
    assert parse_sitemap(data.encode()).pages == (("https://a.org/?a=1&b=2", "2026-01-02"),)


def test_what_stands_before_damage_is_kept() -> None:
    found = parse_sitemap(urlset("https://a.org/1", "https://a.org/2").encode()[:-30])
    assert [url for url, _ in found.pages] == ["https://a.org/1"]
    assert found.damage


@pytest.mark.parametrize(
    "bad",
    [
        b'<?xml version="1.0"?><!DOCTYPE u [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>',
        b'<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>&x;</loc></url></urlset>',
        b'<!DOCTYPE u [<!ENTITY % x SYSTEM "http://127.0.0.1/x">%x;]><urlset></urlset>',
        b"<urlset>" + b"<a>" * 100_000,
        gzip.compress(b"<urlset>" + bytes(70_000_000)),
        b"<rss></rss>",
        b"",
        b"\0\1\2",
    ],
)
def test_hostile_sitemaps_are_refused(bad: bytes) -> None:
    with pytest.raises(SourceError):
        parse_sitemap(bad)


@settings(max_examples=40)
@given(st.lists(st.from_regex(r"https?://[a-z]{1,9}\.org/[a-z0-9?&=<>\"']{0,12}", fullmatch=True), max_size=9))
def test_any_urls_round_trip(urls: list[str]) -> None:
    from xml.sax.saxutils import escape

    assert [url for url, _ in parse_sitemap(urlset(*map(escape, urls)).encode()).pages] == urls


@given(st.binary(max_size=400))
def test_any_bytes_are_a_sitemap_or_an_error(data: bytes) -> None:
    for start in (b"", b"<urlset><url><loc>"):
        with suppress(SourceError):
            assert isinstance(parse_sitemap(start + data), Sitemap)
