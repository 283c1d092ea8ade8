"""Documents as sequences: images of a document are read together, each in its place."""

from __future__ import annotations

import io

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

import torch
from PIL import Image as Picture

from limner.corpus.media import sha256
from limner.document import Document, Image, Text
from limner.models.heads.codes import CodesHead, TokenizedCodes
from limner.models.reader import Reader, Reading
from limner.models.sequence import IMAGE
from limner.models.tokenizers import Autoencoder, BlockSettings, CodebookSettings, VectorQuantiser, ViTDecoder, ViTEncoder
from limner.models.vocabulary import Vocabulary

torch.set_num_threads(1)
BLOCKS = BlockSettings(width=32, depth=1, heads=2, patch=4)
VOCABULARY = Vocabulary.learnt(["one two three"], 270)


def file(seed: int) -> bytes:
    out = io.BytesIO()
    blocks = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    Picture.fromarray(blocks).save(out, "PNG")
    return out.getvalue()


FILES = {sha256(data): data for data in map(file, range(5))}
BROKEN, ABSENT = sha256(b"broken"), sha256(b"absent")
MEDIA = {**FILES, BROKEN: b"\x89PNG\r\n\x1a\nbroken"}


def reader(images: int = 8) -> Reader:
    torch.manual_seed(0)
    tokenizer = Autoencoder(
        ViTEncoder(BLOCKS), VectorQuantiser(CodebookSettings(size=32, width=4)), ViTDecoder(BLOCKS), side=16
    ).eval()
    return Reader(VOCABULARY, CodesHead(TokenizedCodes(tokenizer), VOCABULARY.size, (4, 4)), Reading(images=images, side=16))


def codes(made: Reader, refs: list[str]) -> list[list[int]]:
    parts = [part for n, ref in enumerate(refs) for part in (Text(2 * n, "one"), Image(2 * n + 1, ref))]
    pieces = made.pieces(Document("d", tuple(parts)), MEDIA.get)
    return [piece.ids.tolist() for piece in pieces if piece.modality == IMAGE]


def test_images_read_together_are_those_read_alone_each_in_its_place():
    refs = list(FILES)
    alone = {ref: codes(reader(), [ref])[0] for ref in refs}
    assert len({tuple(each) for each in alone.values()}) == len(refs)
    order = [refs[3], BROKEN, refs[0], ABSENT, refs[3], refs[4]]
    assert codes(reader(), order) == [alone[ref] for ref in (refs[3], refs[0], refs[3], refs[4])]


def test_a_document_reads_the_same_whatever_was_read_before():
    refs, made = list(FILES), reader()
    first = codes(made, refs[:3])
    assert codes(made, refs[:2]) == first[:2]
    assert codes(made, refs[:3]) == first


def test_only_so_many_images_are_read_and_what_cannot_be_read_is_none_of_them():
    refs = list(FILES)
    assert codes(reader(2), [BROKEN, *refs]) == codes(reader(), refs[:2])
    assert codes(reader(0), refs) == []


def test_an_image_that_comes_later_is_read_then():
    made, held = reader(), dict(MEDIA)
    missing = list(FILES)[1]
    held.pop(missing)
    document = Document("d", tuple(Image(n, ref) for n, ref in enumerate(FILES)))
    before = [p for p in made.pieces(document, held.get) if p.modality == IMAGE]
    after = [p for p in made.pieces(document, MEDIA.get) if p.modality == IMAGE]
    assert (len(before), len(after)) == (4, 5)
