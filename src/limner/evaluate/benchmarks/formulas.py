"""Whether two formulas in LaTeX are the same: parsed, and evaluated at random points (Schwartz 1980, Zippel 1979: polynomials that differ agree at
few points; other functions are taken to behave so).

No computer algebra is asked: its simplification has no bound in time, and reading LaTeX by it runs what it reads. A formula is bounded in length and
depth, one evaluation takes as many steps as it has symbols.
"""

from __future__ import annotations

import cmath
import math
import random
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import mul

from limner.evaluate.benchmarks.formulareader import Node, NoFormula, names, parsed

POINTS = 6
_TOLERANCE = 1e-5

_FUNCTIONS: Mapping[str, Callable[[complex], complex]] = {
    "sin": cmath.sin, "cos": cmath.cos, "tan": cmath.tan, "exp": cmath.exp, "ln": cmath.log, "log": cmath.log10, "lg": cmath.log10,
    "arcsin": cmath.asin, "arccos": cmath.acos, "arctan": cmath.atan, "sinh": cmath.sinh, "cosh": cmath.cosh, "tanh": cmath.tanh,
    "cot": lambda x: 1 / cmath.tan(x), "sec": lambda x: 1 / cmath.cos(x), "csc": lambda x: 1 / cmath.sin(x), "sqrt": cmath.sqrt,
    "abs": lambda x: complex(abs(x)),
}  # fmt: skip


def value(node: Node, at: Mapping[str, complex]) -> complex:
    """The value of a formula where its variables have these. Raises `ArithmeticError` where there is none."""
    kind, *parts = node
    if kind == "number":
        return complex(parts[0])  # type: ignore[arg-type]
    if kind == "name":
        return at[str(parts[0])]
    if kind == "call":
        inner = value(parts[1], at)  # type: ignore[arg-type]
        if parts[0] == "!":
            if inner.imag or inner.real < 0 or inner.real != int(inner.real) or inner.real > 170:
                raise ArithmeticError("no factorial")
            return complex(math.factorial(int(inner.real)))
        return _checked(lambda: _FUNCTIONS[str(parts[0])](inner))
    known = [value(part, at) for part in parts if isinstance(part, tuple)]
    if kind == "minus":
        return -known[0]
    if kind in ("add", "times"):
        return _checked(lambda: sum(known) if kind == "add" else _product(known))
    return _checked(lambda: known[0] / known[1] if kind == "over" else known[0] ** known[1])


def _product(of: Sequence[complex]) -> complex:
    return reduce(mul, of, complex(1))


def _checked(compute: Callable[[], complex]) -> complex:
    try:
        return compute()
    except (ValueError, OverflowError) as error:
        raise ArithmeticError(str(error)) from None


def number(text: str) -> float | None:
    """The value of a formula without variables, None where it has none or is not real."""
    try:
        found = value(parsed(text), {})
    except (NoFormula, ArithmeticError, KeyError):
        return None
    return found.real if abs(found.imag) <= 1e-9 * max(1.0, abs(found.real)) and not math.isnan(found.real) else None


def close(a: complex, b: complex, tolerance: float = _TOLERANCE) -> bool:
    """Whether numbers are the same but for rounding, absolutely below 1 and relatively above.

    >>> close(0.1 + 0.2, 0.3), close(1e9, 1e9 + 1), close(3.14, 3.15)
    (True, True, False)
    """
    if a == b:
        return True
    apart = abs(a - b)
    return math.isfinite(apart) and apart <= tolerance * max(1.0, abs(a), abs(b))


def same(one: str, other: str, seed: int = 0) -> bool:
    """Whether two formulas have the same variables and the same values wherever both have one.

    >>> same(r"\\frac{x^2-1}{x-1}", "x+1"), same("2x", "x^2"), same(r"\\sin^2 t + \\cos^2 t", "1")
    (True, False, False)
    """
    try:
        a, b = parsed(one), parsed(other)
    except NoFormula:
        return False
    return names(a) == names(b) and _agree(a, b, names(a), seed)


def same_equation(one: str, other: str, seed: int = 0) -> bool:
    """Whether two equations say the same: what is left of both sides' difference is the other's times a number.

    >>> same_equation("y = 2x + 1", "2y - 4x = 2"), same_equation("y = x", "y = -x")
    (True, False)
    """
    try:
        a, b = (_difference(text) for text in (one, other))
    except NoFormula:
        return False
    if (every := names(a)) != names(b) or not every:
        return False
    factors = [y / x for x, y in _values(a, b, every, seed) if x != 0]
    return len(factors) >= POINTS // 2 and factors[0] != 0 and all(close(f / factors[0], 1) for f in factors)


def _difference(text: str) -> Node:
    left, sign, right = text.partition("=")
    if not sign or "=" in right:
        raise NoFormula("not one equation")
    return ("add", parsed(left), ("minus", parsed(right)))


def _agree(a: Node, b: Node, every: set[str], seed: int) -> bool:
    found = _values(a, b, every, seed)
    return len(found) >= (POINTS // 2 if every else 1) and all(close(x, y) for x, y in found)


def _values(a: Node, b: Node, every: set[str], seed: int) -> list[tuple[complex, complex]]:
    """The values of both at points where both have one."""
    draw = random.Random(seed)
    found: list[tuple[complex, complex]] = []
    for _ in range(POINTS if every else 1):
        at = {name: complex(draw.uniform(0.3, 2.2)) for name in sorted(every)}
        try:
            found.append((value(a, at), value(b, at)))
        except (ArithmeticError, KeyError):
            continue
    return found
