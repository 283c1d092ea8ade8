"""Answering questions from a corpus: search, write, check, illustrate."""

from __future__ import annotations

from collections.abc import Sequence

from limner.corpus import Corpus
from limner.errors import LimnerError
from limner.search import Search
from limner.write.answer import Answer, Turn, Writer, assembled
from limner.write.extractive import Extractive
from limner.write.gather import PASSAGES, asked, gather
from limner.write.illustrate import illustrated

IMAGES = 4
_MOST_QUESTION = 2_000


def writer(address: str, search: Search) -> Writer:
    """`extractive`, or a language model by its address."""
    if address == "extractive":
        return Extractive()
    from limner.experts.address import check
    from limner.write.modelled import Modelled

    check("language", address)
    return Modelled(address, search.settings.text)


class Writing:
    """Writes answers from one corpus; loads a model when it is first asked."""

    def __init__(self, search: Search, writer: str = "extractive") -> None:
        self.search, self.address = search, writer
        self._writer = _writer(writer, search)

    def answer(
        self,
        question: str,
        history: Sequence[Turn] = (),
        images: int = IMAGES,
        picture: bytes | None = None,
        passages: int = PASSAGES,
    ) -> Answer:
        """The answer to a question, with up to `images` pictures; a `picture` that comes with the question is looked for too.

        An answer without parts says that nothing in the corpus answers. Raises `LimnerError` for a question that is empty or too long.
        """
        question = " ".join(question.split())
        if not question:
            raise LimnerError("there is no question")
        if len(question) > _MOST_QUESTION:
            raise LimnerError(f"the question has {len(question):,} characters; {_MOST_QUESTION:,} are read")
        found = gather(self.search, question, history, passages)
        blocks, spent = self._writer.write(question, found, history)
        sought = asked(question, history)
        pictures, added = illustrated(self.search, sought, blocks, found, images, picture)
        language = found[0].hit.unit.language if found else ""
        return assembled(question, blocks, pictures, [*(p.source for p in found), *added], self.address, spent, language)


_writer = writer


def write(corpus: Corpus | str, question: str, writer: str = "extractive", images: int = IMAGES) -> Answer:
    """The answer of an indexed corpus to a question; see `Writing`."""
    return Writing(Search.open(corpus), writer).answer(question, images=images)
