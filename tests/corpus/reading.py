"""A small corpus to read, written with the real writer: pages with drawn images, a ledger, what was dropped, rejects.

One page carries script wherever a page can carry it: its text, title, alt text, URL, a formula, and an SVG.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

from PIL import Image as Picture
from PIL import ImageDraw

from limner.corpus import Corpus
from limner.corpus.media import sha256
from limner.document import Document, Image, Part, Text, document_id
from limner.document.jsonform import part_to_dict, to_dict

ATTACK = '<script>window.owned = 1</script><img src=x onerror="window.owned = 1">'
EVIL_SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="80" height="60" onload="window.owned = 1">'
    b'<script>window.owned = 1; parent.owned = 1</script><rect width="80" height="60" fill="#a33"/></svg>'
)
PLAN: dict[str, Any] = {
    "name": "sample",
    "sources": ["manual"],
    "steps": [
        {"use": "language", "name": "language", "keep": ["en", "de"]},
        {"use": "image-size", "name": "images", "min_side": 150},
        {"use": "near-duplicates", "name": "near-duplicates", "threshold": 0.7},
    ],
}


def png(width: int, height: int, hue: int) -> bytes:
    """A picture that differs with `hue`."""
    image = Picture.new("RGB", (width, height), (200, 220 - hue % 90, 120 + hue % 120))
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.2, height * 0.2, width * 0.7, height * 0.8), fill=(40 + hue % 150, 90, 140))
    with BytesIO() as file:
        image.save(file, "PNG")
        return file.getvalue()


def page(i: int, refs: list[str]) -> Document:
    """The `i`-th page of the manual: every role there is, two images with captions."""
    name = f"manual/page-{i:02d}.html"
    parts: list[Part] = [
        Text(0, f"How to crop, part {i}", "heading", 1),
        Text(1, "Cropping takes away what is around the subject. The area is $a = w \\cdot h$, and it costs $5 or $6."),
        Image(2, refs[0], f"https://example.org/img/{i}-0.png", "The crop tool", 240, 160),
        Text(3, f"Figure {i}: the tool and its options.", "caption", of=2),
        Text(4, "Steps", "heading", 2),
        Text(5, "1. Pick the tool\n2. Drag\n  - from a corner\n  - or an edge\n3. Press Enter", "list"),
        Text(6, "image.crop((0, 0, 40, 30))", "code", language="python"),
        Text(7, "| key | what it does |\n| --- | --- |\n| Shift | keeps the aspect |\n| Ctrl | from a \\| b |", "table"),
        Text(9, "\\int_0^1 x^2\\,dx = \\frac{1}{3}", "formula"),
        Text(10, "A picture is a fact.", "quote"),
        Image(11, refs[1], f"https://example.org/img/{i}-1.png", "Before and after", 200, 120),
    ]
    return Document(
        document_id(name), tuple(parts), name, f"https://example.org/page-{i:02d}.html", f"How to crop, part {i}",
        "de" if i % 3 == 2 else "en", {"date": f"20{20 + i % 4}-05-01", "license": "CC-BY-4.0"},
    )  # fmt: skip


def hostile(ref: str) -> Document:
    """A page with script in every field."""
    return Document(
        document_id("manual/evil.html"),
        (
            Text(0, ATTACK, "heading", 1),
            Text(1, f"text {ATTACK} $\\href{{javascript:window.owned=1}}{{x}}$ $\\text{{{ATTACK}}}$"),
            Text(2, f"- {ATTACK}", "list"),
            Text(3, f"| {ATTACK} | b |\n| --- | --- |\n| {ATTACK} | c |", "table"),
            Text(4, ATTACK, "code", language='x"><script>window.owned=1</script>'),
            Text(5, f"\\text{{{ATTACK}}}\\href{{javascript:window.owned=1}}{{y}}", "formula"),
            Image(6, ref, "javascript:window.owned=1", f'"><script>window.owned=1</script>{ATTACK}', 80, 60),
            Image(7, "", f'https://x/"{ATTACK}', '" onerror="window.owned=1'),
            Text(8, ATTACK, "caption", of=7),
        ),
        source=f"manual/evil.html?{ATTACK}",
        url="javascript:window.owned=1",
        title=f"</title>{ATTACK}",
        language='"><b>',
        meta={"license": "javascript:window.owned=1", "site": ATTACK},
    )


def make_corpus(path: str, pages: int = 24, batch: int = 10) -> Corpus:
    """The corpus at `path`: `pages` pages and the hostile one kept; two near-duplicates, one page in another
    language, an icon and a paragraph a page dropped; two inputs rejected."""
    corpus = Corpus.create(path, {"plan": PLAN, "versions": {"limner": "0.1.0"}, "complete": True})
    numbers = list(range(pages))
    for start in range(0, pages, batch):
        writer = corpus.batch()
        for i in numbers[start : start + batch]:
            refs = [writer.put(png(240, 160, 7 * i)).ref, writer.put(png(200, 120, 7 * i + 50)).ref]
            document = page(i, refs)
            writer.add(document)
            icon = Image(8, sha256(png(16, 16, i)), f"https://example.org/icon-{i}.png", "tip", 16, 16)
            _drop(writer, document.id, icon, "images", ("too-small", 16.0, 150.0, ""))
            _drop(writer, document.id, Text(12, f"Share this page {i}"), "images", ("caption-of-dropped", None, None, "8"))
            writer.ledger.append((document.id, 1, "language", "note", "assigned", 0.9 + i / 1000, None, document.language))
        if start == 0:
            evil = hostile(writer.put(EVIL_SVG).ref)
            writer.add(evil)
            _drop(writer, evil.id, Text(9, ATTACK), "images", ("too-small", 1.0, 150.0, ATTACK))
            for k in (0, 1):
                twin = page(k, ["", ""]).evolve(id=document_id(f"manual/copy-{k}.html"), source=f"manual/copy-{k}.html", url="")
                _drop(writer, twin.id, twin, "near-duplicates", ("near-duplicate", 0.93, 0.7, page(k, ["", ""]).id))
            foreign = Document(
                document_id("manual/fr.html"), (Text(0, "Bonjour"),), "manual/fr.html", title="Recadrer", language="fr"
            )
            _drop(writer, foreign.id, foreign, "language", ("not-kept", None, None, "fr"))
            writer.rejects.append(("manual/broken.html", "/pages/manual/broken.html", "SourceError", "not a page: 3 bytes"))
            writer.rejects.append(("manual/slow.html", "/pages/manual/slow.html", "timeout", "took longer than 120 s"))
        corpus.commits.append(writer.commit([f"manual/page-{i:02d}.html" for i in numbers[start : start + batch]]))
    corpus.reload()
    return corpus


def _drop(writer: Any, id: str, what: Document | Part, step: str, reason: tuple[Any, ...]) -> None:
    part = -1 if isinstance(what, Document) else what.n
    writer.ledger.append((id, part, step, "drop", *reason))
    data = to_dict(what) if isinstance(what, Document) else part_to_dict(what)
    writer.dropped.append((id, part, step, json.dumps(data, ensure_ascii=False, separators=(",", ":"))))
