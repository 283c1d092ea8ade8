"""Whatever a page writes, what is found lies below the root."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from limner.sources.confine import local_path

STEPS = st.sampled_from(
    ["..", ".", "", "a", "b.png", "%2e%2e", "%2E.", "..%2f", "%00", "out", "link", "secret", "\\", "c:", "//", "?x", "#y"]
)
REFERENCES = st.one_of(st.lists(STEPS, max_size=8).map("/".join), st.text(max_size=40))

OUTSIDE = Path(tempfile.mkdtemp())
ROOT = OUTSIDE / "root"
(ROOT / "a" / "b").mkdir(parents=True)
(ROOT / "a" / "b.png").write_bytes(b"in")
(ROOT / "b.png").write_bytes(b"in")
(OUTSIDE / "secret").write_bytes(b"out")
(OUTSIDE / "b.png").write_bytes(b"out")
os.symlink(OUTSIDE, ROOT / "out")
os.symlink(OUTSIDE / "secret", ROOT / "a" / "link")
os.symlink(ROOT / "b.png", ROOT / "a" / "secret")


@given(folder=st.sampled_from(["", "a", "a/b"]), reference=REFERENCES)
def test_nothing_outside_is_ever_found(folder: str, reference: str) -> None:
    found = local_path(str(ROOT), folder, reference)
    assert found is None or (found.is_relative_to(ROOT.resolve()) and found.read_bytes() == b"in")


@given(tail=st.sampled_from(["", "?v=1", "#top", "?a=../..#b"]), up=st.integers(0, 5))
def test_what_is_inside_is_found_and_one_step_too_many_is_not(tail: str, up: int) -> None:
    found = local_path(str(ROOT), "a/b", "../" * up + "b.png" + tail)
    assert (found is not None) == (up in (1, 2))


def test_a_link_that_stays_inside_is_followed() -> None:
    assert local_path(str(ROOT), "", "a/secret") == (ROOT / "b.png").resolve()
