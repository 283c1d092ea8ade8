"""Measures of an answer to a question with given choices whose right one is known: what it says the answer is, and what it speaks of on the way.

For a judge who is shown the right answer, as in MMIE's multi-step reasoning. Words alone: nothing here knows whether a reason is one.
"""

from __future__ import annotations

import re

from limner.evaluate.benchmarks.choices import LETTERS, letter
from limner.evaluate.judges.layout import said
from limner.evaluate.judging import Case
from limner.evaluate.metrics.text import words

NAMES = ("end_right", "end_named", "right_option", "other_options", "question_told")

_OPTION = re.compile(r"^\s*\(?([A-H])\)?\s*[.):]\s*(.*)", re.MULTILINE)
_ALONE = re.compile(r"\(?([A-H])\)?[.):]?")
_MOST = 20_000  # characters of a text
_SHORT = 4  # letters of a word that says something


def measures(case: Case) -> dict[str, float]:
    """The measures of a case, each from 0 to 1; none where the question has no options or the reference is no letter of one.

    `end_right`      whether the letter that the answer names is the right one
    `end_named`      whether it names one for certain
    `right_option`   the share of the right option's words that it has, less those of the question
    `other_options`  the same of the option of which it has most, the right one left out
    `question_told`  the share of the question's words that it has
    """
    question, answer = said(case.request)[:_MOST], said(case.answer)[:_MOST]
    options = dict(_OPTION.findall(question))
    right = _ALONE.fullmatch(said(case.reference).strip())
    if right is None or right[1] not in options:
        return {}
    given = _words(answer)
    asked = _words(_OPTION.sub("", question))
    shares = {name: _share(_words(text) - asked, given) for name, text in options.items()}
    end = letter(answer, LETTERS.index(max(options)) + 1)
    return {
        "end_right": float(end is not None and LETTERS[end] == right[1]),
        "end_named": float(end is not None),
        "right_option": shares.pop(right[1]),
        "other_options": max(shares.values(), default=0.0),
        "question_told": _share(asked, given),
    }


def _words(text: str) -> set[str]:
    return {word for word in words(text) if len(word) >= _SHORT}


def _share(wanted: set[str], given: set[str]) -> float:
    return len(wanted & given) / len(wanted) if wanted else 0.0
