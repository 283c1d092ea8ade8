"""Operators by name: built, described, registered; clear errors."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import pytest

from limner.curate import registry
from limner.curate.operator import DocumentFilter, Reason
from limner.errors import PlanError


def every() -> list[str]:
    return [name for name in registry.names() if name in registry.BUILTIN]


@pytest.mark.parametrize("name", every())
def test_every_operator_says_what_it_does_and_documents_each_setting(name: str):
    about = registry.describe(name)
    assert about.summary.endswith(".")
    assert [s.name for s in about.settings if not s.doc] == []


@pytest.mark.parametrize("name", ["quality", "repetition", "url-rules", "pii", "balance", "language"])
def test_settings_build_the_same_operator_again(name: str):
    made = registry.operator(name)
    assert registry.operator(registry.name_of(made), **registry.settings(made)) == made
    assert pickle.loads(pickle.dumps(made)) == made


def test_an_unknown_name_is_answered_with_the_closest():
    with pytest.raises(PlanError, match=r"no operator 'qualitty'; did you mean 'quality'"):
        registry.operator("qualitty")


def test_an_unknown_setting_is_answered_with_the_closest():
    with pytest.raises(PlanError, match=r"no setting 'min_word'; did you mean 'min_words'"):
        registry.operator("quality", min_word=3)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("quality", {"min_words": "ten"}, "setting 'min_words' is 'ten' of type str, not int or none"),
        ("quality", {"min_words": True}, "is True of type bool"),
        ("quality", {"roles": "paragraph"}, "not list of"),
        ("quality", {"roles": ["paragraf"]}, "is 'paragraf' of type str, not \"paragraph\" or"),
        ("sample", {"share": 2}, "between 0 and 1"),
        ("limit", {}, "needs the setting 'most'"),
        ("quality", {"preset": "gofer"}, "it has obelics, gopher, fineweb"),
        ("sample", {"preset": "gopher"}, "has no presets"),
        ("pii", {"masks": {"email": 3}}, "is 3 of type int, not str"),
        ("repetition", {"max_top_ngram": {"two": 0.2}}, "1 to 50 words"),
    ],
)
def test_a_wrong_setting_is_named(name: str, settings: dict[str, object], message: str):
    with pytest.raises(PlanError, match=message):
        registry.operator(name, **settings)


def test_settings_come_as_a_plan_writes_them():
    made = registry.operator("quality", roles=["paragraph"], **{"min-words": 3}, min_stop_words=1)
    assert (made.roles, made.min_words, made.min_stop_words) == (("paragraph",), 3, 1.0)


def test_a_preset_is_amended_by_settings():
    made = registry.operator("quality", preset="gopher", min_words=5)
    assert (made.min_words, made.max_mean_word_length, made.max_word_repetition) == (5, 10.0, None)


def test_a_class_is_registered_for_this_process(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})

    @registry.register("test-longer-than")
    @dataclass(frozen=True)
    class Longer(DocumentFilter):
        """Drops short documents.

        `least`  least parts
        """

        least: int = 2

        def judge(self, document, context):
            return Reason("short") if len(document) < self.least else None

    made = registry.operator("test-longer-than", least=3)
    assert (made.least, registry.name_of(made)) == (3, "test-longer-than")
    assert registry.describe("test-longer-than").settings[0].doc == "least parts"
    with pytest.raises(PlanError, match="already"):
        registry.register("quality")(Longer)
    with pytest.raises(PlanError, match="frozen"):
        registry.register("test-thing")(dict)


def test_a_fingerprint_changes_with_settings_and_with_listed_files(tmp_path):
    listed = tmp_path / "block.txt"
    listed.write_text("example.org\n")
    one = registry.operator("url-rules", block_files=[str(listed)])
    first = registry.fingerprint(one)
    assert first == registry.fingerprint(registry.operator("url-rules", block_files=[str(listed)]))
    assert first != registry.fingerprint(registry.operator("url-rules"))
    listed.write_text("example.net\n")
    assert first != registry.fingerprint(one)
