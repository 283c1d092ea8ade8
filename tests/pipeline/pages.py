"""A small web site for tests of the pipeline: real files, pictures drawn here, near-duplicates and broken pages planted."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image as Picture

_WORDS = (
    "the sample is placed in the beam and its scattering measured while the temperature rises slowly so that every curve can be "
    "compared with a model of spheres or rods whose size and shape follow from the fit of intensity against momentum transfer"
).split()


def paragraph(rng: random.Random, words: int = 60) -> str:
    """Words in a random order: no two paragraphs are near-duplicates of one another."""
    return " ".join(rng.choice(_WORDS) for _ in range(words)).capitalize() + "."


def write_site(folder: Path, pages: int = 40, seed: int = 3) -> Path:
    """Write `pages` pages with a picture each; every tenth page repeats the one before but for its title."""
    rng = random.Random(seed)
    (folder / "img").mkdir(parents=True)
    body = ""
    for i in range(pages):
        if i % 10 != 9:
            picture = Picture.effect_noise((160, 120), 60 + i).convert("RGB")
            picture.save(folder / "img" / f"figure{i}.png")
            body = "".join(f"<p>{paragraph(rng)}</p>" for _ in range(6))
            body += f'<figure><img src="img/figure{i}.png" alt="curve {i}"><figcaption>Figure {i}: {paragraph(rng, 8)}</figcaption></figure>'
        (folder / f"page{i:03d}.html").write_text(
            f"<html lang=en><head><title>Page {i}</title></head><body><main><h1>Page {i}</h1>{body}"
            "<p>All rights reserved by the institute of measurements and curves.</p></main></body></html>",
            encoding="utf-8",
        )
    return folder
