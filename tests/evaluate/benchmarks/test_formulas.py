"""Formulas: the same ones are known, others are not, by computer algebra too where it is installed; nothing takes long."""

from __future__ import annotations

import math
import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.evaluate.benchmarks.formulareader import NoFormula, parsed
from limner.evaluate.benchmarks.formulas import number, same, same_equation


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\frac{1}{2}", 0.5), (r"\frac12", 0.5), (r"2^{10}", 1024), ("2^5", 32), (r"\log_2 8", 3), (r"\log_{2}{7}", math.log2(7)),
        (r"\sqrt{2}+\sqrt[3]{8}", math.sqrt(2) + 2), (r"3\times10^{8}", 3e8), (r"-\frac{\pi}{4}", -math.pi / 4), (r"2\pi", 2 * math.pi),
        ("5!", 120), (r"|{-3}|", 3), (r"\sin\frac{\pi}{6}", 0.5), (r"e", math.e),
        ("e_1", None), (r"\frac{", None), ("", None), ("1/0", None), (r"\sqrt{-1}", None),
        (r"2 - 3 - 4", -5), (r"2^{-1}", 0.5), (r"12/3/2", 2), (r"\left(1+2\right)\cdot 3", 9), (r"1{,}000", None),
        ("9^9^9", None), (r"10^{400}", None), ("200!", None), (r"4\arctan 1", math.pi), ("2*-3", -6),
    ],
)  # fmt: skip
def test_values(text: str, expected: float | None):
    found = number(text)
    assert found is None if expected is None else found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"\frac{a+b}{2}", r"\frac{1}{2}(a+b)"), ("(x+1)^2", "x^2+2x+1"), (r"\sin 2x", r"2\sin x\cos x"), (r"\sqrt{x^2 y}", r"x\sqrt{y}"),
        (r"\frac{x^2-1}{x-1}", "x+1"), (r"v_0 t + \frac{1}{2} g t^2", r"t(v_{0}+gt/2)"), (r"\ln(ab)", r"\ln a+\ln b"),
        ("e^{-x}", r"1/e^x"), (r"e^{\ln x}", "x"),
        (r"\frac{m v^{2}}{r}", r"mv^2/r"), (r"\tan^{-1} x", r"\arctan x"), (r"x'+1", "1+x'"),
    ],
)  # fmt: skip
def test_the_same_is_known(one: str, other: str):
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x", "y"),
        ("x", "2x"),
        (r"\sin x", r"\cos x"),
        ("x^2", "x^3"),
        ("x_1", "x_2"),
        ("1", "x"),
        (r"\frac{a}{b}", r"\frac{b}{a}"),
        ("x", ""),
    ],
)
def test_what_differs_is_known(one: str, other: str):
    assert not same(one, other)


def test_equations_may_be_turned_and_multiplied():
    assert same_equation(r"\frac{x^2}{4}+\frac{y^2}{3}=1", "3x^2+4y^2=12")
    assert same_equation("y=2x", "2x-y=0")
    assert not same_equation("x^2+y^2=1", "x^2+y^2=2")
    assert not same_equation("y=2x", "y=2z")
    assert not same_equation("y", "y=1")


@given(st.text(alphabet="\\frac{}()^_-+*/!=x1 2|sqrtlog\\", max_size=200))
def test_no_text_raises_more_than_that_it_is_no_formula(text: str):
    for judged in (same(text, text), same_equation(text, "x=1")):
        assert judged in (True, False)
    number(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000 + "x" + ")" * 5_000,
        r"\sqrt" * 390 + "x",
        "x+" * 990 + "x",
        "x!" * 990,
        "x^" * 600 + "x",
        "-" * 1_999 + "x",
        "2^" * 9 + "9",
    ],
)
def test_what_is_deep_or_large_ends_at_once(text: str):
    began = time.monotonic()
    same(text, text)
    number(text)
    assert time.monotonic() - began < 1


def test_what_is_too_long_is_no_formula():
    with pytest.raises(NoFormula, match="too long"):
        parsed("x" * 3_000)


def test_values_are_those_of_computer_algebra():
    sympy: Any = pytest.importorskip("sympy")
    draw = random.Random(0)

    def made(depth: int) -> tuple[str, Any]:
        if depth == 0:
            whole = draw.randint(1, 9)
            return (str(whole), sympy.Integer(whole)) if draw.random() < 0.7 else (r"\pi", sympy.pi)
        (a, x), (b, y) = made(depth - 1), made(depth - 1)
        return draw.choice([
            (f"{a}+{b}", x + y), (rf"\frac{{{a}}}{{{b}}}", x / y), (rf"\left({a}\right)\left({b}\right)", x * y), (f"{a}-({b})", x - y),
            (rf"\sqrt{{({a})^2+{b}^2}}" if b.isalnum() else rf"\sqrt{{({a})^2}}", sympy.sqrt(x**2 + y**2) if b.isalnum() else sympy.sqrt(x**2)),
            (rf"\cos({a})", sympy.cos(x)), (rf"({a})^{{2}}", x**2),
        ])  # fmt: skip

    for _ in range(150):
        text, expected = made(draw.randint(1, 3))
        exact = complex(expected.evalf(30))
        found = number(text)
        if math.isfinite(abs(exact)) and abs(exact) < 1e12:
            assert found == pytest.approx(exact.real, rel=1e-6, abs=1e-6), text
