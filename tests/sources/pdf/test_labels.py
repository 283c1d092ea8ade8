"""The hand-checked labels of bench/pdf are whole."""

from __future__ import annotations

import json
from pathlib import Path

LABELS = json.loads((Path(__file__).parents[3] / "bench" / "pdf" / "labels.json").read_text())
PAGES = [(file, page) for file in LABELS["files"] for page in file["pages"]]


def test_there_are_enough_figures_of_enough_makes_and_pages_of_words():
    assert sum(bool(figure["caption"]) for _, page in PAGES for figure in page["figures"]) >= 110
    assert len({file["sha256"] for file in LABELS["files"]}) >= 8
    assert sum(bool(page["read"]) for _, page in PAGES) >= 60
    assert sum(bool(page["read"]) and page["columns"] > 1 for _, page in PAGES) >= 15
    assert {file["half"] for file in LABELS["files"]} == {"tune", "held out"}


def test_every_box_is_one_and_every_caption_says_its_number():
    for file, page in PAGES:
        where = file["name"], page["page"]
        boxes = [*page["read"], *page.get("notes", []), *page.get("ignore", [])]
        for figure in page["figures"]:
            boxes += [figure["box"], *([figure["caption_box"]] if figure["caption"] else [])]
            assert figure["number"] in figure["caption"], where
        for x0, y0, x1, y1 in boxes:
            assert 0 <= x0 < x1 <= 720, where
            assert 0 <= y0 < y1 <= 860, where
