"""Flagged words."""

from __future__ import annotations

from limner.curate.flagged import FlaggedWords
from limner.document import Document, Text

from .context import MemoryContext

CLEAN = "He swore like a trooper, and shit was the word he used when the hammer fell on his foot. " + (
    "The others laughed, and went on with the roof they had begun to mend the day before. " * 3
)


def run(made: FlaggedWords, *texts: str, language: str = "en"):
    context = MemoryContext()
    left = list(made(Document("d", tuple(Text(i, t) for i, t in enumerate(texts)), language=language), context))
    return left, [(n, r.reason, r.detail) for _, n, r in context.dropped]


def test_one_word_does_not_condemn_a_page():
    assert run(FlaggedWords(), CLEAN)[1] == []


def test_a_page_full_of_them_goes_and_the_words_are_recorded():
    assert run(FlaggedWords(), "XXX porn, milf porn videos") == ([], [(None, "flagged-words", "milf, porn, xxx")])


def test_single_paragraphs_go_at_paragraph_level():
    left, dropped = run(FlaggedWords(level="paragraph"), CLEAN, "XXX porn, milf porn videos")
    assert ([p.n for p in left[0].parts], dropped) == ([0], [(1, "flagged-words", "milf, porn, xxx")])


def test_a_count_is_enough_where_it_is_asked_for():
    assert run(FlaggedWords(max_count=0), CLEAN)[1] == [(None, "flagged-words", "shit")]


def test_each_language_has_its_own_list_and_unspaced_scripts_are_searched():
    assert run(FlaggedWords(), "Der Dichter lobte die fetten Gänse.", language="de")[1] == []
    assert run(FlaggedWords(), "無修正のエロ動画と盗撮", language="ja")[1] == [(None, "flagged-words", "エロ動画, 無修正, 盗撮")]


def test_phrases_match_whole_words(tmp_path):
    (tmp_path / "mine").write_text("# mine\nhot tub\nbadger\n")
    made = FlaggedWords(words=str(tmp_path / "mine"))
    assert run(made, "A hot tub, a hot tub; a badger.")[1] == [(None, "flagged-words", "badger, hot tub")]
    assert run(made, "A shot tuba, a hot tubal badgers.")[1] == []


def test_two_different_words_are_asked_for_where_one_says_so():
    made = FlaggedWords(min_distinct=2, max_count=0)
    assert run(made, "shit shit shit")[1] == []
    assert [reason for _, reason, _ in run(made, "shit and fuck")[1]] == ["flagged-words"]
