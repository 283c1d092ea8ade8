"""Formulas in LaTeX as trees, read by recursive descent; nothing of what is read is run.

A formula is bounded in length and depth.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

LONGEST, DEEPEST = 2_000, 60
"""Characters of a formula, and parts inside one another."""

Node = tuple["str | float | Node", ...]
"""`("number", x)`, `("name", s)`, `("add"|"times", a, b, ...)`, `("over"|"power", a, b)`, `("minus", a)`, `("call", f, a)`. Sums and products are
flat, so that a tree is no deeper than its brackets."""

_TOKEN = re.compile(r"\\[A-Za-z]+|\\[^A-Za-z]|\d+(?:\.\d+)?|\.\d+|[A-Za-z]|[-+*/^_=(){}\[\]|!,'√π·×÷−]|\S")
_IGNORED = {"\\ ", *r"\left \right \, \; \! \: \quad \displaystyle \limits $ \big \Big \bigl \bigr".split()}
_TIMES = {"*", "\\cdot", "\\times", "·", "×"}
_OVER = {"/", "\\div", "÷"}
FUNCTIONS = frozenset("sin cos tan exp ln log lg arcsin arccos arctan sinh cosh tanh cot sec csc sqrt".split())
"""Those that have a name in LaTeX."""

_WRAPPERS = {"\\mathrm", "\\mathbf", "\\text", "\\textbf", "\\mathit", "\\operatorname", "\\boldsymbol", "\\rm"}
_ENDS = {"+", "-", "−", "=", ",", ")", "]", "}", "\\}", "|", "\\pm"}
_CLOSING = {"(": ")", "[": "]", "{": "}", "\\{": "\\}", "|": "|"}


class NoFormula(ValueError):
    """A text is not a formula that is understood."""


@dataclass
class _Reader:
    """Recursive descent over tokens."""

    tokens: list[str]
    at: int = 0
    depth: int = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise NoFormula(f"{wanted or 'more'} expected")
        self.at += 1
        return token

    def sum(self) -> Node:
        terms: list[Node] = [self.product()]
        while self.peek() in ("+", "-", "−", "\\pm"):
            sign = self.take()
            if sign == "\\pm":
                raise NoFormula("two values")
            term = self.product()
            terms.append(term if sign == "+" else ("minus", term))
        return ("add", *terms) if len(terms) > 1 else terms[0]

    def product(self) -> Node:
        sign = self.sign()
        factors: list[Node] = [self.power()]
        while token := self.peek():
            if token in _TIMES or token in _OVER:
                self.take()
                below = self.sign()
                factor = self.power()
                sign *= below
                factors.append(factor if token in _TIMES else ("over", ("number", 1.0), factor))
            elif token in _ENDS:
                break
            else:
                factors.append(self.power())
        node: Node = ("times", *factors) if len(factors) > 1 else factors[0]
        return node if sign > 0 else ("minus", node)

    def sign(self) -> int:
        sign = 1
        while self.peek() in ("-", "−", "+"):
            sign *= 1 if self.take() == "+" else -1
        return sign

    def power(self) -> Node:
        node = self.atom()
        if self.peek() == "!":
            self.take()
            node = ("call", "!", node)
        if self.peek() == "^":
            self.take()
            if self.peek() == "\\circ":
                self.take()
                return node
            node = ("power", node, self.argument())
        return node

    def argument(self) -> Node:
        """What ^, a fraction or a function's braces hold: a group, or one token (`\\frac12`)."""
        if self.peek() == "{":
            return self.group("{")
        token = self.take()
        if token.isdigit() and len(token) > 1:  # only the first digit belongs to it
            self.at -= 1
            self.tokens[self.at : self.at + 1] = [token[0], token[1:]]
            self.at += 1
            return ("number", float(token[0]))
        self.at -= 1
        return self.atom()

    def group(self, opening: str) -> Node:
        self.take(opening)
        node = self.sum()
        self.take(_CLOSING[opening])
        return node

    def atom(self) -> Node:
        """One thing. All that lies in something else is read by this, which bounds how deep that is."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise NoFormula("too deep")
        node = self._atom()
        self.depth -= 1
        return node

    def _atom(self) -> Node:
        token = self.peek()
        if token in ("(", "[", "{", "\\{"):
            return self.group(token)
        if token == "|":
            self.take()
            node: Node = ("call", "abs", self.sum())
            self.take("|")
            return node
        token = self.take()
        if re.fullmatch(r"\d+(?:\.\d+)?|\.\d+", token):
            return ("number", float(token))
        if token in ("\\frac", "\\dfrac", "\\tfrac"):
            return ("over", self.argument(), self.argument())
        if token in ("\\sqrt", "√"):
            root: Node = self.group("[") if self.peek() == "[" else ("number", 2.0)
            return ("power", self.argument(), ("over", ("number", 1.0), root))
        if token in ("\\pi", "π"):
            return ("number", math.pi)
        if token == "e" and self.peek() != "_":
            return ("number", math.e)
        if token in ("\\infty", "∞"):
            return ("number", math.inf)
        if token in ("\\%", "%"):
            return ("number", 0.01)
        name = token.removeprefix("\\")
        if token in _WRAPPERS:
            return ("name", self.word())
        if token.startswith("\\") and name in FUNCTIONS:
            return self.call(name)
        if re.fullmatch(r"\\?[A-Za-z]+", token):
            return ("name", name + self.index())
        raise NoFormula(f"{token[:20]!r} is not understood")

    def index(self) -> str:
        """What stands below a name: a part of it."""
        if self.peek() != "_":
            return "'" * self.primes()
        self.take()
        return f"_{self.word()}" + "'" * self.primes()

    def primes(self) -> int:
        count = 0
        while self.peek() == "'":
            self.take()
            count += 1
        return count

    def word(self) -> str:
        """The tokens of a group as they are, or one."""
        if self.peek() != "{":
            return self.take()
        self.take()
        open_, said = 1, ""
        while open_:
            token = self.take()
            open_ += (token == "{") - (token == "}")
            said += token
        return said[:-1]

    def call(self, name: str) -> Node:
        base: Node | None = None
        power: Node | None = None
        while self.peek() in ("_", "^"):
            if self.take() == "_":
                base = self.argument()
            else:
                power = self.argument()
        inner = self.group(self.peek()) if self.peek() in ("(", "[", "{") else self.run()
        node: Node = ("call", name, inner)
        if base is not None:
            node = ("over", ("call", "ln", inner), ("call", "ln", base))
        if power is not None:
            inverse = power == ("minus", ("number", 1.0)) and f"arc{name}" in FUNCTIONS
            node = ("call", f"arc{name}", inner) if inverse else ("power", node, power)
        return node

    def run(self) -> Node:
        """What a function without brackets is of: factors up to a sign, or to another function."""
        factors = [self.power()]
        while (token := self.peek()) and (token[0].isalnum() or token in ("\\pi", "π", "\\frac", "\\sqrt")):
            factors.append(self.power())
        return ("times", *factors)


@lru_cache(maxsize=512)
def parsed(text: str) -> Node:
    """A formula's tree. Raises `NoFormula`."""
    if len(text) > LONGEST:
        raise NoFormula("too long")
    reader = _Reader([token for token in _TOKEN.findall(text) if token not in _IGNORED])
    node = reader.sum()
    if reader.peek():
        raise NoFormula(f"{reader.peek()[:20]!r} is left over")
    return node


def names(node: Node) -> set[str]:
    """The variables of a formula."""
    if node[0] == "name":
        return {str(node[1])}
    return {name for part in node[1:] if isinstance(part, tuple) for name in names(part)}
