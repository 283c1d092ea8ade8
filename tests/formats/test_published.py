"""Files as others publish them, written by hand from the published schemas, without limner's own field."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow

from limner.corpus.media import sha256
from limner.document import Document, Image, Text
from limner.formats import registry


def png(red: int = 200) -> bytes:
    with io.BytesIO() as file:
        Pillow.new("RGB", (5, 3), (red, 0, 0)).save(file, "PNG")
        return file.getvalue()


def read(name: str, folder: Path) -> list[tuple[Document, dict[str, bytes]]]:
    return [(document, dict(media)) for document, media in registry.load(name).read(folder)]


def texts(document: Document) -> list[str]:
    """The text of texts, and the addresses of images in brackets."""
    return [part.text if isinstance(part, Text) else f"[{getattr(part, 'url', '')}]" for part in document.parts]


def parquet(path: Path, rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def test_obelics(tmp_path: Path) -> None:
    row = {
        "images": ["https://cdn.example.org/urus.jpg", None, "https://cdn.example.org/b.png"],
        "metadata": json.dumps(
            [
                {
                    "document_url": "https://example.org/news", "unformatted_src": "/urus.jpg", "src": "https://cdn.example.org/urus.jpg",
                    "formatted_filename": "urus", "alt_text": "VW receives an offer", "original_width": 1920, "original_height": 1080,
                    "format": "jpeg",
                },
                None,
                {"document_url": "https://example.org/news", "src": "https://cdn.example.org/b.png"},
            ]
        ),
        "general_metadata": json.dumps({"url": "https://example.org/news", "warc_filename": "crawl.warc.gz", "warc_record_offset": 691}),
        "texts": [None, "The first paragraph.\n\nThe second.", None],
    }  # fmt: skip
    parquet(tmp_path / "data/train-00000-of-01335.parquet", [row])
    [(document, media)] = read("obelics", tmp_path)
    assert texts(document) == [
        "[https://cdn.example.org/urus.jpg]",
        "The first paragraph.",
        "The second.",
        "[https://cdn.example.org/b.png]",
    ]
    first = document.images[0]
    assert (first.alt, first.width, first.height, first.ref) == ("VW receives an offer", 1920, 1080, "")
    assert document.url == "https://example.org/news"
    assert document.meta == {"warc_filename": "crawl.warc.gz", "warc_record_offset": "691"}
    assert media == {}


MMC4 = {
    "image_info": [
        {"face_detections": None, "image_name": "b9040a0dbb22.jpg", "matched_sim": 0.2769, "matched_text_index": 2, "raw_url": "http://example.org/90.jpg"},
        {"face_detections": None, "image_name": "db1c21bc8474.jpg", "matched_sim": 0.3234, "matched_text_index": 1, "raw_url": "http://example.org/91.jpg"},
    ],
    "similarity_matrix": [[0.24, 0.31, 0.27], [0.22, 0.32, 0.26]],
    "text_list": ["Lock the door.", "Press the switch.", "All doors lock."],
    "url": "http://example.org/48.html",
    "could_have_url_duplicate": 0,
}  # fmt: skip


@pytest.mark.parametrize("how", ["plain", "gzip", "zip"])
def test_mmc4(tmp_path: Path, how: str) -> None:
    line = json.dumps(MMC4).encode() + b"\n"
    if how == "plain":
        (tmp_path / "docs_no_face_shard_0_v2.jsonl").write_bytes(line)
    elif how == "gzip":
        (tmp_path / "docs_no_face_shard_0_v2.jsonl.gz").write_bytes(gzip.compress(line))
    else:
        with zipfile.ZipFile(tmp_path / "docs_no_face_shard_0_v2.jsonl.zip", "w") as archive:
            archive.writestr("docs_no_face_shard_0_v2.jsonl", line)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/db1c21bc8474.jpg").write_bytes(png())
    [(document, media)] = read("mmc4", tmp_path)
    assert texts(document) == [
        "Lock the door.",
        "[http://example.org/91.jpg]",
        "Press the switch.",
        "[http://example.org/90.jpg]",
        "All doors lock.",
    ]
    assert media == {sha256(png()): png()}
    assert [bool(i.ref) for i in document.images] == [True, False]


@pytest.mark.parametrize("aligned", [True, False])
def test_omnicorpus(tmp_path: Path, aligned: bool) -> None:
    about = {"aesthetic_prob": 0.4, "bytes": 66245, "height": 480, "width": 640, "img_url_sha": "00", "unsafe_prob": 0.01}
    row = {
        "general_metadata": {"domain": ["example.org"], "fluency_prob": 0.9, "id": "BkiUdz", "url": "https://example.org/a"},
        "images": [None, "https://example.org/a.jpg"],
        "texts": ["Text first.", None],
        "metadata": [None, about] if aligned else [about],
    }
    parquet(tmp_path / "CC-MAIN-2013-20/train-00000-of-00038.parquet", [row])
    [(document, _)] = read("omnicorpus", tmp_path)
    assert texts(document) == ["Text first.", "[https://example.org/a.jpg]"]
    assert (document.images[0].width, document.images[0].height) == (640, 480)
    assert document.meta == {"original_id": "BkiUdz", "fluency_prob": "0.9"}


def test_mint_html(tmp_path: Path) -> None:
    row = {
        "images": [None, "https://example.org/a.jpg"], "texts": ["Hello.", None],
        "metadata": json.dumps([{"document_url": "https://example.org", "src": "https://example.org/a.jpg", "alt_text": "a"}]),
        "url": "https://example.org", "image_hashes": ["abc"], "images_metadata": ["{}"], "cc_dump": "CC-MAIN-2017-22",
    }  # fmt: skip
    parquet(tmp_path / "data_v1_1/shard_055_part_003.parquet", [row])
    [(document, _)] = read("mint-1t", tmp_path)
    assert texts(document) == ["Hello.", "[https://example.org/a.jpg]"]
    assert document.images[0].alt == "a"
    assert document.meta == {"cc_dump": "CC-MAIN-2017-22"}


def tar(path: Path, members: list[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def test_mint_pdf(tmp_path: Path) -> None:
    pictures = [Pillow.new("RGB", (7 + i, 4), (i * 90, 0, 0)) for i in range(2)]
    with io.BytesIO() as file:
        pictures[0].save(file, "TIFF", save_all=True, append_images=pictures[1:])
        tiff = file.getvalue()
    row = {
        "texts": [None, "A page of text.", None], "images": ["page_0_image_85", None, "page_3_image_9"], "pdf_name": "a.pdf",
        "image_metadata": [
            {"page": 0, "xref": 85, "width": 7, "height": 4, "sha256": ""}, {"page": 3, "xref": 9, "width": 8, "height": 4, "sha256": ""},
        ],
        "url": "https://example.org/a.pdf", "language_id_whole_page_fasttext": {"en": 0.9}, "previous_word_count": 4,
    }  # fmt: skip
    tar(tmp_path / "CC-MAIN-00000.tar", [("ef8e1a89.json", json.dumps(row).encode()), ("ef8e1a89.tiff", tiff)])
    [(document, media)] = read("mint-1t", tmp_path)
    assert [type(part) for part in document.parts] == [Image, Text, Image]
    assert [(i.width, i.height, i.url) for i in document.images] == [(7, 4, ""), (8, 4, "")]
    shown = [Pillow.open(io.BytesIO(media[i.ref])).getpixel((0, 0)) for i in document.images]
    assert shown == [(0, 0, 0), (90, 0, 0)]
    assert document.meta["pdf_name"] == "a.pdf"


def test_webdataset_of_pairs(tmp_path: Path) -> None:
    members = [
        ("00000/000000017.jpg", png()), ("00000/000000017.txt", b"a red thing"),
        ("00000/000000017.json", json.dumps({"url": "https://example.org/17.jpg", "width": 5, "height": 3, "similarity": 0.3}).encode()),
        ("00000/000000018.png", png(9)), ("00000/000000018.json", json.dumps({"caption": "dark"}).encode()),
        ("README", b"no key"),
    ]  # fmt: skip
    tar(tmp_path / "00000.tar", members)
    (first, media), (second, _) = read("webdataset", tmp_path)
    assert texts(first) == ["[https://example.org/17.jpg]", "a red thing"]
    assert media == {first.images[0].ref: png()}
    assert first.meta["similarity"] == "0.3"
    assert texts(second) == ["[]", "dark"]


def picture(data: bytes | None, path: str | None = None) -> dict[str, Any]:
    return {"bytes": data, "path": path}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"image": picture(png()), "text": "a red thing"}, ["[]", "a red thing"]),
        ({"images": [picture(png()), picture(png(9))], "texts": ["one <image> two <image>"]}, ["one", "[]", "two", "[]"]),
        ({"images": [None, picture(png())], "texts": ["first", None]}, ["first", "[]"]),
        ({"images": [picture(png())], "texts": ["one", "two"]}, ["[]", "one", "two"]),
    ],
)  # fmt: skip
def test_hugging_face_parquet_of_others(tmp_path: Path, row: dict[str, Any], expected: list[str]) -> None:
    parquet(tmp_path / "train.parquet", [row])
    [(document, media)] = read("huggingface", tmp_path)
    assert texts(document) == expected
    assert all(image.ref in media for image in document.images)


def test_a_path_in_a_hugging_face_row_is_never_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(png())
    parquet(
        tmp_path / "data/train.parquet",
        [{"images": [picture(None, str(secret)), picture(None, "../secret.png")], "texts": ["x"]}],
    )
    [(document, media)] = read("huggingface", tmp_path / "data")
    assert media == {}
    assert document.text == "x"


LLAVA = {
    "id": "997bb945",
    "image": "part-000001/997bb945.jpg",
    "conversations": [
        {"from": "human", "value": "<image>\nWrite a prompt for this image."},
        {"from": "gpt", "value": "a beautiful painting"},
        {"from": "human", "value": "Who painted it?"},
        {"from": "gpt", "value": "Nobody knows."},
    ],
}


@pytest.mark.parametrize("lines", [True, False])
def test_llava(tmp_path: Path, lines: bool) -> None:
    several = {
        "id": 7,
        "images": ["a.png", "b.png"],
        "system": "Be brief.",
        "conversations": [{"from": "human", "value": "<image> or <image>?"}, {"from": "gpt", "value": "b"}],
    }
    rows = [LLAVA, several]
    if lines:
        (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    else:
        (tmp_path / "data.json").write_text(json.dumps(rows, indent=1))
    (tmp_path / "images/part-000001").mkdir(parents=True)
    (tmp_path / "images/part-000001/997bb945.jpg").write_bytes(png())
    (one, media), (two, _) = read("llava", tmp_path)
    assert texts(one) == [
        "[part-000001/997bb945.jpg]",
        "Write a prompt for this image.",
        "a beautiful painting",
        "Who painted it?",
        "Nobody knows.",
    ]
    assert one.meta["turns"] == "0:user 2:assistant 3:user 4:assistant"
    assert media == {one.images[0].ref: png()}
    assert texts(two) == ["Be brief.", "[a.png]", " or ", "[b.png]", "?", "b"]
    assert two.meta["turns"] == "0:system 1:user 5:assistant"


def test_a_conversation_keeps_its_turns_through_llava_and_openai(tmp_path: Path) -> None:
    from limner.corpus import Corpus

    (tmp_path / "in").mkdir()
    (tmp_path / "in/data.json").write_text(json.dumps([LLAVA]))
    (tmp_path / "in/part-000001").mkdir()
    (tmp_path / "in/part-000001/997bb945.jpg").write_bytes(png())
    [(document, media)] = read("llava", tmp_path / "in")
    corpus = Corpus.create(tmp_path / "corpus")
    corpus.append([document], media)
    registry.load("llava").export(corpus, tmp_path / "llava", own=False)
    [sample] = json.loads((tmp_path / "llava/conversations-00000.json").read_text())
    assert sample["conversations"] == LLAVA["conversations"]
    registry.load("openai").export(corpus, tmp_path / "openai", own=False)
    line = json.loads((tmp_path / "openai/messages-00000.jsonl").read_text())
    assert [m["role"] for m in line["messages"]] == ["user", "assistant", "user", "assistant"]
    [(again, _)] = read("openai", tmp_path / "openai")
    assert again.meta["turns"] == document.meta["turns"]
    assert [t.text for t in again.texts] == [t.text for t in document.texts]


def test_openai_messages(tmp_path: Path) -> None:
    address = "data:image/png;base64," + base64.b64encode(png()).decode()
    row = {
        "messages": [
            {"role": "system", "content": "You describe artworks."},
            {"role": "user", "content": [
                {"type": "text", "text": "Which of these?"},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.jpg", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": address}},
            ]},
            {"role": "assistant", "content": "The second."},
        ]
    }  # fmt: skip
    (tmp_path / "train.jsonl").write_text(json.dumps(row) + "\n")
    [(document, media)] = read("openai", tmp_path)
    assert texts(document) == ["You describe artworks.", "Which of these?", "[https://example.org/a.jpg]", "[]", "The second."]
    assert document.meta["turns"] == "0:system 1:user 4:assistant"
    assert media == {sha256(png()): png()}


PAGE = """---
title: 'Bob''s cats'
author: "Ann \\u00c4"
tags: [a, b]
date: 2024-05-01
---
# Cats

Cats *purr* and `meow`.
They sleep.

![a cat](media/cat%201.png)
*Our cat, asleep.*

![a cat](media/cat%201.png)

*Our cat, asleep.*

- one
- two
  1. deep
  2. deeper

| a | b |
|---|---|
| 1 | x \\| y |

> Said
> somebody.

```python
print("<b>")
```

$$
e = mc^2
$$

Text with ![far](https://example.org/x.png) inside. <b>bold?</b>
"""


def test_markdown(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media/cat 1.png").write_bytes(png())
    (tmp_path / "cats.md").write_text(PAGE, encoding="utf-8")
    [(document, media)] = read("markdown", tmp_path)
    assert document.title == "Bob's cats"
    assert document.meta == {"author": "Ann Ä", "date": "2024-05-01"}
    found = [(part.role, part.text) if isinstance(part, Text) else ("image", part.alt) for part in document.parts]  # type: ignore[union-attr]
    assert found == [
        ("heading", "Cats"),
        ("paragraph", "Cats purr and meow. They sleep."),
        ("image", "a cat"),
        ("paragraph", "Our cat, asleep."),
        ("image", "a cat"),
        ("caption", "Our cat, asleep."),
        ("list", "- one\n- two\n  1. deep\n  2. deeper"),
        ("table", "| a | b |\n| --- | --- |\n| 1 | x \\| y |"),
        ("quote", "Said somebody."),
        ("code", 'print("<b>")'),
        ("formula", "e = mc^2"),
        ("paragraph", "Text with"),
        ("image", "far"),
        ("paragraph", "inside. <b>bold?</b>"),
    ]
    assert document.texts[3].of == document.images[1].n
    assert media == {sha256(png()): png()}


def test_html_of_others(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    page = (
        "<html><head><title>Cats</title></head><body><article><h1>Cats</h1><p>Cats purr when they are content and warm.</p>"
        "<img src='a.png' alt='a cat'><p>They sleep for most of the day, as cats do.</p></article></body></html>"
    )
    (tmp_path / "cats.html").write_text(page)
    [(document, media)] = read("html", tmp_path)
    assert "Cats purr" in document.text
    assert media == {sha256(png()): png()}
