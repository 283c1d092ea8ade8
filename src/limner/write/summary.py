"""A summary of one long document, with its own figures."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from limner.curate.align import sentences
from limner.curate.steps import image_words, title, unnumbered
from limner.document import Document, Text
from limner.document.references import references
from limner.experts.orders import without_orders
from limner.search.analysis import kind as kind_of
from limner.write.answer import Answer, Block, Passage, Picture, Source, Spent, assembled
from limner.write.illustrate import called
from limner.write.likeness import by_words
from limner.write.placing import Candidate, fits, placed, small, stands

_MOST = 600  # sentences that are looked at
_SHORTEST, _LONGEST = 5, 60  # words of a sentence
_LIKE = 0.5  # weight of being like what was chosen before
_CITED = 0.5  # what it adds that a sentence's paragraph cites a figure
_WORDS = 60
_LISTED = re.compile(
    r"\A(?:references|bibliography|(?:works|literature) cited|acknowledge?ments?|literatur(?:verzeichnis)?|références|bibliographie|referencias"
    r"|bibliografía|литература|参考文献)\W*\Z",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"[.!?。！？…؟।][\"'”’»)\]]*\Z")
_CUT = re.compile(r"(?:\s|\bet al|\be\.g|\bi\.e|\bcf|\bvs|\bFigs?|\bEqs?)\.\Z|\A(?:key ?words|index terms)\b", re.IGNORECASE)


def summarize(document: Document, writer: str = "extractive", words: int = 150, images: int = 3, address: str = "") -> Answer:
    """The summary of a document in about so many words, with up to so many of its own figures; each sentence with the part it is from.

    `writer` is `extractive` (exact sentences) or the address of a language model; `address` an encoder of texts, "" to go by words alone.
    """
    name = title(document) or document.source
    blocks, sources, spent = _extracted(document, words) if writer == "extractive" else _told(document, writer, words, address)
    pictures = _figures(document, blocks, sources, images, address)
    return assembled(name, blocks, pictures, sources, writer, spent, document.language)


def _source(document: Document, number: int, n: int) -> Source:
    return Source(number, document.id, n, title(document), document.url, document.source)


def candidates(document: Document) -> list[tuple[Text, str, str]]:
    """The sentences that a summary may take, with the text that each is from and the heading above it.

    None is of a list of references. What a page or a formula has cut in two is among them only where there is nothing else, as in transcripts
    without marks. Orders to whoever writes are none.
    """
    found: list[tuple[Text, str, str]] = []
    heading, listed = "", 0  # the level of a section that lists sources, 0 outside of one
    for text in document.texts:
        if text.role == "heading":
            heading = unnumbered(text.text)
            if not listed or text.level <= listed:
                listed = text.level if _LISTED.match(heading) else 0
        elif text.role in ("paragraph", "quote", "speech") and text.of is None and not listed:
            cut = (s for s in sentences(without_orders(text.text)) if _SHORTEST <= len(s.split()) <= _LONGEST)
            found += [(text, sentence, heading) for sentence in cut]
    return [each for each in found if _whole(each[1])] or found


def _extracted(document: Document, words: int) -> tuple[list[Block], list[Source], Spent]:
    """The sentences that say most of what the whole says, none much like another, in their order."""
    found = candidates(document)[:_MOST]
    if not found:
        return [], [], Spent()
    kind = kind_of(document.language)
    said = [sentence for _, sentence, _ in found]
    alike = by_words(said, said, kind)
    named = by_words(said, [f"{title(document)} {heading}" for _, _, heading in found[:1]], kind)[:, 0]
    value = alike.mean(axis=1) / max(float(alike.mean(axis=1).max()), 1e-9) + 0.5 * named
    value += np.array([0.3 / (1 + at) for at in range(len(found))])
    chosen: list[int] = []
    left = words
    while len(chosen) < len(found):
        much = alike[:, chosen].max(axis=1) if chosen else np.zeros(len(found))
        gain = np.where(np.isin(np.arange(len(found)), chosen), -np.inf, value - _LIKE * much)
        best = int(gain.argmax())
        count = len(said[best].split())
        if chosen and count > left:
            break
        chosen.append(best)
        left -= count
    blocks: list[Block] = []
    sources: list[Source] = []
    last = None
    for at in sorted(chosen):
        text, sentence, heading = found[at]
        if not sources or sources[-1].n != text.n:
            sources.append(_source(document, len(sources) + 1, text.n))
        if heading != last and heading and heading.casefold() != title(document).casefold():
            blocks.append(Block(heading, "heading"))
        last = heading
        if blocks and blocks[-1].n == text.n:
            blocks[-1] = Block(f"{blocks[-1].text} {sentence}", "paragraph", len(sources), text.n)
        else:
            blocks.append(Block(sentence, "paragraph", len(sources), text.n))
    return blocks, sources, Spent()


def _whole(sentence: str) -> bool:
    """Whether it begins and ends as a sentence does.

    >>> [_whole(s) for s in ("It works.", "where x is the data.", "It is by Meyer et al.", "It is performed and the")]
    [True, False, False, False]
    """
    return not sentence[0].islower() and bool(_WHOLE.search(sentence)) and not _CUT.search(sentence)


def _told(document: Document, writer: str, words: int, address: str) -> tuple[list[Block], list[Source], Spent]:
    """What a language model says of the sentences that say most, checked against the whole."""
    from limner.search.searcher import Hit
    from limner.search.segment import Row
    from limner.write.modelled import Modelled

    blocks, _, _ = _extracted(document, 3 * words)
    chosen = list(dict.fromkeys(block.n for block in blocks if block.n >= 0))
    row = Row(document.id, 0, 0, -1, (), "", title(document), document.language, document.source, document.url, "")
    passages: list[Passage] = []
    for n in chosen:
        part = document.part(n)
        if isinstance(part, Text):
            number = len(passages) + 1
            passages.append(Passage(_source(document, number, n), Hit(0, "section", 0.0, row), (part,)))
    asked = f"Summarize what the quotations say of “{title(document)}” in about {words} words."
    told, spent = Modelled(writer, address, tokens=2 * words).write(asked, passages)
    return told, [p.source for p in passages], spent


def _figures(
    document: Document, blocks: Sequence[Block], sources: Sequence[Source], most: int, address: str
) -> dict[int, list[Picture]]:
    images = [image for image in document.images if image.ref and not small(image)]
    images = list({image.ref: image for image in reversed(images)}.values())[::-1]
    rows = [at for at, block in enumerate(blocks) if block.role != "heading" and block.supported]
    if not images or not rows or most < 1:
        return {}
    candidates = [Candidate(i, " ".join(image_words(document, i).split()[:_WORDS]), document.id) for i in images]
    fit = np.array(fits([blocks[at].text for at in rows], candidates, address, kind_of(document.language)))
    cited = references(document)
    for row, at in enumerate(rows):
        near = stands(document, blocks[at].n)
        for column, image in enumerate(images):
            fit[row, column] += near.get(image.n, 0.0) + (_CITED if blocks[at].n in cited.get(image.n, ()) else 0.0)
    known = {source.number: source for source in sources}
    pictures: dict[int, list[Picture]] = {}
    for row, column in placed(fit, most).items():
        pictures[rows[row]] = [Picture(images[column], called(document, images[column]), known[blocks[rows[row]].source])]
    return pictures
