"""The peer of bench/build.py: a web page pipeline in datatrove 0.10, text only, which is all it can do with HTML.

    python bench/peers/datatrove_build.py PAGES.warc.gz OUT

Run in an environment of its own (requirements.txt). Its extractor is trafilatura in fast mode. Its words are what stands between
spaces, as the Gopher paper counts them: cheaper than its default tokenizers, whose models are downloads, and under those or any that
make words of signs, pages of documentation fail Gopher's share of alphabetic words and little is left to do. It identifies no language,
since the model is a download.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.readers import JsonlReader, WarcReader
from datatrove.pipeline.writers import JsonlWriter, ParquetWriter
from datatrove.utils.word_tokenizers import WordTokenizer


class Words(WordTokenizer):
    """Words between spaces."""

    def word_tokenize(self, text: str) -> list[str]:
        """What stands between spaces."""
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        """Up to a full stop."""
        return re.split(r"(?<=[.!?])\s+", text)

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Where the words are."""
        return [match.span() for match in re.finditer(r"\S+", text)]


def main(source: str, out: str) -> None:
    """Extract, filter, find near-duplicates, write."""
    words = Words()
    path = Path(source)
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    steps = [
        [
            WarcReader(str(path.parent), glob_pattern=path.name),
            Trafilatura(favour_precision=False, deduplicate=False, timeout=30, fast=True),
            GopherRepetitionFilter(language=words),
            GopherQualityFilter(language=words),
            FineWebQualityFilter(language=words),
            JsonlWriter(f"{out}/kept"),
        ],
        [JsonlReader(f"{out}/kept"), MinhashDedupSignature(f"{out}/signatures", config=config, language=words)],
        [MinhashDedupBuckets(f"{out}/signatures", f"{out}/buckets", config=config)],
        [MinhashDedupCluster(f"{out}/buckets", f"{out}/remove", config=config)],
        [JsonlReader(f"{out}/kept"), MinhashDedupFilter(f"{out}/remove"), ParquetWriter(f"{out}/corpus")],
    ]
    for number, pipeline in enumerate(steps):
        tasks = config.num_buckets if number == 2 else 1
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=f"{out}/logs/{number}").run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
