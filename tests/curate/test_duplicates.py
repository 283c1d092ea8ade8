"""Near-duplicates with planted ones whose similarity is known exactly, on real pages."""

from __future__ import annotations

import random

import numpy as np
import pytest

from limner.curate.components import Components
from limner.curate.duplicates import NEIGHBOURS, NearDuplicates
from limner.curate.operator import Signatures
from limner.curate.shingles import shingles, words
from limner.document import Document, Image, Text

from .context import apply, decide, sign
from .pages import texts


def document(name: str, text: str) -> Document:
    return Document(name, (Text(0, text),))


def jaccard(a: str, b: str, length: int = 5) -> float:
    first, second = (set(shingles(words(text), length).tolist()) for text in (a, b))
    return len(first & second) / len(first | second)


def edited(text: str, similarity: float, seed: int) -> str:
    """A copy with words replaced at random places, as many as bring its similarity nearest to that asked for."""
    rng = random.Random(seed)
    parts = text.split()
    places = [i for i, part in enumerate(parts) if part.isalpha()]
    rng.shuffle(places)
    planted = {place: f"planted{''.join(rng.choices('abcdefgh', k=6))}" for place in places}

    def copy(count: int) -> str:
        chosen = set(places[:count])
        return " ".join(planted[i] if i in chosen else part for i, part in enumerate(parts))

    low, high = 0, len(places)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if jaccard(text, copy(middle)) > similarity else (low, middle)
    return min((copy(low), copy(high)), key=lambda other: abs(jaccard(text, other) - similarity))


def test_exact_duplicates_after_normalisation_keep_the_first(tmp_path):
    documents = [document("a", "One two 3."), document("b", "another"), document("c", "one, TWO; 4"), document("d", "...")]
    left, context = apply(NearDuplicates(), documents, tmp_path)
    assert [d.id for d in left] == ["a", "b", "d"]
    ((name, part, reason),) = context.dropped
    assert (name, part, reason.reason, reason.value, reason.detail) == ("c", None, "exact-duplicate", 1.0, "a")
    left, _ = apply(NearDuplicates(digits=False), documents, tmp_path)
    assert len(left) == 4


def test_documents_without_words_are_kept(tmp_path):
    documents = [Document(str(i), (Image(0, url=f"{i}.png"),)) for i in range(3)]
    assert len(apply(NearDuplicates(), documents, tmp_path)[0]) == 3
    assert decide(NearDuplicates(), [], tmp_path / "none") == []


@pytest.fixture(scope="module")
def originals() -> list[str]:
    """Real pages of some length, no two of which are alike."""
    chosen: list[str] = []
    sets: list[set[int]] = []
    for text in texts():
        pieces = set(shingles(words(text), 5).tolist())
        if len(pieces) >= 200 and all(len(pieces & s) / len(pieces | s) < 0.3 for s in sets):
            chosen.append(text)
            sets.append(pieces)
        if len(chosen) == 80:
            break
    return chosen


@pytest.mark.parametrize(
    ("level", "low", "high"),
    # The share found of copies at a level: all well above the threshold of 0.8, none well below; with 128 numbers
    # the estimate's standard deviation is 0.026 at 0.9 and 0.040 at 0.7.
    [(0.98, 1.0, 1.0), (0.93, 0.99, 1.0), (0.88, 0.93, 1.0), (0.72, 0.0, 0.08), (0.6, 0.0, 0.0), (0.4, 0.0, 0.0)],
)
def test_planted_copies_are_found_by_their_similarity(originals, tmp_path, level, low, high):
    copies = [edited(text, level, seed) for seed, text in enumerate(originals)]
    exact = [jaccard(a, b) for a, b in zip(originals, copies, strict=True)]
    assert max(abs(value - level) for value in exact) < 0.05
    documents = [document(f"original-{i}", text) for i, text in enumerate(originals)]
    documents += [document(f"copy-{i}", text) for i, text in enumerate(copies)]
    verdicts = decide(NearDuplicates(), documents, tmp_path)
    # Whatever is dropped is a copy, of its own original: precision is 1.
    for verdict in verdicts:
        assert verdict.order >= len(originals)
        assert verdict.reason.detail == f"original-{verdict.order - len(originals)}"
        assert abs(verdict.reason.value - exact[verdict.order - len(originals)]) < 0.18
    assert low <= len(verdicts) / len(originals) <= high


def test_what_is_connected_is_one_group_and_its_first_stays(originals, tmp_path):
    chain = [originals[0]]
    for seed in range(5):
        chain.append(edited(chain[-1], 0.92, seed))
    assert jaccard(chain[0], chain[-1]) < 0.75
    documents = [document(str(i), text) for i, text in enumerate([chain[3], chain[1], *originals[1:4], *chain])]
    left, context = apply(NearDuplicates(), documents, tmp_path)
    assert [d.id for d in left] == ["0", "2", "3", "4"]
    assert {reason.detail for _, _, reason in context.dropped} == {"0"}


def test_rows_in_any_order_and_any_number_of_files_decide_alike(originals, tmp_path):
    import pyarrow.parquet as pq

    operator = NearDuplicates()
    documents = [document(str(i), text) for i, text in enumerate(originals[:40])]
    documents += [document(f"c{i}", edited(text, 0.9, i)) for i, text in enumerate(originals[:40])]
    signatures = sign(operator, documents, tmp_path)
    expected = sorted(operator.decide(signatures), key=lambda v: v.order)
    assert len(expected) > 30
    table = pq.read_table(signatures.files[0])
    rows = np.random.default_rng(1).permutation(len(table))
    files = []
    for i, part in enumerate(np.array_split(rows, 3)):
        pq.write_table(table.take(part), tmp_path / f"{i}.parquet")
        files.append(str(tmp_path / f"{i}.parquet"))
    shuffled = Signatures(files, str(tmp_path / "other"), 64 << 20)
    assert sorted(operator.decide(shuffled), key=lambda v: v.order) == expected


def test_a_band_with_very_many_documents_is_one_group_all_the_same(tmp_path):
    base = " ".join(f"w{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(400))
    documents = [document(str(i), f"{base} last{chr(97 + i % 26)}{chr(97 + i // 26)}") for i in range(5 * NEIGHBOURS)]
    left, context = apply(NearDuplicates(), documents, tmp_path)
    assert [d.id for d in left] == ["0"]
    assert all(reason.detail == "0" and reason.value > 0.9 for _, _, reason in context.dropped)


@pytest.mark.parametrize("operator", [NearDuplicates(unit="character", length=5), NearDuplicates(permutations=64)])
def test_other_settings_find_a_close_copy(originals, tmp_path, operator):
    documents = [document(str(i), text) for i, text in enumerate([*originals[:20], edited(originals[7], 0.97, 1)])]
    (verdict,) = decide(operator, documents, tmp_path)
    assert (verdict.order, verdict.reason.detail) == (20, "7")


@pytest.mark.parametrize("settings", [{"threshold": 0.0}, {"threshold": 1.0}, {"length": 0}, {"permutations": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=r"must|not between"):
        NearDuplicates(**settings)


def test_components_name_their_least():
    rng = np.random.default_rng(3)
    pairs = rng.integers(0, 500, (350, 2)).tolist()
    groups = Components(500)
    for a, b in pairs:
        groups.join(a, b)
    names = list(range(500))
    for _ in range(500):
        changed = False
        for a, b in pairs:
            least = min(names[a], names[b])
            changed |= names[a] != names[b]
            names[a] = names[b] = least
        if not changed:
            break
    assert groups.roots(np.arange(500)).tolist() == names
    assert groups.roots().tolist() == names
