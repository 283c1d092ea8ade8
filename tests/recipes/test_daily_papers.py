"""The recipe daily-papers: what is taken out is gone, streams of votes are as said, the smoke run goes through."""

from __future__ import annotations

import numpy as np
import pytest

from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.recipes.votestream import composed, told
from limner.serve.papers.trending import gravity
from limner.sources.datasets import dataset


def test_a_stream_has_the_votes_that_its_interest_draws():
    many, few = composed(0, much=1.0), composed(0, much=0.1)
    assert sum(map(len, many.votes.values())) > 5 * sum(map(len, few.votes.values()))
    assert all(many.born[paper] - 3_600 <= min(at) and max(at) <= many.now for paper, at in many.votes.items() if at)
    assert composed(1).votes != composed(2).votes


def test_a_ranking_is_told_by_the_interest_itself_and_not_by_chance():
    streams = [composed(seed) for seed in range(10)]
    assert all(told(stream, lambda s: s.interest) == (1.0, 1.0) for stream in streams)
    chance = np.random.default_rng(0)
    by_chance = [told(stream, lambda s: {p: float(chance.random()) for p in s.votes})[0] for stream in streams]
    ranked = [told(stream, lambda s: gravity(s.votes, s.now))[0] for stream in streams]
    assert abs(np.mean(by_chance)) < 0.2
    assert np.mean(ranked) > 0.6


def test_the_smoke_run():
    pytest.importorskip("aiosmtpd")
    for name in ("r-cran-vcd", "r-cran-spacetime"):
        if not dataset(name).here:
            pytest.skip(f"needs `limner data get {name}`")
    figures = run(recipe("daily-papers"), "smoke")["figures"]
    assert figures["papers"]["mean"] >= 5
    assert figures["sentence.10.both-words.words"]["mean"] > 0
    assert figures["mail.received"]["mean"] >= 1
    assert figures["mail.doubled"]["mean"] == 0
    assert figures["mail.received"]["mean"] + figures["mail.lost"]["mean"] == figures["mail.due"]["mean"]
