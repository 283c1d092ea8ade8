"""Superscripts and subscripts in the characters that Unicode has for them, so that 10⁻⁶ is not read as 10-6."""

from __future__ import annotations

_RAISED = dict(zip("0123456789+-−–=()ni,", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾ⁿⁱ,", strict=True))
_LOWERED = dict(zip("0123456789+-−–=()aehijklmnoprstuvx,", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ,", strict=True))
_LONGEST = 6


def raised(text: str) -> str:
    """The superscript `text`, or "" where Unicode cannot write it; words (2nd, Mme) stay words.

    >>> raised("-6"), raised("15"), raised("nd"), raised("[1]")
    ('⁻⁶', '¹⁵', '', '')
    """
    return _written(text, _RAISED)


def lowered(text: str) -> str:
    """The subscript `text`, or "" where Unicode cannot write it.

    >>> lowered("2"), lowered("i"), lowered("max")
    ('₂', 'ᵢ', '')
    """
    return _written(text, _LOWERED)


def _written(text: str, characters: dict[str, str]) -> str:
    text = text.strip()
    if not 0 < len(text) <= _LONGEST or sum(map(str.isalpha, text)) > 1 or text == ",":
        return ""
    try:
        return "".join([characters[c] for c in text])
    except KeyError:
        return ""
