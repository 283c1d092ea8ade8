"""The fetcher against servers that behave well and badly."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import brotli
import pytest

from limner.errors import SourceError
from limner.sources.fetch import Fetcher, FetchSettings
from limner.sources.images import attach_cached, fetch_images, image_urls
from limner.sources.urls import UrlSource
from limner.sources.webcache import Entry
from sources.site import Held, Reply, Request, Site, page, png, serving


def quick(**changes: object) -> FetchSettings:
    """Settings for a server of the test's own: allowed, and in no hurry to be polite."""
    given: dict[str, object] = {"allow_private": True, "rate": 1000.0, "backoff": 0.02, "timeout": 5.0, **changes}
    return FetchSettings(**given)  # type: ignore[arg-type]


def fetch(url: str, **changes: object) -> Entry:
    return Fetcher(quick(**changes)).one(url)


def test_a_page_is_fetched_once_and_says_who_asks(site: Site) -> None:
    site["/a"] = page()
    fetcher = Fetcher(quick(contact="mailto:crawl@example.org"))
    assert fetcher.fetch([f"{site.url}/a#top", f"{site.url}/a"]) == {
        "new": 2,
        "changed": 0,
        "unchanged": 0,
        "cached": 0,
        "failed": 0,
    }
    entry = fetcher.one(f"{site.url}/a")
    assert entry.ok
    assert fetcher.cache.body(entry) == page().encode()
    (request,) = site.asked("/a")
    assert request.headers["user-agent"] == "limner/1 (+mailto:crawl@example.org)"
    assert [r.path for r in site.seen[:2]] == ["/robots.txt", "/.well-known/tdmrep.json"]
    assert fetcher.fetch([f"{site.url}/a"])["cached"] == 1


def test_progress_counts_every_url(site: Site) -> None:
    site["/a"] = page()
    counted: list[int] = []
    Fetcher(quick()).fetch([f"{site.url}/a", f"{site.url}/b", f"{site.url}/a", "ftp://x/"], counted.append)
    assert sum(counted) == 4


# robots.txt


def test_robots_txt_is_obeyed(site: Site) -> None:
    site["/robots.txt"] = "User-agent: *\nDisallow: /private\n\nUser-agent: limner\nDisallow: /not-for-limner\n"
    for path in ("/private", "/not-for-limner"):
        site[path] = page()
    assert fetch(f"{site.url}/private").ok
    entry = fetch(f"{site.url}/not-for-limner")
    assert entry.reason == "disallowed by robots.txt"
    assert not entry.transient
    assert site.asked("/not-for-limner") == []
    assert len(site.asked("/robots.txt")) == 1


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (403, True), (410, True), (500, False), (503, False), (429, False)])
def test_a_missing_robots_txt_allows_and_an_unreachable_one_forbids(site: Site, status: int, allowed: bool) -> None:
    site["/robots.txt"] = Reply("", status)
    site["/a"] = page()
    entry = fetch(f"{site.url}/a", tries=1)
    assert entry.ok == allowed
    assert allowed or entry.transient
    if not allowed:
        site["/robots.txt"] = "User-agent: *\nAllow: /\n"
        assert fetch(f"{site.url}/a").ok


def test_a_redirected_robots_txt_counts(site: Site) -> None:
    site["/robots.txt"] = Reply("", 301, {"Location": "/other.txt"})
    site["/other.txt"] = "User-agent: *\nDisallow: /\n"
    site["/a"] = page()
    assert fetch(f"{site.url}/a").reason == "disallowed by robots.txt"


def test_crawl_delay_is_kept_within_its_bound(site: Site) -> None:
    site["/robots.txt"] = "User-agent: *\nCrawl-delay: 100\n"
    urls = [f"{site.url}/{i}" for i in range(3)]
    for i in range(3):
        site[f"/{i}"] = page()
    Fetcher(quick(max_crawl_delay=0.4)).fetch(urls)
    times = [request.at for request in site.seen if request.path in ("/0", "/1", "/2")]
    # Arrivals, seen from a busy machine, may stand closer than departures did.
    assert times[2] - times[0] >= 0.6


def test_ai_txt_is_obeyed_where_it_is_asked_for(site: Site) -> None:
    site["/ai.txt"] = "User-Agent: *\nDisallow: /art\n"
    site["/art/1"] = page()
    assert fetch(f"{site.url}/art/1").ok
    assert fetch(f"{site.url}/art/1", ai_txt=True, max_age=0.0).reason == "disallowed by ai.txt"


# Opt-outs


@pytest.mark.parametrize(
    ("headers", "head", "reason"),
    [
        ({"X-Robots-Tag": "noindex, noai"}, "", "noai (X-Robots-Tag)"),
        ({"X-Robots-Tag": "otherbot: noai"}, "", ""),
        ({}, '<meta name="ROBOTS" content="index, NoAI">', "noai (meta robots)"),
        ({"tdm-reservation": "1"}, "", "tdm-reservation (header)"),
        ({"tdm-reservation": "1"}, '<meta name="tdm-reservation" content="0">', ""),
        ({"tdm-reservation": "0"}, '<meta name="tdm-reservation" content="1">', "tdm-reservation (meta)"),
    ],
)
def test_reserved_pages_are_not_kept(site: Site, headers: dict[str, str], head: str, reason: str) -> None:
    site["/a"] = Reply(page(head=head), headers=headers)
    entry = fetch(f"{site.url}/a")
    assert entry.reason == (f"reserved by its owner: {reason}" if reason else "")
    assert (Fetcher(quick()).cache.body(entry) is None) == bool(reason)
    assert fetch(f"{site.url}/a", optouts=False, max_age=0.0).ok


def test_tdmrep_json_reserves_by_path(site: Site) -> None:
    site["/.well-known/tdmrep.json"] = '[{"location": "/photos/*", "tdm-reservation": 1}]'
    site["/photos/a"] = page()
    site["/photos/b"] = Reply(page(), headers={"tdm-reservation": "0"})
    site["/text"] = page()
    assert fetch(f"{site.url}/photos/a").reason == "reserved by its owner: tdm-reservation (tdmrep.json)"
    assert fetch(f"{site.url}/photos/b").ok
    assert fetch(f"{site.url}/text").ok


def test_images_come_unless_they_or_their_page_are_reserved(site: Site, held: Held) -> None:
    site["/a.png"] = Reply(png(), headers={"Content-Type": "image/png"})
    site["/b.png"] = Reply(png(9, 9), headers={"Content-Type": "image/png", "X-Robots-Tag": "noimageai"})
    site["/c.png"] = Reply("<html>sorry</html>", headers={"Content-Type": "image/png"})
    images = '<img src="a.png" width=99 height=99><img src="b.png" width=99 height=99><img src="c.png" width=99 height=99>'
    site["/open"] = page(images)
    site["/closed"] = page(images, '<meta name="robots" content="noimageai">')
    settings = quick()
    source = UrlSource(urls=(f"{site.url}/open", f"{site.url}/closed"), settings=settings)
    inputs = list(source.inputs())
    source.fetch(inputs, lambda _: None)
    opened, closed = (document for input in inputs for document in source.read(input, held))
    assert list(image_urls(opened)) == [f"{site.url}/{name}.png" for name in "abc"]
    assert list(image_urls(closed)) == []
    assert fetch_images(image_urls(opened), Fetcher(settings)) == {
        "new": 2,
        "changed": 0,
        "unchanged": 0,
        "cached": 0,
        "failed": 1,
    }
    assert [(i.width, bool(i.ref)) for i in attach_cached(opened, settings, held).images] == [
        (40, True),
        (99, False),
        (99, False),
    ]
    assert not any(i.ref for i in attach_cached(closed, settings, held).images)


# Trouble


def test_busy_servers_are_asked_again_when_they_say(site: Site) -> None:
    replies = iter([Reply("", 429, {"Retry-After": "1"}), Reply("", 503), Reply(page())])
    site["/a"] = lambda _: next(replies)
    assert fetch(f"{site.url}/a").ok
    first, second, third = (request.at for request in site.asked("/a"))
    assert second - first >= 0.8
    assert third > second


def test_a_wait_beyond_the_limit_is_left_for_a_later_run(site: Site) -> None:
    site["/a"] = Reply("", 429, {"Retry-After": "3600"})
    entry = fetch(f"{site.url}/a")
    assert entry.reason == "status 429: the site asks to wait 3600 s"
    assert entry.transient
    site["/a"] = page()
    assert fetch(f"{site.url}/a").ok


def test_what_fails_for_good_is_not_asked_again(site: Site) -> None:
    assert fetch(f"{site.url}/none").reason == "status 404"
    assert fetch(f"{site.url}/none").status == 404
    assert len(site.asked("/none")) == 1
    source = UrlSource(urls=(f"{site.url}/none",), settings=quick())
    with pytest.raises(SourceError, match="status 404"):
        list(source.read(next(iter(source.inputs())), Held()))


def test_slow_bodies_meet_the_deadline(site: Site) -> None:
    site["/a"] = Reply((b"x" for _ in range(200)), pause=0.1)
    started = time.monotonic()
    entry = fetch(f"{site.url}/a", deadline=0.6, tries=1)
    assert entry.reason == "not done within 0.6 s"
    assert time.monotonic() - started < 3


def test_silence_meets_the_timeout(site: Site) -> None:
    site["/a"] = Reply([b"x"], pause=5)
    assert fetch(f"{site.url}/a", timeout=0.3, tries=1).reason == "silent for 0.3 s"


def test_endless_bodies_and_large_ones_meet_the_limit(site: Site) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(65536)

    site["/endless"] = lambda _: Reply(endless())
    site["/large"] = b"x" * 300_000
    assert fetch(f"{site.url}/endless", max_bytes=200_000).reason == "more than 200000 bytes"
    assert fetch(f"{site.url}/large", max_bytes=200_000).reason == "300000 bytes, more than the limit of 200000"


@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, "gzip"), (brotli.compress, "br")])
def test_compressed_bodies_are_undone_and_bombs_refused(site: Site, pack: object, name: str) -> None:
    assert callable(pack)
    site["/a"] = Reply(pack(page().encode()), headers={"Content-Encoding": name})
    site["/bomb"] = Reply(pack(bytes(5_000_000)), headers={"Content-Encoding": name})
    fetcher = Fetcher(quick(max_bytes=1_000_000))
    assert fetcher.cache.body(fetcher.one(f"{site.url}/a")) == page().encode()
    assert fetcher.one(f"{site.url}/bomb").reason == "its body is more than 1000000 bytes once decompressed"


def test_redirects_are_followed_counted_and_not_in_circles(site: Site) -> None:
    for i in range(9):
        site[f"/{i}"] = Reply("", 302, {"Location": f"/{i + 1}"})
    site["/9"] = page('<img src="i.png" width=99 height=99>')
    site["/circle"] = Reply("", 301, {"Location": "/circle"})
    entry = fetch(f"{site.url}/5")
    assert (entry.ok, entry.final) == (True, f"{site.url}/9")
    assert fetch(f"{site.url}/0").reason == "more than 5 redirects"
    assert fetch(f"{site.url}/circle").reason == "redirects in a circle"
    source = UrlSource(urls=(f"{site.url}/5",), settings=quick())
    (document,) = source.read(next(iter(source.inputs())), Held())
    assert document.images[0].url == f"{site.url}/i.png"


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "ftp://example.org/", "javascript:alert(1)", "http://user:pw@example.org/", "http://[bad/"]
)
def test_redirects_to_what_is_no_web_page_fail(site: Site, to: str) -> None:
    site["/a"] = Reply("", 302, {"Location": to})
    entry = fetch(f"{site.url}/a")
    assert "not a URL that can be fetched" in entry.reason or "which is no URL" in entry.reason


def test_every_hop_is_checked_against_robots_txt(site: Site) -> None:
    with serving() as other:
        other["/robots.txt"] = "User-agent: *\nDisallow: /\n"
        other["/b"] = page()
        site["/a"] = Reply("", 302, {"Location": f"{other.url}/b"})
        assert fetch(f"{site.url}/a").reason == "disallowed by robots.txt"
        assert other.asked("/b") == []


def test_a_server_that_is_not_there_is_tried_and_named(site: Site) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        entry = fetch(f"http://127.0.0.1:{taken.getsockname()[1]}/", robots=False, optouts=False, tries=2)
    assert entry.transient
    assert "ConnectError" in entry.reason


def test_a_charset_that_is_wrong_is_seen_through(site: Site) -> None:
    site["/a"] = Reply(
        page("<p>Zażółć gęślą jaźń, powiedział stary bednarz i poszedł dalej.</p>"),
        headers={"Content-Type": "text/html; charset=x-none"},
    )
    source = UrlSource(urls=(f"{site.url}/a",), settings=quick())
    inputs = list(source.inputs())
    source.fetch(inputs, lambda _: None)
    (document,) = source.read(inputs[0], Held())
    assert "Zażółć gęślą jaźń" in document.text


# Addresses


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "127.1"]
)
def test_this_machine_is_not_fetched_from(site: Site, host: str) -> None:
    port = site.url.rpartition(":")[2]
    entry = fetch(f"http://{host}:{port}/a", allow_private=False, robots=False, optouts=False, tries=1)
    assert "public internet" in entry.reason
    assert site.seen == []


@pytest.mark.parametrize("named", [True, False])
def test_a_redirect_to_a_private_address_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    """Here 127.0.0.1 stands for the public internet. The hop is refused by its URL, and if not, where it connects."""
    port = site.url.rpartition(":")[2]
    site["/a"] = Reply("", 302, {"Location": f"http://127.0.0.2:{port}/b"})
    monkeypatch.setattr("limner.sources.addresses.is_public", lambda address: address == "127.0.0.1")
    if named:
        monkeypatch.setattr("limner.sources.session.is_public", lambda _: True)
    entry = fetch(f"http://localhost:{port}/a", allow_private=False, tries=1)
    assert len(site.asked("/a")) == 1
    assert "public internet" in entry.reason


# Pace


def test_a_hosts_rate_holds_and_hosts_do_not_wait_for_each_other(site: Site) -> None:
    with serving() as other:
        urls = [f"{s.url}/{i}" for s in (site, other) for i in range(4)]
        started = time.monotonic()
        Fetcher(quick(rate=2.5, robots=False, optouts=False)).fetch(urls)
        took = time.monotonic() - started
        for s in (site, other):
            times = [request.at for request in s.seen]
            assert len(times) == 4
            assert all(b - a >= 0.2 for a, b in pairwise(times))
        assert took < 2.4


@pytest.mark.parametrize(("per_host", "most"), [(1, 1), (3, 3)])
def test_so_many_at_a_time_for_a_host(site: Site, per_host: int, most: int) -> None:
    flying = peak = 0

    def slow(_: Request) -> Reply:
        nonlocal flying, peak
        flying += 1
        peak = max(peak, flying)
        time.sleep(0.05)
        flying -= 1
        return Reply(page())

    for i in range(9):
        site[f"/{i}"] = slow
    Fetcher(quick(per_host=per_host, robots=False, optouts=False)).fetch([f"{site.url}/{i}" for i in range(9)])
    assert 1 <= peak <= most
    assert per_host == 1 or peak > 1


# The cache


def test_what_is_old_is_asked_for_again_by_its_etag(site: Site) -> None:
    version = "1"

    def answer(request: Request) -> Reply:
        if request.headers.get("if-none-match") == f'"{version}"':
            return Reply(b"", 304, {"ETag": f'"{version}"'})
        return Reply(page(title=f"Version {version}"), headers={"ETag": f'"{version}"'})

    site["/a"] = answer
    fetcher = Fetcher(quick(max_age=0.0))
    url = [f"{site.url}/a"]
    results = [fetcher.fetch(url), fetcher.fetch(url)]
    version = "2"
    results.append(fetcher.fetch(url))
    assert [next(k for k, v in result.items() if v) for result in results] == ["new", "unchanged", "changed"]
    assert b"Version 2" in (fetcher.cache.body(fetcher.one(url[0])) or b"")
    bodies = list(Path(fetcher.cache.folder).rglob("*.body"))
    assert len([b for b in bodies if b"Version" in b.read_bytes()]) == 1


def test_a_page_that_is_gone_for_now_stays_and_one_gone_for_good_goes(site: Site) -> None:
    site["/a"] = page()
    fetcher = Fetcher(quick(max_age=0.0, tries=1))
    url = f"{site.url}/a"
    fetcher.fetch([url])
    site["/a"] = Reply("", 503)
    assert fetcher.fetch([url])["failed"] == 1
    assert fetcher.cache.entry(url).ok  # type: ignore[union-attr]
    site["/a"] = Reply("", 410)
    assert fetcher.fetch([url])["failed"] == 1
    assert fetcher.cache.entry(url).reason == "status 410"  # type: ignore[union-attr]


def test_an_interrupted_fetch_goes_on(site: Site) -> None:
    for i in range(6):
        site[f"/{i}"] = page()
    urls = [f"{site.url}/{i}" for i in range(6)]

    def stop(_: int) -> None:
        if len([r for r in site.seen if r.path[1:].isdigit()]) >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Fetcher(quick()).fetch(urls, stop)
    result = Fetcher(quick()).fetch(urls)
    assert result["cached"] >= 2
    assert result["cached"] + result["new"] == 6


def test_a_damaged_cache_is_fetched_again(site: Site) -> None:
    site["/a"] = page()
    fetcher = Fetcher(quick())
    fetcher.fetch([f"{site.url}/a"])
    for path in Path(fetcher.cache.folder).rglob("*.json"):
        path.write_bytes(b"{")
    assert fetcher.fetch([f"{site.url}/a"])["new"] == 1
    for path in Path(fetcher.cache.folder).rglob("*.body"):
        path.unlink()
    assert fetcher.fetch([f"{site.url}/a"])["new"] == 1


def test_it_works_where_a_loop_runs_already(site: Site) -> None:
    site["/a"] = page()

    async def in_a_notebook() -> Entry:
        return fetch(f"{site.url}/a")

    assert asyncio.run(in_a_notebook()).ok
