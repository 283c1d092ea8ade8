"""The recipe olympicarena: labels that are certain, every type has right and wrong answers, the smoke run measures agreement."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from limner.evaluate.benchmarks.olympicanswers import BY_RULE
from limner.recipes.olympiccases import expanded, forms, labelled, varied_by_rules
from limner.recipes.recipe import recipe
from limner.recipes.run import run


def test_each_type_that_rules_judge_has_right_and_wrong_answers():
    cases = labelled(0, 1)
    assert {(case.kind, case.right) for case in cases} == {(kind, right) for kind in BY_RULE for right in (True, False)}


def test_no_answer_has_two_labels():
    labels: dict[tuple[object, ...], bool] = {}
    for case in labelled(1, 200):
        key = (case.kind, case.expected, case.kinds, case.unit, "".join(case.given.split()))
        assert labels.setdefault(key, case.right) is case.right, case


@pytest.mark.parametrize("seed", range(30))
def test_a_wrong_answer_of_a_rule_is_no_form_of_the_expected_one(seed: int):
    for case in varied_by_rules(random.Random(seed), 1):
        if case.kind == "SET":
            same = sorted(case.expected) == sorted(case.given.strip("\\{}").split(", "))
            assert same is case.right
        if case.kind == "MC":
            assert (sorted(case.given.replace(", ", "")) == sorted(case.expected)) is case.right


def test_forms_of_a_number_are_that_number():
    assert forms(Fraction(-3, 8)) == ["-0.375", "-3/8", r"-\frac{3}{8}", "-0.3750"]


def test_an_expanded_product_is_the_product():
    _, (expected,), good, bad = expanded(random.Random(0))
    a, b = (int(part[2:-1]) for part in (expected[: expected.index(")") + 1], expected[expected.index(")") + 1 :]))
    assert good == f"x^{{2}}+{a + b}x+{a * b}"
    assert bad != good.replace("{2}", "2")


def test_the_smoke_run():
    result = run(recipe("olympicarena"), "smoke")
    figures = {name: found["mean"] for name, found in result["figures"].items()}
    assert figures["answers.hand"] > 300
    assert figures["rule.agreement"] == 100
    assert figures["hand.agreement"] > figures["answers.characters"]
    words = {claim["key"]: claim["word"] for claim in result["claims"]}
    assert words["process"] == "not measured"
    assert words["modality"] == "waits"
