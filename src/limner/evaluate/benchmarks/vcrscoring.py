"""How near restored texts are to those that were covered: exact match and Jaccard index of the answer's most similar stretch (VCR, arXiv 2406.06462).

Of all stretches of the answer with as many words as the covered text, the most similar by letters (Ratcliff and Obershelp's ratio) is compared. The
authors cut words with spaCy's models; here words, marks and letters of scripts without spaces are cut by a rule, so that figures may differ slightly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

_TOKENS = re.compile(
    r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+(?:['’]\w+)?|[^\w\s]"
)
_UNSPACED = re.compile(r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_MOST = 1_500  # tokens of an answer


def tokens(text: str) -> list[str]:
    """Words, marks, and letters of scripts without spaces.

    >>> tokens("It's 漢字, isn't it?")
    ["It's", '漢', '字', ',', "isn't", 'it', '?']
    """
    return _TOKENS.findall(text)


def restored(covered: str, answer: str) -> tuple[float, float]:
    """Exact match (1 or 0) and Jaccard index of a covered text in an answer."""
    wanted, said = tokens(covered), tokens(answer)[:_MOST]
    joint = "" if _UNSPACED.search(covered) else " "
    best, found = 0.0, list[str]()
    matcher = SequenceMatcher(None, "", covered, autojunk=False)
    for start in range(max(len(said) - len(wanted) + 1, 0)):
        stretch = said[start : start + len(wanted)]
        if set(stretch).isdisjoint(wanted):
            continue
        matcher.set_seq1(joint.join(stretch))
        # The cheap bounds first: the ratio itself takes the product of both lengths.
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, found = ratio, stretch
    union = set(found) | set(wanted)
    return float(bool(found) and found == wanted), len(set(found) & set(wanted)) / len(union) if union else 0.0


def scores(covered: Sequence[str], answer: str) -> tuple[float, float]:
    """The means over covered texts."""
    each = [restored(text, answer) for text in covered]
    return sum(exact for exact, _ in each) / len(each), sum(near for _, near in each) / len(each)
