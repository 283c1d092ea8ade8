"""What perceptual hashes join: copies planted among real images, and pairs of real images that are no copies.

    python bench/duplicate_images.py                         # the images of the data sets that are here
    python bench/duplicate_images.py --sets sasview --copies 100

Recall: of images drawn from the data sets, copies are made (scaled, recompressed, cropped by 2 %, with a watermark), and it is
counted how many count as the same image under a setting of `duplicate-images` (`distance` bits, `apart` in colour). Wrong merges:
of the real images, distinct files of at least 150 pixels, the pairs that the setting joins directly, and of these the ones that
differ visibly: scaled to one size and blurred by 3 x 3 pixels, more than 0.2 % of their pixels differ by more than 32 levels
in some colour. That counts recompressed copies as different too (how many of the planted ones is said beside), so that it is an upper
bound of what is wrong. Writes bench/results/duplicate_images.json.
"""

from __future__ import annotations

import argparse
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from limner.corpus.media import sha256
from limner.corpus.pixels import decode, thumbnail
from limner.curate.phash import cell_difference, cells, hamming, near_pairs, phash
from limner.errors import MediaError
from limner.recipes.provenance import code_hash, data_hash, machine
from limner.sources.datasets import dataset

RESULTS = Path(__file__).parent / "results" / "duplicate_images.json"
SETS = (
    "sasview",
    "sklearn-doc",
    "skimage-doc",
    "debian-handbook",
    *(f"gimp-help-{c}" for c in ("en", "de", "fr", "es", "ru", "ja")),
)
SETTINGS = [(distance, apart) for distance in (0, 4, 8) for apart in (None, 8, 12, 16)]
FURTHEST, SMALLEST = 8, 150
VISIBLE, SHARE = 32, 0.002
SURE = 40
"""Pairs with a cell that differs by more than this differ visibly: a cell is 0.4 % of an image."""


@dataclass(frozen=True)
class Seen:
    """An image as the operator sees it."""

    path: Path
    hash: int
    grid: bytes


def seen(path: Path, data: bytes) -> Seen | None:
    """None for what has no hash or cannot be decoded."""
    try:
        pixels = thumbnail(data, 128)
    except MediaError:
        return None
    found = phash(pixels)
    return None if found is None else Seen(path, found, cells(pixels))


def real(names: list[str]) -> list[Seen]:
    """The images of data sets, each content once."""
    found: dict[str, Seen] = {}
    for name in names:
        for path in sorted(
            p for p in dataset(name).data.rglob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg", ".gif", ".webp")
        ):
            data = path.read_bytes()
            key = sha256(data)
            if key in found or not (look := seen(path, data)):
                continue
            with Image.open(io.BytesIO(data)) as opened:
                if min(opened.size) >= SMALLEST:
                    found[key] = look
    return list(found.values())


def encoded(image: Image.Image, kind: str, **given: Any) -> bytes:
    """The bytes of a file."""
    with io.BytesIO() as file:
        image.save(file, kind, **given)
        return file.getvalue()


def copies(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Copies of an image by name."""
    width, height = image.size
    half = image.resize((width // 2, height // 2), Image.Resampling.LANCZOS)
    yield "half the size", encoded(half, "PNG")
    yield "three quarters of the size", encoded(image.resize((width * 3 // 4, height * 3 // 4), Image.Resampling.BICUBIC), "PNG")
    yield "JPEG, quality 60", encoded(image, "JPEG", quality=60)
    yield "half the size, JPEG, quality 40", encoded(half, "JPEG", quality=40)
    x, y = max(1, round(width * 0.01)), max(1, round(height * 0.01))
    yield "cropped by 2 %", encoded(image.crop((x, y, width - x, height - y)), "PNG")
    box = (width - width // 5 - 4, height - height // 12 - 4, width - 4, height - 4)
    marked = image.copy()
    region = marked.crop(box)
    marked.paste(Image.blend(region, Image.new("RGB", region.size, (128, 128, 128)), 0.5), box)
    ImageDraw.Draw(marked).text((box[0] + 2, box[1] + 2), "example.org", fill=(255, 255, 255))
    yield "watermark in a corner", encoded(marked, "PNG")


def pixels(path: Path) -> Image.Image:
    """An image as RGB."""
    return Image.fromarray(decode(path.read_bytes()))


def differ(a: Image.Image, b: Image.Image) -> bool:
    """Whether two images differ visibly."""
    size = (min(a.width, b.width), min(a.height, b.height))
    both = [
        np.asarray((i if i.size == size else i.resize(size, Image.Resampling.LANCZOS)).filter(ImageFilter.BoxBlur(1)), np.int16)
        for i in (a, b)
    ]
    return bool((np.abs(both[0] - both[1]).max(axis=2) > VISIBLE).mean() > SHARE)


def grids(a: bytes, b: bytes) -> int:
    """How far apart two grids are."""
    return int(cell_difference(np.frombuffer(a, np.uint8), np.frombuffer(b, np.uint8)))


def joined(bits: int, apart: int, setting: tuple[int, int | None]) -> bool:
    """Whether a setting of the operator joins two images."""
    return bits <= setting[0] and (setting[1] is None or apart <= setting[1])


def recall(images: list[Seen], count: int) -> dict[str, Any]:
    """Of each kind of copy, how many each setting finds, and how many differ visibly from their original."""
    drawn = random.Random(7).sample(images, min(count, len(images)))
    found: dict[str, list[tuple[int, int, bool]]] = {}
    for image in drawn:
        original = pixels(image.path)
        for kind, data in copies(original):
            copy = seen(image.path, data)
            far = (65, 256) if copy is None else (hamming(image.hash, copy.hash), grids(image.grid, copy.grid))
            found.setdefault(kind, []).append((*far, differ(original, Image.fromarray(decode(data)))))
    return {
        kind: {
            "copies": len(values),
            "differ_visibly": sum(v[2] for v in values) / len(values),
            "found": {name(s): sum(joined(v[0], v[1], s) for v in values) / len(values) for s in SETTINGS},
        }
        for kind, values in found.items()
    }


def merges(images: list[Seen]) -> dict[str, dict[str, int]]:
    """Of the pairs of real images, how many each setting joins, and how many of these differ visibly."""
    hashes = np.array([image.hash for image in images], np.uint64)
    order = np.argsort(hashes, kind="stable")
    pairs = {(int(order[i]), int(order[i + 1 + k])) for i in range(len(order)) for k in range(_run(hashes[order], i))}
    pairs |= {(int(i), int(j)) for i, j in near_pairs(hashes, FURTHEST)}
    counts = {name(s): {"pairs": 0, "differ_visibly": 0} for s in SETTINGS}
    opened: dict[Path, Image.Image] = {}
    for i, j in sorted((min(p), max(p)) for p in pairs):
        bits, apart = hamming(images[i].hash, images[j].hash), grids(images[i].grid, images[j].grid)
        under = [name(s) for s in SETTINGS if joined(bits, apart, s)]
        if not under:
            continue
        if len(opened) > 100:
            opened.clear()
        for image in (images[i], images[j]):
            if apart <= SURE and image.path not in opened:
                opened[image.path] = pixels(image.path)
        wrong = apart > SURE or differ(opened[images[i].path], opened[images[j].path])
        for setting in under:
            counts[setting]["pairs"] += 1
            counts[setting]["differ_visibly"] += wrong
    return counts


def _run(hashes: Any, start: int) -> int:
    """How many hashes after `start` are equal to it."""
    end = start + 1
    while end < len(hashes) and hashes[end] == hashes[start]:
        end += 1
    return end - start - 1


def name(setting: tuple[int, int | None]) -> str:
    """A setting as a key."""
    return f"distance {setting[0]}" + ("" if setting[1] is None else f", apart {setting[1]}")


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=[s for s in SETS if dataset(s).here])
    parser.add_argument("--copies", type=int, default=300, help="images that copies are made of")
    given = parser.parse_args()
    images = real(given.sets)
    result = {
        "sets": {s: data_hash(s) for s in given.sets},
        "images": len(images),
        "planted": recall(images, given.copies),
        "real_pairs": merges(images),
        "code": code_hash("limner.curate.duplicate_images"),
        "machine": machine(),
    }
    if given.sets == [s for s in SETS if dataset(s).here]:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
