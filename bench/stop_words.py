"""Measure the share of function words in running text, by language, and write it to stop-words.toml.

    python bench/stop_words.py FOLDER [FOLDER ...]

Each FOLDER is an unpacked documentation package with pages in folders named by language (`de-DE`, `ja`): the Debian
packages debian-handbook and gimp-help-XX. A paragraph counts where the language identifier is sure that it is in the
language of its folder, so that untranslated pages do not.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from py3langid.langid import LanguageIdentifier
from selectolax.lexbor import LexborHTMLParser

from limner.curate import words as vocabulary

LEAST_WORDS = 5_000
TABLE = Path(vocabulary.__file__).with_name("lists") / "stop-words.toml"


def measure(folders: list[Path]) -> dict[str, tuple[int, int]]:
    """Words and function words of each language."""
    identifier = LanguageIdentifier.from_model_file("data/model.npz.xz", norm_probs=True)
    every, stops = Counter[str](), Counter[str]()
    for folder in folders:
        for page in sorted(folder.rglob("*.html")):
            code = next((vocabulary.base(p) for p in reversed(page.parts) if re.fullmatch(r"[a-z]{2}(-[A-Z]{2})?", p)), "")
            listed = vocabulary.stop_words(code)
            if not listed:
                continue
            for node in LexborHTMLParser(page.read_text("utf-8", "replace")).css("p, div.para"):
                text = node.text()
                found, confidence = identifier.classify(text[:500])
                if len(text) < 80 or vocabulary.SAME_LIST.get(found, found) != vocabulary.SAME_LIST.get(code, code):
                    continue
                if confidence < 0.9:
                    continue
                found_words = vocabulary.words(text)
                every[code] += len(found_words)
                stops[code] += sum(word in listed for word in found_words)
    return {vocabulary.SAME_LIST.get(code, code): (every[code], stops[code]) for code in sorted(every) if every[code]}


def main() -> None:
    """Measure and rewrite the table."""
    lines = [
        "",
        "# Written by bench/stop_words.py: the share of these words in running text. A threshold for English holds for",
        "# another language times its share over that of English.",
        "[share]",
    ]
    for code, (total, found) in sorted(measure([Path(name) for name in sys.argv[1:]]).items()):
        print(f"{code}: {found / total:.3f} of {total} words")
        if total >= LEAST_WORDS:
            lines.append(f"{code} = {found / total:.3f}")
    text = TABLE.read_text("utf-8").partition("\n# Written by bench/stop_words.py")[0].rstrip("\n")
    TABLE.write_text(text + "\n" + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
