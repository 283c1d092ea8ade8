"""Papers by day: what is shown of them, votes, subscriptions, and digests that a real server of mail takes, each once."""

from __future__ import annotations

import asyncio
import json
import re
import stat
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image as Picture

from corpus.reading import ATTACK, EVIL_SVG, png
from limner.cli.papers import command
from limner.corpus import Corpus
from limner.corpus.media import sha256
from limner.document import Document, Image, Part, Text
from limner.errors import LimnerError
from limner.recipes.mailtrial import Box, taking, until_it_lives
from limner.search import Search, Settings, index
from limner.serve.papers.board import Board, address
from limner.serve.papers.digest import Edition, Sender
from limner.serve.papers.digest import Settings as Digests
from limner.serve.papers.feed import Feed
from limner.serve.papers.paper import abstract, figure
from limner.serve.papers.picture import BYTES, inline
from limner.serve.papers.post import Sent, Server, connected, deliver

pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed")

TODAY, DAY = "2024-06-30", "2024-05-31"
INJECTED = "Kriging\r\nBcc: victim@example.org\r\n\r\n" + ATTACK
LONG = (
    "It is a long paragraph of the paper that says how all of it was done, step by step, and why it was not done otherwise. " * 15
)
PAPERS = [
    ("kriging", DAY, INJECTED, "We predict zinc in soil by ordinary kriging of measurements along a river."),
    ("mosaic", DAY, "Mosaic plots", "We draw contingency tables as mosaics, whose tiles are coloured by residuals."),
    ("rcpp", DAY, "Calling C++", "We call compiled functions of C++ from the language R without writing wrappers."),
    (
        "drawn",
        "2024-05-30",
        "A figure that can run",
        "We publish scalable drawings with script in them, which readers must never run.",
    ),
    ("undated", "", "No day at all", "We never said when this was written, and nor did the program that wrote it."),
]
SITE = Sender("papers@example.org", site="https://papers.example.org/")


def document(name: str, day: str, title: str, said: str, picture: bytes) -> Document:
    parts: tuple[Part, ...] = (
        Text(0, title, "heading", 1), Text(1, "Abstract", "heading", 2), Text(2, said), Text(3, "1. Introduction", "heading", 2), Text(4, LONG),
        Image(5, sha256(picture), width=240, height=160), Text(6, f"Figure 1: What came out of it. {ATTACK}", "caption", of=5),
    )  # fmt: skip
    return Document(name, parts, f"papers/{name}.pdf", title=title, language="en", meta={"date": day} if day else {})


def made(folder: Path) -> Corpus:
    corpus = Corpus.create(folder / "corpus")
    pictures = {name: EVIL_SVG if name == "drawn" else png(240, 160, i) for i, (name, *_) in enumerate(PAPERS)}
    documents = [document(*paper, pictures[paper[0]]) for paper in PAPERS]
    note = Document("note", (Text(0, "Too short to be a paper."),), "papers/note.txt")
    corpus.append([*documents, note], {sha256(data): data for data in pictures.values()})
    index(corpus, Settings())
    return corpus


def opened(folder: Path, today: str = TODAY) -> Feed:
    search = Search.open(str(folder / "corpus"))
    return Feed(search, Board.of(search.corpus), today)


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    made(tmp_path)
    return opened(tmp_path)


# Papers and days


def test_an_abstract_is_found_under_its_heading_behind_its_word_or_before_the_introduction():
    said = (
        "We show that this is so, in many ways and for many reasons, of which each is given here and none is left out, "
        "with its proof and its figures, and with what speaks against it."
    )
    heading, introduction = Text(0, "A title", "heading", 1), Text(8, "1 Introduction", "heading", 2)
    assert abstract(Document("a", (heading, Text(1, "ABSTRACT", "heading"), Text(2, said), introduction))) == said
    assert abstract(Document("a", (heading, Text(1, f"Abstract. {said}"), introduction))) == said
    assert abstract(Document("a", (heading, Text(1, "A university"), Text(2, said), introduction))) == said
    assert abstract(Document("a", (heading, Text(1, "Summary statistics are given."), Text(2, "x = 1 + 2" * 9)))) == ""


def test_the_figure_is_the_first_that_a_caption_numbers_and_no_formula():
    formula, photo, drawing = (
        Image(1, "a" * 64, width=300, height=120),
        Image(2, "b" * 64, width=90, height=90),
        Image(4, "c" * 64, width=90, height=90),
    )
    captions = Text(3, "The authors", "caption", of=2), Text(5, "Figure 1: A result", "caption", of=4)
    found = figure(Document("a", (formula, photo, captions[0], drawing, captions[1])))
    assert found is not None
    assert (found.ref, found.caption) == ("c" * 64, "Figure 1: A result")
    assert figure(Document("a", (Image(1, "a" * 64, width=120, height=20),))) is None


def test_papers_stand_by_their_days_and_what_has_none_by_when_it_came(feed: Feed, tmp_path: Path):
    assert feed.days == ["2024-05-30", DAY, TODAY]
    assert set(feed.of(DAY)) == {"kriging", "mosaic", "rcpp"}
    assert feed.near(DAY) == ("2024-05-30", TODAY)
    assert feed.paper("undated").dated == "seen"
    later = opened(tmp_path, "2025-01-01")
    assert later.paper("undated").day == TODAY
    assert "note" not in later


def test_a_day_that_is_still_to_come_is_no_day(tmp_path: Path):
    made(tmp_path)
    assert opened(tmp_path, "2024-05-30").paper("kriging").dated == "seen"


def test_papers_are_found_by_words_and_by_what_is_like_them(feed: Feed):
    assert feed.find("coloured contingency tables")[0] == "mosaic"
    assert feed.find("  ") == []
    similar = feed.similar("rcpp")
    assert "rcpp" not in similar
    assert set(similar) <= set(feed.dates)


# Votes


def test_one_has_one_vote_for_a_paper_and_may_take_it_back(feed: Feed):
    for _ in range(3):
        feed.board.vote("rcpp", "ada")
    feed.board.vote("rcpp", "bob")
    assert feed.board.counts(["rcpp", "mosaic"]) == {"rcpp": 2, "mosaic": 0}
    feed.board.vote("rcpp", "ada", up=False)
    assert feed.board.voted("ada") == frozenset()
    assert feed.of(DAY)[0] == "rcpp"


def test_no_vote_is_lost_or_doubled_by_many_at_once(tmp_path: Path):
    def vote(n: int) -> None:
        Board(tmp_path / "board").vote("paper", f"voter-{n % 40}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(vote, range(160)))
    assert Board(tmp_path / "board").counts(["paper"]) == {"paper": 40}


def test_what_was_voted_for_of_late_trends_above_what_has_more_votes(feed: Feed):
    hour = 3600.0
    for n in range(5):
        feed.board.vote("mosaic", f"voter-{n}", at=1000 * hour)
    for n in range(3):
        feed.board.vote("rcpp", f"voter-{n}", at=1047 * hour)
    assert [id for id, _ in feed.trending(now=1048 * hour)] == ["rcpp", "mosaic"]
    assert feed.trending(now=10_000 * hour) == []


# Subscriptions


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "a b@x.org",
        "ada@x.org\nBcc: b@y.org",
        "Ada <ada@x.org>",
        "ada@x.org,b@y.org",
        "ä@x.org",
        "a@" + "x" * 300,
    ],
)
def test_what_is_no_address_is_refused(text: str):
    with pytest.raises(LimnerError, match="no e-mail address"):
        address(text)


def test_who_asked_on_a_page_gets_nothing_before_they_confirm(feed: Feed):
    asked = feed.board.subscribe("ada@example.org", ["soil"])
    assert (asked.state, feed.board.subscribers("confirmed")) == ("asked", [])
    assert feed.board.advance(asked.token, "confirmed")
    feed.board.subscribe("ADA@example.org", ["spam"])  # by whoever knows the address
    (ada,) = feed.board.subscribers()
    assert (ada.topics, ada.state) == (("soil",), "confirmed")
    assert feed.board.leave(ada.token)
    assert feed.board.subscribers() == []
    assert not feed.board.begin(ada, DAY, ["rcpp"])  # who has left since is sent nothing


def test_addresses_are_for_the_owner_of_the_file_and_not_in_the_corpus(feed: Feed, tmp_path: Path):
    assert stat.S_IMODE(feed.board.path.stat().st_mode) == 0o600
    assert not feed.board.path.is_relative_to(tmp_path / "corpus")


# Digests


def send(
    feed: Feed, box: Box | None = None, days: int = 1, day: str = DAY, again: float | None = None
) -> tuple[list[EmailMessage], Sent]:
    box = box or Box()
    with taking(box) as port, connected(Server("127.0.0.1", port, timeout=5)) as post:
        sent = deliver(Edition(feed, day, days, Digests(least_words=0.05)), SITE, post, again)
    return box.mails, sent


def images(mail: EmailMessage) -> dict[str, bytes]:
    return {part["Content-ID"]: part.get_content() for part in mail.walk() if part.get_content_maintype() == "image"}


def test_a_digest_is_text_and_html_with_its_figures_inside(feed: Feed):
    feed.board.subscribe("ada@example.org", ["contingency tables", "compiled functions"], confirmed=True)
    (mail,), _ = send(feed)
    assert mail.get_content_type() == "multipart/alternative"
    text, related = mail.iter_parts()
    assert [part.get_content_type() for part in related.iter_parts()] == ["text/html", "image/png", "image/png"]
    html = next(related.iter_parts()).get_content()
    assert {f"<{cid}>" for cid in re.findall(r'src="cid:([^"]+)"', html)} == set(images(mail))
    assert all(Picture.open(BytesIO(data)).format == "PNG" for data in images(mail).values())
    for said in ("Mosaic plots", "We draw contingency tables", "Calling C++"):
        assert said in html
        assert said in text.get_content()
    assert "zinc" not in html
    assert re.findall(r"https?://[^\s\"<>]+", html) == [
        link for link in re.findall(r"https?://[^\s\"<>]+", html) if "papers.example.org" in link
    ]


def test_a_digest_says_how_to_leave(feed: Feed):
    ada = feed.board.subscribe("ada@example.org", confirmed=True)
    (mail,), _ = send(feed)
    leave = f"https://papers.example.org/papers/unsubscribe?token={ada.token}"
    assert mail["List-Unsubscribe"] == f"<{leave}>, <mailto:papers@example.org?subject=unsubscribe>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert leave in mail.get_body(("plain",)).get_content()


def test_a_title_adds_no_header_and_no_markup(feed: Feed):
    feed.board.subscribe("ada@example.org", ["kriging zinc soil"], confirmed=True)
    (mail,), _ = send(feed)
    assert "Kriging Bcc: victim@example.org" in mail["Subject"]
    assert "Bcc" not in mail
    assert mail["To"] == "ada@example.org"
    html = mail.get_body(("html",)).get_content()
    assert "<script" not in html
    assert "onerror=" not in re.sub(r"&lt;.*?&gt;", "", html)


def test_a_drawing_that_can_run_is_never_sent(feed: Feed):
    feed.board.subscribe("ada@example.org", ["scalable drawings with script"], confirmed=True)
    (mail,), _ = send(feed, day="2024-05-30")
    assert "A figure that can run" in mail.get_body(("html",)).get_content()
    assert images(mail) == {}


def test_nobody_gets_a_digest_or_a_paper_twice(feed: Feed):
    feed.board.subscribe("ada@example.org", confirmed=True)
    first, sent = send(feed)
    assert (len(first), sent.sent) == (1, 1)
    again, sent = send(feed)
    assert (again, sent.sent, sent.before) == ([], 0, 1)
    assert send(feed, day=DAY.replace("-", ""))[1].before == 1  # the same day, written otherwise
    (later,), _ = send(feed, day=TODAY, days=60)
    assert "Mosaic plots" not in later.as_string()
    assert "No day at all" in later.as_string()


def test_two_senders_at_once_send_one_digest_each(feed: Feed):
    for n in range(12):
        feed.board.subscribe(f"reader-{n}@example.org", confirmed=True)
    box = Box()
    with taking(box) as port:

        def run(_: int) -> None:
            with connected(Server("127.0.0.1", port)) as post:
                deliver(Edition(feed, DAY), SITE, post)

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(run, range(3)))
    assert sorted(box.came.values()) == [1] * 12


def test_who_has_no_paper_gets_no_mail(feed: Feed):
    feed.board.subscribe("ada@example.org", ["quantum gravity"], confirmed=True)
    mails, sent = send(feed)
    assert (mails, sent.nothing) == ([], 1)


class Full(Box):
    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        return "452 no room"


class Silent(Box):
    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        await super().handle_DATA(server, session, envelope)
        await asyncio.sleep(20)


def test_what_the_server_refuses_is_sent_by_the_next_run(feed: Feed):
    feed.board.subscribe("ada@example.org", confirmed=True)
    _, sent = send(feed, Full())
    assert (sent.failed, sent.error) == (1, sent.error)
    assert "no room" in sent.error
    mails, sent = send(feed)
    assert (len(mails), sent.sent) == (1, 1)


def test_a_server_that_is_not_there_costs_nothing(feed: Feed):
    for n in range(3):
        feed.board.subscribe(f"reader-{n}@example.org", confirmed=True)
    with connected(Server("127.0.0.1", 9, timeout=2)) as post:
        sent = deliver(Edition(feed, DAY), SITE, post)
    assert (sent.failed, sent.sent) == (3, 0)
    mails, _ = send(feed)
    assert len(mails) == 3


def test_what_may_have_arrived_is_sent_again_only_when_asked(feed: Feed):
    ada = feed.board.subscribe("ada@example.org", confirmed=True)
    feed.board.subscribe("bob@example.org", confirmed=True)
    box = Silent()
    with taking(box) as port, connected(Server("127.0.0.1", port, timeout=0.5)) as post:
        sent = deliver(Edition(feed, DAY), SITE, post)
    assert (sent.unsure, sent.failed, len(box.mails)) == (1, 1, 1)  # with such a server no more is tried
    assert feed.board.sent(ada) == {DAY: False}
    mails, sent = send(feed)
    assert ([mail["To"] for mail in mails], sent) == (["bob@example.org"], Sent(sent=1, unsure=1))
    assert send(feed, again=600)[0] == []  # it may still be on its way
    (mail,), sent = send(feed, again=0)
    assert sent.sent == 1
    assert mail["Message-ID"] == box.mails[0]["Message-ID"]  # by which a reader's program knows both for one


def test_a_sender_that_is_killed_doubles_nothing(feed: Feed, tmp_path: Path):
    for n in range(4):
        feed.board.subscribe(f"reader-{n}@example.org", confirmed=True)
    box = Box(frozenset((1, 2)))  # killed after the second mail was taken, and before the third was
    with taking(box) as port:
        words = [sys.executable, "-m", "limner", "papers", str(tmp_path / "corpus"), "digest", "--smtp", f"127.0.0.1:{port}"]
        assert until_it_lives([*words, "--from", "papers@example.org", "--day", DAY], box) == 0
    assert box.kills == 2
    assert set(box.came.values()) == {1}
    begun = [feed.board.sent(s)[DAY] for s in feed.board.subscribers()]
    assert begun.count(False) == 2
    assert len(box.mails) == 3


def test_the_command_lists_subscribes_and_writes_digests_to_a_folder(feed: Feed, tmp_path: Path):
    def run(*words: str) -> str:
        done = CliRunner().invoke(command, [str(tmp_path / "corpus"), *words])
        assert done.exception is None, done.exception
        return done.output

    assert [paper["id"] for paper in json.loads(run("feed", "--day", DAY, "--json"))] == feed.of(DAY)
    assert "Mosaic plots" in run("feed", "--find", "coloured contingency tables", "-k", "1")
    assert "ada@example.org gets contingency tables" in run("subscribe", "ada@example.org", "--topic", "contingency tables")
    assert run("digest", "--eml", str(tmp_path / "out"), "--from", "papers@example.org", "--day", DAY).startswith("1 digest")
    (file,) = (tmp_path / "out").iterdir()
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert mail["To"] == "ada@example.org"
    assert mail["List-Unsubscribe"] == "<mailto:papers@example.org?subject=unsubscribe>"  # there is no site to do it on
    assert "ada@example.org gets nothing" in run("unsubscribe", "ada@example.org")
    assert json.loads(run("subscribers", "--json")) == []


def test_who_asked_on_a_page_is_asked_once_to_confirm(feed: Feed):
    ada = feed.board.subscribe("ada@example.org")
    (mail,), sent = send(feed)
    assert sent.invited == 1
    assert f"/papers/confirm?token={ada.token}" in mail.get_content()
    assert send(feed)[0] == []


def test_a_password_is_not_sent_in_the_open():
    with pytest.raises(LimnerError, match="encrypted"):
        Server.at("mail.example.org:25", user="papers", password="secret")
    assert Server.at("localhost", user="papers").port == 25
    assert "secret" not in repr(Server.at("mail.example.org", "starttls", "papers", "secret"))


def test_a_picture_is_small_and_of_a_kind_that_runs_nothing():
    noise = np.random.default_rng(0).integers(0, 255, (800, 1000, 3), np.uint8)
    with BytesIO() as file:
        Picture.fromarray(noise).save(file, "PNG")
        found = inline(file.getvalue())
    assert found is not None
    assert len(found.data) <= BYTES
    assert found.width <= 520
    assert found.height <= 300
    assert inline(EVIL_SVG) is None
    assert inline(b"\x89PNG\r\n\x1a\nnothing of the kind") is None


# Pages


pytest.importorskip("fastapi", reason="limner[serve] is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

import httpx  # noqa: E402

from limner.serve.api import served  # noqa: E402
from limner.serve.server import running  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("papers")
    made(folder)
    return folder


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with running(served(Search.open(str(folder / "corpus"))), port=0) as url:
        yield url


@pytest.fixture
def page(browser, url: str):
    """A page of a phone's width without script that fails the test for any error and any request that leaves the server."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, base_url=url, java_script_enabled=False)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("request", lambda sent: None if sent.url.startswith(url) else wrong.append(f"request to {sent.url}"))
    yield page
    context.close()
    assert wrong == []


def test_a_day_is_read_and_voted_on_in_a_browser(page):
    page.goto(f"/papers/{DAY}")
    assert page.locator("h1").inner_text() == "Friday, 31 May 2024"
    assert page.locator(".cards-of-papers > li").count() == 3
    assert page.locator(".cards-of-papers script").count() == 0
    last = page.locator(".cards-of-papers > li").last
    name = last.locator("h2").inner_text()
    last.locator("button").click()
    first = page.locator(".cards-of-papers > li").first
    assert page.url.endswith(f"/papers/{DAY}")
    assert first.locator("h2").inner_text() == name
    assert first.locator("button").get_attribute("aria-pressed") == "true"
    assert page.locator(".trends").inner_text() == name
    first.locator("button").click()
    assert page.locator("[aria-pressed=true]").count() == 0
    page.goto("/papers/trending")
    assert "Nobody has voted yet" in page.locator(".feed").inner_text()


def test_a_paper_is_found_and_shown_with_its_figure(page):
    page.goto("/papers")
    page.fill("#papers-q", "coloured contingency tables")
    page.click("text=Find")
    page.locator(".cards-of-papers h2 a").first.click()
    assert page.locator("h1").inner_text() == "Mosaic plots"
    assert "We draw contingency tables" in page.locator(".abstract").inner_text()
    assert page.locator(".lead-figure img").get_attribute("src").startswith("/media/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.click("text=Read the paper")
    assert "/d/mosaic" in page.url


def test_one_subscribes_confirms_and_leaves_in_a_browser(page, folder: Path):
    page.goto("/papers/subscribe")
    page.fill("[name=email]", "eve@example.org")
    page.fill("[name=topics]", "soil\ncontingency tables\n")
    page.click("button:text('Subscribe')")
    assert "asks eve@example.org to confirm" in page.locator(".done").inner_text()
    board = opened(folder).board
    (eve,) = board.subscribers()
    assert (eve.topics, eve.state) == (("soil", "contingency tables"), "asked")
    page.goto(f"/papers/confirm?token={eve.token}")
    assert board.subscribers("confirmed") == []  # a program that follows links has not confirmed
    page.click("button:text('Subscribe')")
    assert board.subscribers("confirmed") != []
    page.goto(f"/papers/unsubscribe?token={eve.token}")
    assert board.subscribers() != []
    page.click("button:text('Unsubscribe')")
    assert board.subscribers() == []


def test_a_mail_program_leaves_by_one_click_where_all_else_needs_a_key(folder: Path):
    board = opened(folder).board
    ada = board.subscribe("ada@example.org", confirmed=True)
    with running(served(Search.open(str(folder / "corpus")), key="secret"), port=0) as url, httpx.Client(base_url=url) as client:
        assert client.get("/papers").status_code == 401
        body = {"List-Unsubscribe": "One-Click"}
        assert client.post("/papers/unsubscribe", params={"token": "wrong"}, data=body).status_code == 200
        assert board.subscribers() == [ada]
        assert client.post("/papers/unsubscribe", params={"token": ada.token}, data=body).status_code == 200
    assert board.subscribers() == []


def test_no_other_site_votes_or_is_led_to(url: str, folder: Path):
    vote = {"paper": "rcpp", "up": "1", "back": "//evil.example/papers"}
    with httpx.Client(base_url=url) as client:
        assert client.post("/papers/vote", data=vote, headers={"origin": "https://evil.example"}).status_code == 403
        assert opened(folder).board.counts(["rcpp"]) == {"rcpp": 0}
        answer = client.post("/papers/vote", data=vote)
        assert (answer.status_code, answer.headers["location"]) == (303, "/papers")
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert client.post("/papers/vote", data={**vote, "paper": "none"}).status_code == 404
        for path in ("/papers/2024-13-01", "/papers/p/none", "/papers/confirm?token=none"):
            assert client.get(path).status_code == 404
        assert client.post("/papers/subscribe", data={"email": "no address"}).status_code == 400


def test_the_feed_is_read_once_by_many_at_once(tmp_path: Path):
    made(tmp_path)
    feed = opened(tmp_path)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(feed))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5] * 6
