"""The judge without a model: how much of an answer its sources support, and how much of the question it takes up."""

from __future__ import annotations

from collections.abc import Sequence

from limner.curate.align import sentences
from limner.curate.identify import SURE, identify
from limner.curate.words import stop_words
from limner.errors import ExpertError
from limner.experts.judge import Case, Verdict
from limner.search.analysis import ASKED, kind, terms
from limner.write.support import supported


class SupportJudge:
    """The harmonic mean of two shares: of the answer's sentences that a source supports, and of the question's words, stop words apart,
    that the answer has.
    """

    def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """See `limner.experts.judge.Judge`."""
        return [_verdict(case) for case in cases]


def _verdict(case: Case) -> Verdict:
    said = [sentence for line in case.text.splitlines() for sentence in sentences(line) if sentence.strip()]
    if not said:
        return Verdict(0.0, "the answer says nothing")
    code, sure = identify(case.text, ASKED)
    language = code if sure >= SURE else "en"
    of = kind(language)
    held = sum(each.holds for each in supported(said, case.sources, "", of))
    asked, has = set(terms(case.question, of)), set(terms(case.text, of))
    asked = asked - set(terms(" ".join(stop_words(language)), of)) or asked
    taken = len(asked & has) / len(asked) if asked else 1.0
    share = held / len(said)
    score = 2 * share * taken / (share + taken) if share + taken else 0.0
    return Verdict(score, f"{held} of {len(said)} sentences are supported; {taken:.0%} of the question's words come")


def bundled(name: str) -> SupportJudge:
    """`support`."""
    if name != "support":
        raise ExpertError(f"there is no bundled judge {name!r}; there is bundled:support")
    return SupportJudge()
