"""An index of a corpus: made, brought up to date, cut off, damaged; and what it finds."""

from __future__ import annotations

import io
import itertools
import json
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from limner.corpus import Corpus
from limner.corpus.keeping import compact, read_list, takedown
from limner.corpus.media import sha256
from limner.document import Document, Image, Text, document_id
from limner.errors import CorpusError, LimnerError
from limner.experts import address
from limner.search import Search, Settings, Where, index, indexing
from limner.search.fuse import ACROSS, FOREIGN, KIN, KNOWN, Weights
from limner.search.indexing import folder_of


def picture(colour: tuple[int, int, int]) -> bytes:
    with io.BytesIO() as out:
        Picture.new("RGB", (40, 30), colour).save(out, "PNG")
        return out.getvalue()


RED, BLUE = picture((250, 10, 10)), picture((10, 10, 250))


def page(name: str, heading: str, said: str, image: bytes | None = None, caption: str = "", **fields: object) -> Document:
    parts = [Text(0, heading, "heading", 1), Text(1, said)]
    if image:
        parts += [Image(2, ref=sha256(image), alt="picture"), Text(3, caption, "caption", of=2)]  # type: ignore[list-item]
    return Document(document_id(name), tuple(parts), source=name, title=heading, **{"language": "en", **fields})  # type: ignore[arg-type]


PAGES = [
    page("crop.html", "Crop", "Draw a box with the tool and press Enter.", RED, "A red apple, cropped"),
    page("blur.html", "Blur", "Blurring softens an image.", BLUE, "The sea in blue", meta={"date": "2024-05-03"}),
    page("couper.html", "Découper", "Les outils de découpage coupent les images.", language="fr"),
    page("kiru.html", "切り抜き", "画像を切り抜くには、道具を選びます。", language="ja"),
]


class Colours:
    """A joint encoder of three colours: what it knows of a text are their names."""

    def embed_images(self, images):
        rows = np.stack([image.reshape(-1, 3).mean(axis=0) for image in images]).astype(np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    def embed_texts(self, texts):
        rows = np.array([[t.count(name) for name in ("red", "green", "blue")] for t in texts], np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


class Letters:
    """An encoder of texts by the pairs of their letters."""

    languages = frozenset[str]()

    def embed(self, texts):
        rows = np.zeros((len(texts), 676), np.float32)
        for row, text in zip(rows, texts, strict=True):
            low = [ord(c) - 97 for c in text.lower() if "a" <= c <= "z"]
            for a, b in itertools.pairwise(low):
                row[a * 26 + b] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


class English(Letters):
    """One that knows English alone."""

    languages = frozenset(("en",))


@pytest.fixture(autouse=True)
def _experts():
    address.register("encoder", "colours")(lambda rest: Colours())
    address.register("text", "letters")(lambda rest: Letters())
    yield
    del address._registered["encoder", "colours"], address._registered["text", "letters"]
    address.resolve.cache_clear()


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    made = Corpus.create(tmp_path / "corpus")
    made.append(PAGES[:3], {sha256(RED): RED, sha256(BLUE): BLUE})
    made.append(PAGES[3:])
    return made


FULL = Settings(text="letters:x", encoder="colours:x")


def titles(hits) -> list[str]:
    return [hit.unit.title for hit in hits]


def test_words_are_found_in_their_forms_and_languages(corpus: Corpus):
    done = index(corpus)
    assert (done.sections, done.images, done.documents, done.taken) == (4, 2, 4, 2)
    search = Search.open(corpus)
    assert titles(search.find("softening images"))[0] == "Blur"
    assert titles(search.find("découper une image"))[0] == "Découper"
    assert titles(search.find("画像の切り抜き"))[0] == "切り抜き"
    assert search.find("xylophone") == []
    (hit,) = search.find("sea", kind="image")
    assert search.text(hit) == "picture\nThe sea in blue"


def test_images_are_found_by_their_pixels_and_by_both(corpus: Corpus):
    index(corpus, FULL)
    search = Search.open(corpus)
    assert search.find("red", kind="image", ways=["pixels"])[0].unit.ref == sha256(RED)
    assert search.find(image=picture((20, 20, 200)), kind="image")[0].unit.ref == sha256(BLUE)
    bluer = search.find("blue blue", picture((160, 0, 140)), kind="image")
    redder = search.find("red red", picture((140, 0, 160)), kind="image")
    assert (bluer[0].unit.ref, redder[0].unit.ref) == (sha256(BLUE), sha256(RED))


@pytest.fixture
def english():
    address.register("text", "english")(lambda rest: English())
    yield Settings(text="english:x", encoder="colours:x")
    del address._registered["text", "english"]


def test_what_an_image_shows_is_asked_in_no_language(tmp_path: Path, english: Settings):
    made = Corpus.create(tmp_path / "corpus")
    sea = page("un.html", "Un", "Une pomme.", BLUE, "La mer", language="fr")
    apple = page("deux.html", "Deux", "La mer.", RED, "Une pomme", language="fr")
    made.append([sea, apple], {sha256(RED): RED, sha256(BLUE): BLUE})
    index(made, english)
    for colour, ref in (((200, 20, 20), RED), ((20, 20, 200), BLUE)):
        assert Search.open(made).find(image=picture(colour), kind="image")[0].unit.ref == sha256(ref)


@pytest.mark.parametrize(
    ("asked", "of", "weights"),
    [
        ("how do I cut out a part of the picture", "Crop", KNOWN),
        ("how do I cut out a part of the picture", "Découper", KIN),
        ("comment puis-je découper une partie de cette image", "Crop", ACROSS),
        ("画像を切り抜く", "Crop", ACROSS),
        ("画像を切り抜く", "切り抜き", FOREIGN),
    ],
)
def test_meaning_counts_by_how_well_the_encoder_knows_both_languages(
    corpus: Corpus, english: Settings, asked: str, of: str, weights: Weights
):
    index(corpus, english)
    search = Search.open(corpus)
    keys = {search.unit(key).title: key for key, _ in search.rankings(asked, None, kind="section", most=10)["text"]}
    assert search.weigh(asked)(keys[of]) == weights


def test_rankings_are_fused_and_say_what_each_gave(corpus: Corpus):
    index(corpus, FULL)
    (first, *_) = Search.open(corpus).find("a tool to draw a box")
    assert first.unit.title == "Crop"
    assert set(first.ways) == {"words", "text"}
    assert 0 < first.ways["text"] <= 1


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (Where(language="fr"), {"Découper"}),
        (Where(source="blur"), {"Blur"}),
        (Where(after="2024"), {"Blur"}),
        (Where(before="2024-05"), {"Blur"}),
        (Where(before="2024-04"), set()),
        (Where(language="de"), set()),
    ],
)
def test_a_filter_lets_only_what_it_names_through(corpus: Corpus, where: Where, found: set[str]):
    index(corpus, FULL)
    hits = Search.open(corpus).find("image tool outils images draw", where=where)
    assert set(titles(hits)) == found


def test_what_is_new_is_taken_in_and_what_is_gone_forgotten(corpus: Corpus):
    index(corpus)
    again = index(corpus)
    assert (again.taken, again.forgotten) == (0, 0)
    corpus.append([page("rotate.html", "Rotate", "Turn the picture with a handle.")])
    behind = Search.open(corpus)
    assert behind.behind == 1
    assert behind.find("handle") == []
    assert index(corpus).taken == 1
    assert titles(Search.open(corpus).find("handle")) == ["Rotate"]


def test_what_is_taken_down_leaves_the_index(corpus: Corpus):
    index(corpus)
    takedown(corpus, read_list(PAGES[0].id))
    with pytest.raises(CorpusError, match="limner index"):
        Search.open(corpus)
    index(corpus)
    assert "Crop" not in titles(Search.open(corpus).find("crop draw box press enter"))


def test_batches_that_are_replaced_are_forgotten(corpus: Corpus):
    index(corpus)
    compact(corpus)
    found = Search.open(Corpus.open(corpus.store.url))
    assert (found.behind, len(found)) == (1, 0)
    done = index(corpus)
    assert (done.taken, done.forgotten, done.sections) == (1, 2, 4)
    assert titles(Search.open(corpus).find("softened")) == ["Blur"]


def test_a_run_that_was_cut_off_is_made_good(corpus: Corpus, monkeypatch: pytest.MonkeyPatch):
    index(corpus)
    corpus.append([page("rotate.html", "Rotate", "Turn the picture with a handle.")])

    def fails(*_: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(indexing.manifest, "write", fails)
        with pytest.raises(OSError, match="power"):
            index(corpus)
    assert Search.open(corpus).find("handle") == []  # its words are there, but it does not count
    index(corpus)
    (hit,) = Search.open(corpus).find("handle")
    assert hit.unit.title == "Rotate"
    assert len(Search.open(corpus)._lexical["section"]) == 5


def test_a_graph_of_neighbours_finds_what_looking_at_all_finds(corpus: Corpus, monkeypatch: pytest.MonkeyPatch):
    chance = random.Random(0)
    said = [" ".join("".join(chance.choices("abcdefghijklmno", k=6)) for _ in range(8)) for _ in range(300)]
    corpus.append([page(f"p{i}.html", f"Page {i}", text) for i, text in enumerate(said)])
    index(corpus, FULL)
    exact = titles(Search.open(corpus).find(said[5], ways=["text"], most=20))
    monkeypatch.setattr(indexing, "EXACT", 100)
    index(corpus)
    assert {path.name.partition("-1")[0][:10] for path in folder_of(corpus).glob("*.graph")} == {"text-secti", "text-docum"}
    search = Search.open(corpus)
    near = titles(search.find(said[5], ways=["text"], most=20))
    assert len(set(near) & set(exact)) >= 18
    corpus.append([page("new.html", "New", "quite xylographic zizz")])
    index(corpus)
    assert titles(Search.open(corpus).find("quite xylographic zizz", ways=["text"], most=1)) == ["New"]
    assert titles(Search.open(corpus).find("pages", where=Where(source="p7.html"), ways=["text"])) == ["Page 7"]


def test_damage_is_named_and_made_good(corpus: Corpus):
    index(corpus, FULL)
    folder = folder_of(corpus)
    (folder / "index.json").write_text("{")
    with pytest.raises(CorpusError, match="--again"):
        Search.open(corpus)
    index(corpus, again=True)
    assert Search.open(corpus).settings == Settings()
    index(corpus, FULL)
    assert Search.open(corpus).find("crop")
    for path in (folder / "segments").rglob("text.npy"):
        path.write_bytes(b"no array")
    with pytest.raises(CorpusError, match="--again"):
        Search.open(corpus).find("crop")


def test_what_cannot_be_asked_is_refused(corpus: Corpus):
    with pytest.raises(CorpusError, match="limner index"):
        Search.open(corpus)
    index(corpus)
    search = Search.open(corpus)
    with pytest.raises(LimnerError, match="nothing is asked"):
        search.find("  ")
    with pytest.raises(LimnerError, match="--encoder"):
        search.find(image=RED)
    with pytest.raises(LimnerError, match="no date"):
        Where(after="yesterday")


def test_the_commands(corpus: Corpus, capsys: pytest.CaptureFixture[str]):
    from click.testing import CliRunner

    from limner.cli.main import limner

    place = corpus.store.url
    made = CliRunner().invoke(limner, ["index", place, "--text", "none", "--json"])
    assert json.loads(made.stdout)["sections"] == 4
    found = CliRunner().invoke(limner, ["search", place, "softened", "--json"])
    assert json.loads(found.stdout)[0]["title"] == "Blur"
    shown = CliRunner().invoke(limner, ["search", place, "red apple", "--kind", "image"])
    assert "A red apple, cropped" in shown.stdout
