"""What judges are worth: the AUC and its interval against what they must be, and the table that ships."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.errors import LimnerError
from limner.evaluate.judges.defects import DEFECTS
from limner.evaluate.judges.worth.detection import detection
from limner.evaluate.judges.worth.table import of, worth

SCORES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30)


@given(SCORES)
def test_the_auc_is_the_share_of_pairs_in_order(pairs: list[tuple[int, int]]):
    clean, worse = zip(*pairs, strict=True)
    found = detection(clean, worse, resamples=50)
    each = range(len(pairs))
    others = [(clean[i], worse[j]) for i in each for j in each if i != j]
    expected = np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a, b in others] or [0.5])
    assert found.auc == pytest.approx(expected)
    assert detection(worse, clean, resamples=0).auc == pytest.approx(1 - expected)
    assert found.low <= found.high


def test_a_judge_that_knows_nothing_is_not_told_apart_from_chance_in_most_studies():
    chance = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        level = chance.normal(size=40)
        found = detection(level + chance.normal(size=40), level + chance.normal(size=40), resamples=300)
        inside += found.low <= 0.5 <= found.high
    assert 180 <= inside < 200


def test_scores_of_other_documents_are_refused():
    with pytest.raises(ValueError, match="one of each"):
        detection([1.0], [1.0, 2.0])


def test_the_table_has_the_bundled_judges_and_one_language_model_with_every_defect():
    found = {each.judge: each for each in worth() if each.shown == "pages"}
    assert {"bundled:structural", "bundled:coherent", "bundled:trained"} <= set(found)
    assert any(name.startswith("blind:openai:") for name in found)
    for each in found.values():
        assert set(each.defects) == set(DEFECTS) if each.judge.startswith("bundled:") else set(each.defects) <= set(DEFECTS)
        assert 0 <= each.failed <= 1
        assert each.settings["version"]
        for defect in each.defects.values():
            assert defect.auc is None or defect.low <= defect.auc <= defect.high  # type: ignore[operator]


def test_a_judge_that_has_changed_since_has_no_worth():
    (known, *_) = of("bundled:structural")
    assert of("bundled:structural", known.settings)
    assert not of("bundled:structural", {**known.settings, "version": "other"})
    assert not of("language:openai:never@http://127.0.0.1:1/v1")


def test_a_table_that_is_none_is_refused(tmp_path):
    (tmp_path / "w.json").write_text('{"judges": [{}]}')
    with pytest.raises(LimnerError, match=r"planted\.py"):
        worth(tmp_path / "w.json")
