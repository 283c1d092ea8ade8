"""Over HTTP, without a browser: who is answered, with which headers, and how pages page."""

from __future__ import annotations

import httpx
import pytest

from corpus.reading import EVIL_SVG, make_corpus, png
from limner.corpus.media import sha256
from limner.document import document_id
from limner.errors import LimnerError

pytest.importorskip("uvicorn", reason="limner[serve] is not installed")

from limner.document.formula import mathml
from limner.serve.catalogue import Catalogue, Filter
from limner.serve.guard import Guard
from limner.serve.server import listen, serving


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(str(tmp_path_factory.mktemp("guard") / "corpus"), pages=60)


@pytest.fixture(scope="module")
def client(corpus):
    with serving(corpus, port=0) as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield client


def test_only_names_of_this_machine_are_answered(client):
    port = client.base_url.port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}", f"[::1]:{port}"):
        assert client.get("/documents", headers={"host": host}).status_code == 200, host
    for host in (f"evil.example:{port}", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.7", "", "127.0.0.1@evil"):
        assert client.get("/documents", headers={"host": host}).status_code == 421, host


def test_a_server_for_others_answers_to_its_name_and_to_numbers():
    guard = Guard(lambda *_: None, ["0.0.0.0", "shelf.local"])
    assert guard.allows("shelf.local:80")
    assert guard.allows("192.168.1.20:8350")
    assert guard.allows("[fe80::1]:8350")
    assert not guard.allows("evil.example")


def test_only_reading_is_allowed(client):
    for method in ("POST", "PUT", "DELETE"):
        assert client.request(method, "/documents").status_code == 405


def test_pages_allow_no_script_but_our_own(client):
    for path in ("/", "/documents", f"/d/{document_id('manual/evil.html')}", "/nowhere", "/d/unknown", "/ledger/step?name=x"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; img-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.status_code in (200, 404)
        assert "<script>window.owned" not in answer.text


def test_media_come_with_their_type_and_no_rights(client):
    data = png(240, 160, 0)
    answer = client.get(f"/media/{sha256(data)}")
    assert (answer.headers["content-type"], answer.content) == ("image/png", data)
    svg = client.get(f"/media/{sha256(EVIL_SVG)}")
    assert svg.headers["content-type"] == "image/svg+xml"
    for found in (answer, svg):
        assert found.headers["content-security-policy"].endswith("sandbox")
        assert found.headers["x-content-type-options"] == "nosniff"
    for ref in ("0" * 64, "..%2f..%2fcorpus.json", "x"):
        assert client.get(f"/media/{ref}").status_code == 404


def test_what_is_no_image_is_a_download_and_tiff_is_drawn(tmp_path):
    from io import BytesIO

    from PIL import Image as Picture

    from limner.corpus.probe import probe
    from limner.serve.media import response

    html = b"<!doctype html><script>alert(1)</script>"
    answer = response(probe(html), html)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    with BytesIO() as file:
        Picture.new("RGB", (30, 20), "red").save(file, "TIFF")
        tiff = file.getvalue()
    drawn = response(probe(tiff), tiff)
    assert drawn.headers["content-type"] == "image/png"
    assert probe(drawn.body).width == 30
    ogg = b"OggS" + bytes(100)
    part = response(probe(ogg), ogg, "bytes=4-9")
    assert (part.status_code, part.headers["content-range"], len(part.body)) == (206, "bytes 4-9/104", 6)


def test_every_document_is_in_the_list_once(client):
    found: list[str] = []
    for number in range(10):
        page = client.get("/documents", params={"page": number}).text
        found += [line.split('href="/d/')[1].split('"')[0] for line in page.splitlines() if "data-entry" in line]
        if 'rel="next"' not in page:
            break
    assert len(found) == len(set(found)) == 61


def test_strange_queries_are_answered(client):
    for query in (
        "page=-1",
        "page=99999999",
        "page=x",
        "images=1e9",
        "images=%00",
        "order=%27",
        "q=%00%ff",
        "q=" + "(" * 500,
        "language=%22",
    ):
        assert client.get(f"/documents?{query}").status_code == 200, query
    assert client.get("/why", params={"q": "\x00'\"\\"}).status_code == 200
    assert client.get("/rejects", params={"page": "7", "error": "'"}).status_code == 200


def test_filters_select_what_they_say(corpus):
    catalogue = Catalogue(corpus)
    documents = list(corpus)

    def ids(filter: Filter) -> list[str]:
        return [catalogue.id(int(row)) for row in catalogue.select(filter)]

    assert ids(Filter()) == [d.id for d in documents]
    assert ids(Filter(language="de")) == [d.id for d in documents if d.language == "de"]
    assert ids(Filter(images=3)) == []
    assert ids(Filter(q="PART 17")) == [d.id for d in documents if d.title.endswith("part 17")]
    assert ids(Filter(q="press enter")) == [d.id for d in documents if "Press Enter" in d.text]
    assert ids(Filter(q="press enter", where="title")) == []
    assert ids(Filter(q="page-41.html")) == [document_id("manual/page-41.html")]
    assert ids(Filter(host="example.org", order="title")) == [
        d.id for d in sorted((d for d in documents if d.url.startswith("https")), key=lambda d: d.title.lower())
    ]
    assert set(ids(Filter(order="length"))) == {d.id for d in documents}


def test_a_taken_port_is_one_line():
    with listen("127.0.0.1", 0) as held, pytest.raises(LimnerError, match="is taken: give another --port"):
        listen("127.0.0.1", held.getsockname()[1])


def test_formulas_keep_only_presentation():
    assert "<mfrac>" in str(mathml(r"\frac{1}{2}", True))
    for latex in (r"\href{javascript:alert(1)}{x}", r"\text{<script>alert(1)</script>}", r"\style{x:url(y)}{z}", r"\class{a}{b}"):
        written = str(mathml(latex, False) or "")
        assert "href" not in written
        assert "<script" not in written
        assert "style=" not in written
    for broken in ("\\frac{", "{" * 5000, r"\left(" * 200, "\\begin{matrix}", "\x00", "x" * 100_000, r"\sqrt" * 300):
        mathml(broken, False)
