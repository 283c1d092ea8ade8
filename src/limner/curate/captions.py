"""Texts beside an image that read as its caption."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from limner.curate.operator import Context, Reason
from limner.document import Document, Image, Text, Video

_FIGURE = (
    "figure|fig|image|illustration|photo|photograph|picture|plate|chart|graph|diagram|map|screenshot|scheme|exhibit|"
    "abbildung|abb|bild|grafik|foto|schaubild|"  # German
    "figura|imagen|ilustración|fotografía|gráfico|imagem|ilustração|gráfica|"  # Spanish, Portuguese
    "immagine|illustrazione|grafico|"  # Italian
    "afbeelding|afb|figuur|"  # Dutch
    "рисунок|рис|иллюстрация|илл|фото|схема|график|малюнок|мал|"  # Russian, Ukrainian
    "rysunek|rys|zdjęcie|ryc|obrázek|obr|slika|ábra|kép|figur|bilde|kuva|şekil|resim|εικόνα|εικ|σχήμα|"
    "hình|ảnh|gambar|شكل|الشكل|صورة|איור|תמונה|चित्र|"
    "図|写真|画像|图|圖|图片|圖片|그림|사진|รูปที่|ภาพที่|รูป|ภาพ"
)
_TABLE = "table|tab|tabelle|tabla|tabela|tabella|tableau|tabel|таблица|табл|таблиця|tabulka|πίνακας|tablo|表|표|bảng|جدول|ตารางที่"

_NUMBER = r"(?:[A-Z]{1,2}[.\-]?)?\d{1,4}(?:[.\-–]\d{1,4}){0,3}[a-z]?|(?-i:[IVXLC]{1,6})\b"
_LABEL = re.compile(
    rf"\W{{0,2}}(?P<word>{_FIGURE}|{_TABLE})\.?\s{{0,3}}(?:№|nº|n°|no\.)?\s{{0,2}}(?P<number>{_NUMBER})?"
    r"(?:\s{0,2}\(?[a-z]\)(?=\W))?(?P<end>\s{0,2}[:：.．)）|—–\-]|\s|\Z)",
    re.IGNORECASE,
)
_TABLE_WORD = re.compile(rf"(?:{_TABLE})\Z", re.IGNORECASE)
_CREDIT = re.compile(
    r"\W{0,2}(?:(?:photo(?:graph|graphie)?|image|picture|illustration|fotos?|bild|imagen|crédits?|credits?|courtesy|"
    r"source|quelle|fuente|fonte|источник|фото|出典|来源|来源|撮影|写真)\s*(?:credits?|courtesy)?\s*"
    r"(?:[:：]|\bby\b|\bof\b|\bvon\b|\bpar\b|\bpor\b|/)|©|\(c\)\s)",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(r"(?:\*{1,3}[^*]{2,400}\*{1,3}|_{1,3}[^_]{2,400}_{1,3})\Z")
_UNCASED = re.compile(r"[\u0600-\u06ff\u0590-\u05ff\u0900-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


@dataclass(frozen=True)
class CaptionDetection:
    """Give texts beside an image, a video or a table the role of its caption where they read as one.

    For pages that mark no captions. A text right before or after counts that starts with a label and a number in one
    of thirty languages ("Figure 3:", "Abb. 2.1", "Рис. 4.", "図5", "Table 1."), a credit ("Photo: ..."), that repeats
    the alternative text, or is a short line wholly in Markdown's emphasis. "Figure 3 shows ..." is prose and stays.
    A text between two images goes to the one before, unless the document's clear cases say otherwise; to a table the
    text before. A part that has a caption takes none. Notes `caption` with what was recognised and the part's n.

    `max_words`     longest caption with a label
    `short_words`   longest caption without one
    `credits`       count credits as captions
    """

    max_words: int = 120
    short_words: int = 25
    credits: bool = True

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        parts = document.parts
        taken = {text.of for text in document.texts if text.of is not None}
        found: dict[int, tuple[Text, int, str]] = {}  # by its index: the text, the n of its part, and why
        candidates: list[tuple[int, Text, list[int]]] = []
        for i, part in enumerate(parts):
            if not isinstance(part, Text) or part.role != "paragraph" or part.of is not None:
                continue
            beside = [j for j in (i - 1, i + 1) if 0 <= j < len(parts) and parts[j].n not in taken]
            fits = [j for j in beside if self._reads_as(part, parts[j])]
            if fits:
                candidates.append((i, part, fits))
        below = _below(candidates)
        for i, text, fits in sorted(candidates, key=lambda candidate: len(candidate[2])):
            # A table's caption stands above it; an image's where the rest of the document has them.
            tables = [j for j in fits if isinstance(parts[j], Text)]
            for j in tables or sorted(fits, reverse=not below):
                if parts[j].n not in taken:
                    taken.add(parts[j].n)
                    found[i] = text, parts[j].n, self._reads_as(text, parts[j])
                    break
        if not found:
            yield document
            return
        captions: dict[int, Text] = {}
        for i, (text, n, why) in sorted(found.items()):
            context.note(document, text, Reason("caption", detail=f"{why} of {n}"))
            captions[i] = replace(text, role="caption", of=n)
        yield document.evolve(parts=tuple(captions.get(i, part) for i, part in enumerate(parts)))

    def _reads_as(self, text: Text, part: object) -> str:
        """Why `text` reads as the caption of `part`, or ""."""
        if isinstance(part, Text):
            return "label" if part.role == "table" and self._labelled(text.text) == "table" else ""
        if not isinstance(part, Image | Video):
            return ""
        if self._labelled(text.text) == "figure":
            return "label"
        if isinstance(part, Image) and part.alt and _plain(part.alt) == _plain(text.text):
            return "alt"
        if len(text.text.split()) > self.short_words or len(text.text) > 12 * self.short_words:
            return ""
        if self.credits and _CREDIT.match(text.text):
            return "credit"
        return "emphasis" if _EMPHASIS.match(text.text.strip()) else ""

    def _labelled(self, text: str) -> str:
        """ "figure" or "table" for a text that starts with such a label and goes on as a caption does, else ""."""
        start = unicodedata.normalize("NFKC", text[:300]).strip().lstrip("*_")
        match = _LABEL.match(start)
        if match is None or len(text.split()) > self.max_words or len(text) > 12 * self.max_words:
            return ""
        rest = start[match.end() :].lstrip(" \t*_")
        marked = bool(match["end"].strip())
        if not match["number"]:
            # "Figure: the crop tool" is a caption, "Map of the world" is not told from prose.
            if not (marked and match["end"].strip() in ":：|—–") or len(text.split()) > self.short_words:
                return ""
        elif not marked and rest and not _starts_anew(rest):
            return ""
        return "table" if _TABLE_WORD.match(match["word"]) else "figure"


def _starts_anew(rest: str) -> bool:
    """Whether what follows "Figure 3" is a caption ("The crop tool"), not the rest of a sentence ("shows that")."""
    first = rest[0]
    return first.isupper() or first.isdigit() or first in "\"'“‘«„([" or bool(_UNCASED.match(first))


def _below(candidates: list[tuple[int, Text, list[int]]]) -> bool:
    """Whether captions stand below their images: by the texts that have an image on one side only; else they do."""
    clear = [i > fits[0] for i, _, fits in candidates if len(fits) == 1]
    return not clear or 2 * sum(clear) >= len(clear)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
