"""docs/scale.md: what a crawl of 2 billion pages and 8 billion images would cost, computed from measured figures a stage."""

# ruff: noqa: E501 - its lines are those of a page

from __future__ import annotations

from typing import Any

PAGES, IMAGES, CORES, BATCH = 2e9, 8e9, 1_000, 200
RANGE, BATCH_BYTES = 1_000, 256 * 2**20
ARRAYS = 24
"""Bytes a document that the decision on near-duplicates holds: its order, its group, the first with its digest, 64 bits each."""
GRID = 16 * 16 * 3
"""Bytes of the colours that are kept of an image."""

OPERATORS = ("url-rules", "language", "quality", "paragraph-quality", "repetition", "flagged-words", "pii", "image-rules",
             "caption-detection", "near-duplicates", "boilerplate", "duplicate-images")  # fmt: skip


def _hours(count: float, a_second: float) -> float:
    return count / a_second / 3600


def page(stages: dict[str, Any], decide: dict[str, Any], ray: dict[str, Any]) -> str:
    """The page, in Markdown."""
    speed = stages["a_second"]
    work = [("extract pages", _hours(PAGES, speed["extract"])), ("image headers and sha256", _hours(IMAGES, speed["probe"]))]
    work += [(name, _hours(PAGES, speed[name])) for name in OPERATORS]
    # A plan with one barrier writes twice and reads what it wrote once.
    work += [
        ("write, two stages", 2 * _hours(PAGES, speed["write"])),
        ("read between the stages", _hours(PAGES, speed["stream"])),
    ]
    total = sum(hours for _, hours in work)
    days = total / CORES / 24 / ray["ratio"]
    last = decide["runs"][-1]
    per_document = stages["bytes_documents"] if "bytes_documents" in stages else speed["bytes_documents"] / stages["pages"]
    text, media = PAGES * per_document, IMAGES * stages["image_bytes"]
    read = PAGES * stages["page_bytes"]
    shuffle, scratch = PAGES * last["signature_bytes"], PAGES * last["scratch_bytes"]
    decide_hours = _hours(PAGES, last["documents_a_processor_second"])
    files = PAGES / BATCH
    ranges = max(1.0, BATCH_BYTES / (RANGE * stages["page_bytes"]))
    warc_batches = PAGES / (RANGE * min(ranges, BATCH))
    lines = [
        "# Scale", "",
        "What a crawl of 2 billion pages and 8 billion images would cost. Nobody has run it: `bench/report.py` computes every figure here",
        f"from what `make bench` measured on pages of documentation ({stages['pages']:,} pages of {stages['page_bytes'] / 1e3:.0f} kB and "
        f"{stages['words_a_page']:.0f} words, images of {stages['image_bytes'] / 1e3:.0f} kB; {stages['machine']}). Web pages differ: costs grow",
        "with the bytes and words of a page.", "",
        "## Work", "", "| stage | core-hours |", "|---|---|",
        *(f"| {name} | {hours:,.0f} |" for name, hours in work),
        f"| **all of it** | **{total:,.0f}** |", "",
        f"On {CORES:,} cores of a Ray cluster: {days * 24:,.0f} hours, at the {ray['ratio']:.2f} of the process runner's rate that Ray reached on one machine.",
        "That it keeps this rate over many machines is assumed, not measured. A plan with all these operators is longer than most; models",
        "(unsafe images, alignment) are not in the table, for they were not measured; perceptual hashes, which decode every image, are",
        "not in the table either.", "",
        "## Storage, network, shuffle", "", "| what | terabytes |", "|---|---|",
        f"| pages read, before compression | {read / 1e12:,.0f} |",
        f"| images fetched or read | {media / 1e12:,.0f} |",
        f"| documents written, Parquet | {text / 1e12:,.1f} |",
        f"| images written, each once | {media / 1e12:,.0f} |",
        f"| signatures of near-duplicates, Parquet ({last['signature_bytes']} B a document) | {shuffle / 1e12:,.2f} |",
        f"| scratch of that decision ({last['scratch_bytes']} B a document, seen at {last['documents']:,}) | {scratch / 1e12:,.2f} |", "",
        "The documents of the first stage lie beside the corpus until it is complete: count them, and the images before filters, twice.",
        "Fetching is bounded by politeness, not by cores: at one image a second and host,",
        f"{IMAGES / 1e6:,.0f} million images in thirty days need {IMAGES / (30 * 86400):,.0f} hosts being read at any time. Plan for images that lie in",
        "the WARC files, or for a crawler of its own that fills the cache.", "",
        "## The decision over the whole corpus", "",
        f"One thread decided {last['documents']:,} documents at {last['documents_a_processor_second']:,} a processor second under {decide['what'].rsplit(', ', 1)[1]}.",
        f"At that rate 2 billion take {decide_hours:.1f} hours; the true figure is higher, because a sort that spills reads and writes its runs",
        f"more than once, and the comparison reads a file of {scratch / 1e12:.1f} TB at random. Memory is the harder bound: the decision holds the",
        f"order, the group and the exact twin of every document in arrays ({PAGES * ARRAYS / 1e9:.0f} GB at 2 billion). A machine with much memory and a fast disk can do it; past",
        "that, bands must be shuffled by their hash over a Ray cluster, each node deciding on its share of the hashes, and only the pairs found",
        "(not the signatures) joined in one place. That shuffle is not written.", "",
        "## What breaks first", "", "| what | at 2 billion pages | what to do |", "|---|---|---|",
        f"| commit records, pages as single files | {files / 1e6:,.0f} million batches of {BATCH}; opening a corpus reads each record, and the listing "
        f"alone is {files / 1000:,.0f} requests of an object store | read WARC: {RANGE} pages an input, {warc_batches / 1e3:,.0f} thousand batches; raise `batch`; "
        "one corpus a crawl segment, `merge` and `compact` later; a log of commits in few files would end it, and is not written |",
        "| names of inputs in the records | all are held in memory by whoever opens the corpus | as above: a WARC range is one name |",
        f"| the decision on one machine | {PAGES * ARRAYS / 1e9:.0f} GB of arrays, {scratch / 1e12:.1f} TB of scratch | decide a segment at a time, which misses duplicates "
        "between segments; or the shuffle above |",
        f"| looks of images, where `distance` is set | a hash of every distinct image in memory, and with `apart` its 16 x 16 colours: {IMAGES * (8 + GRID) / 1e12:.1f} TB "
        "if all differ | the same bytes only (`distance` unset), or a segment at a time |",
        f"| the frozen list of inputs | read again from its start at every stage by one process; {PAGES * 100 / 1e9:,.0f} GB at 100 B a page before compression | WARC again |",
        f"| indexes by id and image | 16 B a key: {PAGES * 16 / 1e9:.0f} GB and {IMAGES * 16 / 1e9:.0f} GB, sorted in memory by one process when the build ends | one corpus a segment; "
        "build them by range of keys |",
        "| the list of blocks in a stream | one Python object a row group, permuted in memory in every consumer | deal files first, "
        "then blocks of the files a consumer holds |",
        f"| one driver hands out tasks | {warc_batches / 1e3:,.0f} thousand tasks of WARC ranges are few for Ray; {files / 1e6:,.0f} million are not | as for commits |",
        f"| ids of 80 bits | chance of any two alike {PAGES**2 / 2 / 2**80:.1e} | nothing to do |", "",
        "In this order: keep inputs large (WARC), keep a corpus to a segment of some tens of millions of pages, and decide on duplicates over segments",
        "once, on the machine with the most memory. All other work is batch by batch, and no batch waits for another.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
