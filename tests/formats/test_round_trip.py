"""limner to a format to limner: nothing is lost with limner's own field, and what a format holds comes back without."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from limner.corpus import Corpus
from limner.document import Document, Image, Text
from limner.formats import registry
from limner.formats.markdown import to_markdown
from limner.formats.markdownread import parts_of
from limner.formats.values import is_web
from strategies import MEDIA, documents, lists_of_documents, stored_of

EVERY = registry.names()
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def made(folder: str, held: list[Document]) -> Corpus:
    corpus = Corpus.create(f"{folder}/corpus")
    corpus.append(held, MEDIA)
    return corpus


@pytest.mark.parametrize("name", EVERY)
@quick
@given(held=lists_of_documents())
def test_everything_comes_back_with_limners_own_field(name: str, held: list[Document]) -> None:
    format = registry.load(name)
    with tempfile.TemporaryDirectory() as folder:
        report = format.export(made(folder, held), f"{folder}/out", shard=4, exif=True)
        read = sorted(format.read(f"{folder}/out"), key=lambda r: r[0].id) if held else []
    assert report.documents == len(held)
    assert [d for d, _ in read] == sorted(held, key=lambda d: d.id)
    for document, media in read:
        assert dict(media) == stored_of(document)


def shown(document: Document, by: str) -> list[tuple[str, str]]:
    """What a reader sees: paragraphs, and images by their bytes or their address."""
    out: list[tuple[str, str]] = []
    for part in document.parts:
        if isinstance(part, Text):
            out += [("text", piece) for piece in part.text.split("\n\n") if piece.strip()] or [("text", part.text)]
        elif isinstance(part, Image) and (part.url or part.ref in MEDIA):
            stored = part.ref if part.ref in MEDIA else ""
            out.append(("image", stored or part.url if by == "bytes" else part.url if is_web(part.url) else stored or part.url))
    return out


@pytest.mark.parametrize(
    ("name", "by"), [("obelics", "bytes"), ("mint-1t", "bytes"), ("webdataset", "bytes"), ("omnicorpus", "address")]
)
@quick
@given(document=documents(kinds=("text", "image")))
def test_texts_and_images_come_back_in_order_without_it(name: str, by: str, document: Document) -> None:
    format = registry.load(name)
    with tempfile.TemporaryDirectory() as folder:
        format.export(made(folder, [document]), f"{folder}/out", own=False, exif=True)
        [(read, media)] = format.read(f"{folder}/out")
    assert shown(read, by) == shown(document, by)
    assert read.url == document.url
    assert all(media[ref] == MEDIA[ref] for ref in media)


@quick
@given(document=documents(kinds=("text", "image")))
def test_hugging_face_rows_hold_roles_and_what_datasets_can_show(document: Document) -> None:
    format = registry.load("huggingface")
    with tempfile.TemporaryDirectory() as folder:
        format.export(made(folder, [document]), f"{folder}/out", own=False, exif=True)
        [(read, _)] = format.read(f"{folder}/out")
    assert [(t.text, t.role) for t in read.texts] == [(t.text, t.role) for t in document.texts]
    assert (read.title, read.url, read.language) == (document.title, document.url, document.language)
    there = [i for i in document.images if i.url or i.ref in MEDIA]
    assert len(read.images) == len(there)
    for new, old in zip(read.images, there, strict=True):
        assert new.ref == old.ref if new.ref else new.url


@quick
@given(document=documents(kinds=("text", "image")))
def test_mmc4_rows_hold_texts_and_addresses(document: Document) -> None:
    format = registry.load("mmc4")
    with tempfile.TemporaryDirectory() as folder:
        format.export(made(folder, [document]), f"{folder}/out", own=False, exif=True)
        [(read, _)] = format.read(f"{folder}/out")
    assert [t.text for t in read.texts] == [t.text for t in document.texts]
    assert [i.url for i in read.images] == [i.url for i in document.images]
    assert [i.ref for i in read.images] == [i.ref if i.ref in MEDIA else "" for i in document.images]


@quick
@given(document=documents(kinds=("text", "image")))
def test_conversations_are_what_trainers_take(document: Document) -> None:
    """Speakers take turns from the user on, every placeholder has its file, and no image is the assistant's."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = made(folder, [document])
        registry.load("llava").export(corpus, f"{folder}/llava", own=False)
        registry.load("openai").export(corpus, f"{folder}/openai", own=False)
        [sample] = json.loads(Path(f"{folder}/llava/conversations-00000.json").read_text())
        row = json.loads(Path(f"{folder}/openai/messages-00000.jsonl").read_bytes())
        files = sample.get("image", [])
        files = [files] if isinstance(files, str) else files
        assert all(Path(f"{folder}/llava/{name}").is_file() for name in files)
    said = [turn["from"] for turn in sample["conversations"]]
    assert said == ["human", "gpt"] * (len(said) // 2)
    assert sum(turn["value"].count("<image>") for turn in sample["conversations"]) == len(files)
    roles = [message["role"] for message in row["messages"]]
    assert roles == ["user", "assistant"] * (len(roles) // 2)
    for message in row["messages"]:
        kinds = {piece["type"] for piece in message["content"]}
        assert kinds <= ({"text", "image_url"} if message["role"] == "user" else {"text"})


readable = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], include_characters="\n"), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@example(words="__0__ a_b_c _d_", role="paragraph")
@given(words=readable.filter(str.strip), role=st.sampled_from(["paragraph", "heading", "quote", "caption"]))
def test_markdown_says_the_words_of_a_text_and_nothing_else(words: str, role: str) -> None:
    document = Document("x", (Image(0, "", "https://example.org/a.png"), Text(1, words, role, 2 if role == "heading" else 0)))  # type: ignore[arg-type]
    parts, _ = parts_of(to_markdown(document, {}).split("\n---\n", 1)[1], lambda path: None)
    texts = [part for part in parts if isinstance(part, Text)]
    assert " ".join(" ".join(t.text for t in texts).split()) == " ".join(words.split())
    assert {t.role for t in texts} == {role}
