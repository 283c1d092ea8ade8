"""Exports read by the tools they are for. Skipped where a tool is not installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from formats.corpora import corpus_of
from limner.corpus.media import sha256
from limner.formats import registry


def test_datasets_loads_and_decodes_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    datasets = pytest.importorskip("datasets", reason="Hugging Face's datasets is not installed")
    registry.load("huggingface").export(corpus_of(tmp_path / "c", 5), tmp_path / "out", shard=2)
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
    assert len(loaded) == 5
    assert isinstance(loaded.features["images"].feature, datasets.Image)
    for row in loaded:
        [picture] = row["images"]
        assert picture.size == (6, 4)
        assert row["order"] == ["text", "text", "image", "text", "text", "link"]
        assert row["roles"] == ["heading", "paragraph", "caption", "table"]


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("obelics", {"images", "texts", "metadata", "general_metadata"}),
        ("omnicorpus", {"images", "texts", "metadata", "general_metadata", "limner"}),
    ],
)
def test_datasets_sees_the_published_features(
    name: str, columns: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="Hugging Face's datasets is not installed")
    registry.load(name).export(corpus_of(tmp_path / "c", 2), tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
    assert set(loaded.features) == columns
    assert loaded.features["images"].feature.dtype == "string"


def test_datasets_reads_limners_own_export_of_another_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `datasets` writes again is read again: the pictures it encoded, in their order."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="Hugging Face's datasets is not installed")
    corpus = corpus_of(tmp_path / "c", 3)
    registry.load("huggingface").export(corpus, tmp_path / "out", exif=True)
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
    (tmp_path / "again").mkdir()
    loaded.select([2, 0]).to_parquet(str(tmp_path / "again/train.parquet"))
    read = [document for document, _ in registry.load("huggingface").read(tmp_path / "again")]
    held = list(corpus)
    assert read == [held[2], held[0]]


def test_webdataset_streams_the_shards(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset", reason="webdataset is not installed")
    corpus = corpus_of(tmp_path / "c", 5)
    registry.load("webdataset").export(corpus, tmp_path / "out", shard=3, exif=True)
    paths = sorted(str(p) for p in (tmp_path / "out").glob("*.tar"))
    samples = list(webdataset.WebDataset(paths, shardshuffle=False).decode("pil"))
    assert [s["json"]["id"] for s in samples] == [d.id for d in corpus]
    for sample, document in zip(samples, corpus, strict=True):
        assert sample["0.jpg"].size == (6, 4)
        assert sample["json"]["images"] == [None, None, "0.jpg", None, None, "https://example.org/far.png"]
        assert sha256(sample["1.ogg"]) == document.parts[5].ref  # type: ignore[union-attr]


def test_webdataset_writes_what_limner_reads(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset", reason="webdataset is not installed")
    with webdataset.TarWriter(str(tmp_path / "00000.tar")) as sink:
        for i in range(3):
            sink.write({"__key__": f"sample{i:03}", "txt": f"caption {i}", "json": {"width": i}})
    read = [document for document, _ in registry.load("webdataset").read(tmp_path)]
    assert [document.text for document in read] == ["caption 0", "caption 1", "caption 2"]


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_pages_show_their_pictures_and_run_nothing(tmp_path: Path) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    from limner.corpus import Corpus
    from limner.document import Document, Image, Text

    corpus = corpus_of(tmp_path / "c", 2)
    evil = "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
    corpus.append([Document("evil", (Text(0, evil), Image(1, "", "https://example.org/far.png", evil)), title=evil)])
    assert len(Corpus.open(tmp_path / "c")) == 3
    registry.load("html").export(Corpus.open(tmp_path / "c"), tmp_path / "out")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "out/index.html").as_uri())
        links = page.evaluate("[...document.querySelectorAll('.index a')].map(a => a.href)")
        assert len(links) == 3
        shown = []
        for link in links:
            page.goto(link)
            page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
            page.wait_for_timeout(100)
            shown += page.evaluate("[...document.images].map(i => i.naturalWidth)")
            assert page.title() != "ran"
            assert page.evaluate("document.scripts.length") == 0
        browser.close()
    assert shown == [6, 6]
    assert {url.partition(":")[0] for url in asked} == {"file"}
    assert os.path.isdir(tmp_path / "out/media")
