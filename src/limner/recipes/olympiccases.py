r"""Answers to problems of olympiads with labels: what each type's expected answer makes of others, written by hand, and varied by rules.

The hand's labels say what a person who marks an exam would: another notation, order or unit of the same answer is right, another answer wrong.
They were written before the judge was asked. The rules make answers whose label is certain: permutations, other forms of a number, expanded
products, and what differs in one sign, bracket, element or coefficient.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer in a box to a problem of a type, and whether it is right. `by` is `hand` or `rule`."""

    kind: str
    expected: tuple[str, ...]
    given: str
    right: bool
    by: str = "hand"
    kinds: tuple[str, ...] = ()
    unit: str = ""


Hand = tuple[str, Sequence[str], Sequence[str], Sequence[str]]
"""A type, the expected answers, right ones, wrong ones."""

_HAND: tuple[Hand, ...] = (
    ("SC", ["B"], ["B", "(B)", "B.", r"\text{B}", "B: it doubles"], ["A", "", "AB", "B, C", "8"]),
    ("SC", ["D"], ["D", "[D]", r"\mathbf{D}"], ["C", "E", "not D", "d'"]),
    ("MC", ["A", "C"], ["AC", "A, C", "C, A", "{A, C}", "[A,C]", r"\text{A, C}"], ["A", "ABC", "A, B", "B, D", ""]),
    ("MC", ["ABD"], ["ABD", "A,B,D", "BAD", "D, B, A"], ["AB", "ABCD", "ABC"]),
    ("TF", ["True"], ["True", "true", "TRUE", r"\text{True}", "True."], ["False", "", "maybe", "true and false"]),
    ("TF", ["False"], ["False", "false", r"\text{False}"], ["True", "0.5", "not false"]),
    ("NV", ["0.75"], ["0.75", r"\frac{3}{4}", "3/4", ".75", "0.750", "x = 0.75", r"\dfrac34"], ["0.57", "-0.75", r"\frac{4}{3}", "75", "0.8", "3:4"]),
    ("NV", ["12"], ["12", "12.0", "n=12", r"\boxed{12}", r"\sqrt{144}", "3 \\cdot 4", "+12"], ["-12", "21", "12.5", "1,2", "120", "twelve or so"]),
    ("NV", [r"\sqrt{2}"], [r"\sqrt{2}", r"\sqrt2", r"2^{1/2}", r"\frac{2}{\sqrt{2}}", "1.41421356"], ["2", "1.5", r"\sqrt{3}", r"-\sqrt{2}",
        r"2\sqrt{2}"]),
    ("NV", ["1000000"], ["1000000", "10^6", "1,000,000", r"10^{6}", r"1 \times 10^6", "1e6"], ["100000", "10^5", "1000", "10^{-6}"]),
    ("NV", [r"6.02 \times 10^{23}"], [r"6.02 \times 10^{23}", r"6.02\cdot 10^{23}", r"6.0 \times 10^{23}"], [r"6.02 \times 10^{22}",
        r"7.02 \times 10^{23}", "6.02", r"6.02 \times 10^{-23}"]),
    ("NV", [r"\frac{\pi}{3}"], [r"\frac{\pi}{3}", r"\pi/3", r"\frac13\pi", "1.0471976"], [r"\frac{\pi}{6}", r"3\pi", r"-\pi/3", "60",
        r"\frac{3}{\pi}"]),
    ("NV", ["-7"], ["-7", "−7", "x=-7", r"-\frac{14}{2}"], ["7", "-7.5", "-6", "--7 ?"]),
    ("NV", ["2024!"], ["2024!"], ["2024", "2023!"]),
    ("SET", ["1", "2", "3"], ["1, 2, 3", r"\{1, 2, 3\}", "{3, 1, 2}", "2,1,3.0"], ["1, 2", "1, 2, 3, 4", "1, 1, 2", "(1, 2, 4)", ""]),
    ("SET", [r"\{-1, \frac{1}{2}\}"], [r"\{-1, \frac{1}{2}\}", "0.5, -1", r"\{1/2, -1\}"], ["-1", r"\{1, \frac12\}", r"\{-1, 2\}", "-0.5, 1"]),
    ("SET", [r"\{0\}"], ["0", "{0}", r"\left\{0\right\}"], ["1", "0, 1", r"\varnothing"]),
    ("IN", ["[0, 1]"], ["[0, 1]", "[0,1]", r"\left[0, 1\right]", r"x \in [0, 1]", r"[0, \frac{2}{2}]"], ["(0, 1)", "[0, 1)", "[0, 2]", "[1, 0]",
        "0, 1"]),
    ("IN", [r"(-\infty, 2)"], [r"(-\infty, 2)", r"\left(-\infty,2\right)", r"x\in(-\infty, 2)"], [r"(-\infty, 2]", r"(2, \infty)", r"(-2, 2)",
        r"(-\infty, -2)"]),
    ("IN", [r"(-\infty, -1] \cup [3, +\infty)"], [r"(-\infty,-1]\cup[3,+\infty)", r"[3, +\infty) \cup (-\infty, -1]"],
        [r"(-\infty,-1)\cup(3,+\infty)", r"[-1, 3]", r"[3,+\infty)", r"(-\infty, 1] \cup [3, +\infty)"]),
    ("IN", [r"(\sqrt{2}, 3]"], [r"(\sqrt{2}, 3]", r"(\sqrt2,3]", r"(2^{1/2}, 3]"], [r"[\sqrt{2}, 3]", r"(2, 3]", r"(\sqrt{3}, 3]"]),
    ("EX", [r"\frac{a+b}{2}"], [r"\frac{a+b}{2}", "(a+b)/2", r"\frac{a}{2}+\frac{b}{2}", "0.5(b+a)", "m = (a+b)/2"], [r"\frac{a-b}{2}", "a+b",
        r"\frac{ab}{2}", r"\frac{2}{a+b}"]),
    ("EX", ["x^2-1"], ["x^2-1", "(x-1)(x+1)", "-1+x^{2}", r"x \cdot x - 1"], ["x^2+1", "x-1", "(x-1)^2", "1-x^2", "2x-1"]),
    ("EX", [r"\sqrt{\frac{2h}{g}}"], [r"\sqrt{\frac{2h}{g}}", r"\sqrt{2h/g}", r"(2h/g)^{1/2}", r"t=\sqrt{\frac{2h}{g}}"], [r"\sqrt{\frac{h}{2g}}",
        r"\frac{2h}{g}", r"\sqrt{\frac{2g}{h}}", r"\sqrt{2gh}"]),
    ("EX", [r"2\sin x\cos x"], [r"2\sin x\cos x", r"\sin(2x)", r"2\cos x \sin x"], [r"\sin x", r"\cos(2x)", r"\sin x \cos x", r"2\sin x"]),
    ("EX", ["n(n+1)/2"], ["n(n+1)/2", r"\frac{n^2+n}{2}", r"\frac{1}{2}n(n+1)", r"S_n = \frac{n(n+1)}{2}"], ["n(n-1)/2", "n(n+1)",
        r"\frac{n^2+1}{2}"]),
    ("EX", [r"\ln 2"], [r"\ln 2", r"\ln(2)", r"-\ln\frac{1}{2}"], [r"\ln 3", "2", r"\log 2", r"-\ln 2"]),
    ("EX", [r"e^{-kt}"], [r"e^{-kt}", r"\frac{1}{e^{kt}}", r"\exp(-kt)"], [r"e^{kt}", r"-e^{kt}", r"e^{-k}"]),
    ("EQ", ["y=2x+1"], ["y=2x+1", "y = 1 + 2x", "2x-y+1=0", "y-2x=1", "2y=4x+2"], ["y=2x-1", "y=x+1", "x=2y+1", "y=2x"]),
    ("EQ", ["x^2+y^2=4"], ["x^2+y^2=4", "y^2+x^2-4=0", r"\frac{x^2}{4}+\frac{y^2}{4}=1"], ["x^2+y^2=2", "x^2-y^2=4", "x+y=2", "x^2+y^2=16"]),
    ("EQ", [r"\frac{x^2}{9}-\frac{y^2}{4}=1"], [r"\frac{x^2}{9}-\frac{y^2}{4}=1", "4x^2-9y^2=36", r"\frac{y^2}{4}=\frac{x^2}{9}-1"],
        [r"\frac{x^2}{9}+\frac{y^2}{4}=1", r"\frac{x^2}{4}-\frac{y^2}{9}=1", "4x^2-9y^2=1"]),
    ("EQ", ["F = ma"], ["F = ma", "ma = F", r"a = \frac{F}{m}"], ["F = m/a", "F = -ma", "F = mv"]),
    ("TUP", ["(1, 2)"], ["(1, 2)", "(1,2)", r"\left(1, 2\right)", r"(\frac{2}{2}, 2.0)"], ["(2, 1)", "(1, 2, 3)", "1", "(1, -2)", ""]),
    ("TUP", [r"(3, -\frac{1}{2}, 0)"], [r"(3, -\frac{1}{2}, 0)", "(3, -0.5, 0)", "(3,-1/2,0)"], ["(3, 0.5, 0)", "(3, -0.5)", "(0, -0.5, 3)"]),
    ("TUP", [r"(\sqrt{3}, 2\pi)"], [r"(\sqrt{3}, 2\pi)", r"(\sqrt3,2\pi)", "(1.7320508, 6.2831853)"], [r"(3, 2\pi)", r"(2\pi, \sqrt{3})",
        r"(\sqrt{3}, \pi)"]),
)  # fmt: skip

_SEVERAL: tuple[tuple[str, Sequence[str], Sequence[str], Sequence[str], Sequence[str]], ...] = (
    ("MPV", ["NV", "NV"], ["3", "4"], ["3, 4", "3.0, 4", "x=3, y=4"], ["4, 3", "3", "3, 4, 5", "3, 5"]),
    ("MPV", ["NV", "EX"], ["9.8", "mg"], ["9.8, mg", "9.8, gm", "9.80, F = mg"], ["mg, 9.8", "9.8, m/g", "9.8"]),
    ("MPV", ["SC", "NV"], ["B", "2"], ["B, 2", "B., 2"], ["A, 2", "B, 3", "2, B"]),
    ("MPV", ["IN", "NV"], ["[0, 1)", "5"], ["[0, 1), 5", "[0,1),5.0"], ["[0, 1], 5", "[0, 1), 6", "5"]),
    ("MPV", ["TUP", "EQ"], ["(1, 0)", "y=x-1"], ["(1, 0), y=x-1", "(1,0), x-y=1"], ["(0, 1), y=x-1", "(1, 0), y=x+1"]),
    ("MA", ["NV", "NV"], ["3", "4"], ["3, 4", "4, 3"], ["3", "3, 3", "3, 4, 5", "-3, 4"]),
    ("MA", ["EX", "EX"], ["a+b", "a-b"], ["a+b, a-b", "a-b, b+a"], ["a+b", "a+b, b-a", "ab, a-b"]),
    ("MA", ["EQ", "EQ"], ["y=x", "y=-x"], ["y=x, y=-x", "x+y=0, x-y=0"], ["y=x", "y=x, y=2x"]),
    ("MA", ["TUP", "TUP"], ["(1, 2)", "(2, 1)"], ["(1, 2), (2, 1)", "(2,1), (1,2)"], ["(1, 2)", "(1, 2), (1, 2)", "(1, 2), (2, 2)"]),
)  # fmt: skip

_UNITS: tuple[tuple[str, str, Sequence[str], Sequence[str]], ...] = (
    ("5", "m", ["5", "5 m", r"5 \text{ m}", r"5\,\mathrm{m}"], ["50 m", "5 km", "4 m"]),
    ("9.8", "m/s^2", ["9.8", "9.8 m/s^2", r"9.8\ \text{m/s}^2"], ["98", "9.8 m/s^3", "8.9 m/s^2"]),
    ("30", "^\\circ", ["30", r"30^\circ", r"30^{\circ}", "30°"], ["60", r"\frac{\pi}{3}", r"-30^\circ"]),
)  # fmt: skip


def labelled(seed: int, varied: int) -> list[Labelled]:
    """All answers written by hand, and for each type that rules vary so many right ones and as many wrong."""
    return [*_written(), *varied_by_rules(random.Random(seed), varied)]


def _written() -> Iterator[Labelled]:
    for kind, expected, good, bad in _HAND:
        for given, right in [*((g, True) for g in good), *((b, False) for b in bad)]:
            yield Labelled(kind, tuple(expected), given, right)
    for kind, kinds, expected, good, bad in _SEVERAL:
        for given, right in [*((g, True) for g in good), *((b, False) for b in bad)]:
            yield Labelled(kind, tuple(expected), given, right, kinds=tuple(kinds))
    for value, unit, good, bad in _UNITS:
        for given, right in [*((g, True) for g in good), *((b, False) for b in bad)]:
            yield Labelled("NV", (value,), given, right, unit=unit)


def varied_by_rules(draw: random.Random, count: int) -> Iterator[Labelled]:
    """So many right and as many wrong answers of each type that rules vary."""
    for _ in range(count):
        for kind, expected, good, bad in (
            _number(draw),
            _set(draw),
            _interval(draw),
            _tuple(draw),
            expanded(draw),
            _line(draw),
            _letters(draw),
        ):
            yield Labelled(kind, expected, good, True, "rule")
            yield Labelled(kind, expected, bad, False, "rule")


Varied = tuple[str, tuple[str, ...], str, str]
"""A type, the expected answers, a right one, a wrong one."""


def _fraction(draw: random.Random) -> Fraction:
    return Fraction(draw.choice([-1, 1]) * draw.randint(1, 60), draw.choice([1, 2, 4, 5, 8]))


def forms(value: Fraction) -> list[str]:
    """A number as a decimal, a fraction, a fraction in LaTeX, with four places."""
    sign, whole = "-" if value < 0 else "", abs(value)
    over = f"{whole.numerator}/{whole.denominator}"
    latex = rf"{sign}\frac{{{whole.numerator}}}{{{whole.denominator}}}"
    return [f"{float(value):g}", f"{sign}{over}", latex, f"{float(value):.4f}"]


def _number(draw: random.Random) -> Varied:
    value = _fraction(draw)
    expected, given = draw.sample(forms(value), 2)
    other = draw.choice([-value, value + Fraction(1, 8), value * 10, value * Fraction(11, 10)])
    return "NV", (expected,), given, draw.choice(forms(other))


def _set(draw: random.Random) -> Varied:
    values = draw.sample(range(-9, 10), draw.randint(2, 5))
    mixed = draw.sample(values, len(values))
    other = draw.choice([mixed[:-1], [*mixed, 11], [*mixed[:-1], 12]])
    return "SET", tuple(map(str, values)), rf"\{{{', '.join(map(str, mixed))}\}}", rf"\{{{', '.join(map(str, other))}\}}"


def _interval(draw: random.Random) -> Varied:
    low, high = sorted(draw.sample(range(-9, 10), 2))
    left, right = draw.choice("[("), draw.choice(")]")
    turned = {"[": "(", "(": "[", "]": ")", ")": "]"}
    wrong = draw.choice(
        [f"{turned[left]}{low}, {high}{right}", f"{left}{low}, {high}{turned[right]}", f"{left}{low}, {high + 1}{right}"]
    )
    return "IN", (f"{left}{low}, {high}{right}",), rf"\left{left}{low}, \frac{{{2 * high}}}{{2}}\right{right}", wrong


def _tuple(draw: random.Random) -> Varied:
    values = draw.sample(range(-9, 10), draw.randint(2, 4))
    other = draw.choice([[*values[1:], values[0]], values[:-1], [*values[:-1], 10]])
    return (
        "TUP",
        (f"({', '.join(map(str, values))})",),
        f"({', '.join(f'{v}.0' for v in values)})",
        f"({', '.join(map(str, other))})",
    )


def expanded(draw: random.Random) -> Varied:
    """A product of two sums, multiplied out."""
    a, b = draw.randint(1, 9), draw.randint(1, 9)
    wrong = draw.choice([f"x^2+{a + b + 1}x+{a * b}", f"x^2+{a + b}x+{a * b + 1}", f"x^2-{a + b}x+{a * b}"])
    return "EX", (f"(x+{a})(x+{b})",), f"x^{{2}}+{a + b}x+{a * b}", wrong


def _line(draw: random.Random) -> Varied:
    slope, at, times = draw.randint(2, 9), draw.randint(1, 9), draw.randint(2, 5)
    wrong = draw.choice([f"y={slope}x-{at}", f"y={slope + 1}x+{at}", f"x={slope}y+{at}"])
    return "EQ", (f"y={slope}x+{at}",), f"{times * slope}x-{times}y+{times * at}=0", wrong


def _letters(draw: random.Random) -> Varied:
    letters = sorted(draw.sample("ABCDE", draw.randint(2, 4)))
    other = draw.choice([letters[:-1], sorted({*letters, *draw.sample(sorted(set("ABCDE") - set(letters)), 1)})])
    return "MC", tuple(letters), ", ".join(draw.sample(letters, len(letters))), "".join(other)
