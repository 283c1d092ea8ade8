"""Answers to questions about long contexts, as MMLongBench scores them by rule.

The rules are the authors' (`utils.py` of EdinburghNLP/MMLongBench), but that an answer in which nothing is found is wrong, where they draw yes or no.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from limner.evaluate.benchmarks.choices import letter
from limner.evaluate.metrics.text import normalised, rouge, token_f1

_UNITS = ("kg", "meters", "acres", "minutes", "miles", "mile", "feet", "million", "thousand", "billion", "mm", "m")
_EXACT = re.compile(
    r"https://|.*\.(py|ipynb)$|^page|^\d+(-\d+|\s\d+)?$|a\.m\.|p\.m\.|^\d{4}[-/\s]\d{1,2}[-/\s]\d{1,2}$|^\d{1,2}[-/\s]\d{1,2}[-/\s]\d{2,4}$"
    r"|^\d{4}[-/\s]\d{1,2}$|^[\w.%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$"
)
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)")
_LISTED = re.compile(r"\[[^\[\]]{0,2000}\]")
_DEEPEST = 3
_LONGEST = 20_000  # characters of an answer


def answer(text: str, prefix: str = "Answer:") -> str:
    """What follows “Answer:”, or all where it does not stand there."""
    found = re.search(re.escape(prefix), text[:_LONGEST], re.IGNORECASE)
    return (text[found.end() : _LONGEST] if found else text[:_LONGEST]).strip()


def contains(text: str, answers: Sequence[str]) -> float:
    """1 where the answer has one of the right ones in it, both `normalised`."""
    said = normalised(text[:_LONGEST])
    return float(any((wanted := normalised(each)) and wanted in said for each in answers))


def yes_or_no(text: str) -> bool | None:
    """The last yes or no of an answer; None where there is neither."""
    found = re.findall(r"\b(yes|no)\b", answer(text), re.IGNORECASE)
    return found[-1].lower() == "yes" if found else None


def counts(text: str) -> list[int]:
    """The numbers of the last list of an answer, or all of its whole numbers."""
    for listed in reversed(_LISTED.findall(text[:_LONGEST])):
        try:
            found = json.loads(listed)
        except ValueError:
            continue
        return [
            int(each) for each in found if isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each)
        ]
    return [int(each) for each in re.findall(r"\d{1,12}", text[:_LONGEST])]


def same_sum(text: str, wanted: Sequence[int]) -> float:
    """1 where the numbers add up to the right sum, which is how the authors compare counts."""
    return float(bool(found := counts(answer(text))) and sum(found) == sum(wanted))


def choice(text: str, right: int) -> float:
    """1 where the letter of the right choice is written."""
    return float(letter(answer(text), 10) == right)


def label(text: str, right: int) -> float:
    """1 where the number after “label:”, else the last one, is right."""
    said = text[:_LONGEST]
    found = re.search(r"label:\s*(\d{1,9})", said, re.IGNORECASE)
    number = found[1] if found else next(iter(re.findall(r"\b(\d{1,9})\b", said)[-1:]), None)
    return float(number is not None and int(number) == right)


def summary(text: str, reference: str) -> float:
    """ROUGE-L F1."""
    return rouge(answer(text, "Summary:"), [reference])["rougeL"]


def document_answer(text: str, gold: Any, kind: str, depth: int = 0) -> float:
    """The score of an answer about a document after its `answer_format`: Integer; Float (1 % apart at most, or 100 times as much or as little);
    String (F1 of words; exact where it is a date, a page, an address); List (the mean over what is listed, texts taken together)."""
    said = answer(text)
    if kind == "Integer":
        wanted = plain_number(gold)
        return float(wanted is not None and any(found == wanted for found in _numbers(_plain(said)) if found == int(found)))
    if kind == "Float":
        wanted = plain_number(gold)
        close = [wanted / 100, wanted, wanted * 100] if wanted is not None else []
        return float(any(math.isclose(each, found, rel_tol=0.01) for each in close for found in _numbers(_plain(said))))
    if kind in ("String", "None"):
        return float(str(gold) in said) if _EXACT.search(str(gold)) else token_f1(said, [str(gold)])
    if kind == "List" and depth < _DEEPEST:
        return _listed(said, gold, depth)
    raise ValueError(f"an answer's format is {kind[:20]!r}")


def _listed(said: str, gold: Any, depth: int) -> float:
    items: list[Any] = json.loads(gold) if isinstance(gold, str) else list(gold)
    texts = [each for each in items if isinstance(each, str) and _kind(each) == "String" and not _EXACT.search(each)]
    rest = [each for each in items if each not in texts]
    wanted = ([" ".join(texts)] if texts else []) + rest
    each = [document_answer(said, one, _kind(one), depth + 1) for one in wanted]
    return sum(each) / len(each) if each else 0.0


def _kind(value: Any) -> str:
    number = plain_number(value)
    if number is None:
        return "String"
    return "Integer" if number == int(number) and "%" not in str(value) else "Float"


def _plain(text: str) -> str:
    text = text.lower().strip().replace(",", "")
    for unit in _UNITS:
        text = text.removesuffix(unit).strip()
    return text.strip("'\"").strip().strip("$").strip().strip("£").strip().strip("%").strip()


def plain_number(value: Any) -> float | None:
    """A number without its unit and marks; None for what is none."""
    try:
        number = float(_plain(str(value)))
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _numbers(text: str) -> list[float]:
    return [number for found in _NUMBER.findall(text.replace(",", "")) if math.isfinite(number := float(found))]
