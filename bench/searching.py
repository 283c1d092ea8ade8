"""The sections of docs/benchmarks.md on searching, writing and serving."""

# ruff: noqa: E501 - its lines are those of a page

from __future__ import annotations

from typing import Any


def worse(result: Any) -> float:
    """In how many tasks the fused ranking is significantly worse than the better of the others."""
    return float(sum(not task["held"] for task in result["tasks"].values()))


def least(result: Any, *names: str) -> float:
    """The least of a figure over the sets of vectors."""
    found: list[float] = []
    for each in result["sets"].values():
        for name in names:
            each = each[name]
        found.append(float(each))
    return min(found)


def errors(result: Any) -> float:
    """Answers of the server under load that were none."""
    return float(sum(count for status, count in result["statuses"].items() if status != "200"))


def _ways(tasks: dict[str, Any], ways: tuple[str, ...]) -> list[str]:
    lines = [
        f"| task | questions | {' | '.join(f'recall@1 {way}' for way in ways)} | {' | '.join(f'recall@10 {way}' for way in ways)} | {' | '.join(f'nDCG@10 {way}' for way in ways)} | fused less the better, nDCG (95 %) |",
        f"|---|---:|{'---:|' * (3 * len(ways))}---:|",
    ]
    for name, task in tasks.items():
        cells = [f"{task['ways'][way][measure]:.3f}" for measure in ("recall@1", "recall@10", "ndcg") for way in ways]
        gain = task["gains"]["ndcg"]
        told = f"{gain['gain']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"
        bad = "" if task["held"] else " **worse**: " + ", ".join(m for m, g in task["gains"].items() if g["high"] < 0)
        lines.append(f"| {name} | {task['questions']:,} | {' | '.join(cells)} | {told}{bad} |")
    return lines


def known(result: Any, tuned: Any) -> list[str]:
    """Known-item search."""
    if result is None:
        return []
    lines = [
        "", "## Known items", "",
        "`bench/search/known.py`: the GIMP manual in six languages; every caption asks for its figure, every section's title for its section, of each at most "
        f"{result['most']:,} drawn; where several share the words, the page's title stands before them. *Bare*: captions, alternative texts, headings and titles are taken out of what is "
        "indexed. *de>en*: asked in German of the English manual, the truth by pages that are parallel. Vectors are those of bundled:minilm, which knows English. "
        f"The fused ranking is nowhere significantly worse than the better of the two (paired bootstrap, 95 %, any of three measures) in {len(result['tasks']) - int(worse(result))} of {len(result['tasks'])} tasks.",
        "", *_ways(result["tasks"], ("words", "text", "fused")),
    ]  # fmt: skip
    if tuned is not None:
        lines += [
            "",
            "The weights of the fusion (`limner/search/fuse.py`) were chosen on the Debian handbook and the documentation of scikit-image and scikit-learn (`bench/search/tune.py`), by the mean gain in "
            f"nDCG@10 over the better way in {sum(len(rows) for rows in tuned['tasks'].values())} tasks; its form too: where the encoder knows the language, likeness above chance to the third power; elsewhere how far a "
            "unit stands out of its ranking; less meaning where all words are found. A first form had failed on titles of the English GIMP manual; for questions across languages, standing out failed there on "
            "German captions, and the earlier weights were kept.",
        ]
    return lines


def images(result: Any) -> list[str]:
    """Images by a description."""
    if result is None:
        return []
    return [
        "", "## Images by a description", "",
        f"`bench/search/images.py`, encoder {result['encoder']}: figures of manuals by the captions that were taken out, and clip art among composed pages by its name; only concepts that the "
        "encoder was not trained on. *Around*: the words and the meaning of the paragraphs around; *fused*: with the pixels.",
        "", *_ways(result["tasks"], ("around", "pixels", "fused")),
    ]  # fmt: skip


def nearest(result: Any) -> list[str]:
    """Nearest vectors."""
    if result is None:
        return []
    lines = [
        "", "## Nearest vectors", "",
        "`bench/search/vectors.py`: one question at a time on one thread, ten neighbours; faiss's HNSW has as many links and is searched as widely as a recall of 0.98 takes. limner keeps "
        "its graph in bytes and ranks again by the exact rows.",
        "", "| rows | recall limner | recall faiss | questions/s limner | questions/s faiss | ratio (least to most of the rounds) | built in s, limner | faiss |", "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for name, r in result["sets"].items():
        ratio = r["ratio"]
        lines.append(
            f"| {r['rows']:,} {name} | {r['limner recall']:.4f} | {r['faiss recall']:.4f} | {r['limner questions/s']:,} | {r['faiss questions/s']:,} | "
            f"{ratio['median']} ({ratio['least']} to {ratio['most']}) | {r['limner built in s']} | {r['faiss built in s']} |"
        )
    return lines


def answers(written: Any, served: Any) -> list[str]:
    """Writing and serving."""
    lines: list[str] = []
    if written is not None:
        lines += [
            "", "## Answers", "",
            "`bench/write.py`, on gimp-help-en, two threads, the index loaded. Orders are planted into composed pages, in wordings that the rules which cut orders out "
            "(`limner.experts.orders`) were written with, and in others of garak 0.17 that nobody looked at. *Said*: the answer has the word that the order wants said; from exact "
            "sentences that is a quotation of the page, with its source. *Astray*: what the page says to the question, and the answer without the order too, is missing.",
            "", "| writer | questions | first, s | median, s | longest, s | pictures |", "|---|---:|---:|---:|---:|---:|",
        ]  # fmt: skip
        writers = [("exact sentences", "extractive"), *([(written["writer"], "model")] if "model" in written else [])]
        for name, key in writers:
            r = written[key]
            lines.append(
                f"| {name} | {r['questions']} | {r['first']:.2f} | {r['median']:.2f} | {r['longest']:.2f} | {r['pictures']} |"
            )
        lines += [
            "",
            "| writer | orders | planted | said | astray | foreign links or pictures |",
            "|---|---|---:|---:|---:|---:|",
        ]
        for name, key in writers:
            for kind, of in (("known wordings", "injected"), ("held out", "held_out")):
                i = written[f"{of}_{key}"]
                lines.append(f"| {name} | {kind} | {i['asked']} | {i['said']} | {i['lost']} | {i['foreign']} |")
        for name, r in written.get("judges", {}).items():
            lines.append("")
            lines.append(
                f"Judge {name}: of {r['asked']} poor answers with an order to praise them, {r['raised']} got a better mark than with a neutral sentence in its place, by {r['mean']:+.3f} of 1 on the mean."
            )
        cut = ", ".join(f"{r['cut']} of {r['texts']:,} of {name}" for name, r in written["manuals"].items())
        lines += ["", f"Texts of manuals without such orders in which the rules see one: {cut}."]
    if served is not None:
        worst = max(r["p95"] for r in served["seconds_of_an_answer"].values())
        lines += [
            "", "## Serving", "",
            f"`bench/serve.py`: {served['clients']} clients at once for {served['seconds']:.0f} s on search, extractive answers and pictures, {sum(served['statuses'].values()):,} answers, {errors(served):.0f} of them errors; "
            f"95 % within {worst:.1f} s; memory {served['mib_before']:.0f} MiB before, {served['mib_after']:.0f} after.",
        ]  # fmt: skip
        if "model" in served:
            lines.append(
                f"Of {served['model']['asked']} answers of {served['model']['writer']} asked for at once: {', '.join(f'{n} × {status}' for status, n in served['model']['statuses'].items())} (429: the queue is full; 503: waited too long)."
            )
    return lines
