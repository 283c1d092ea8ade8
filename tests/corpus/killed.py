"""A process of its own that changes a corpus, for a test to kill."""

from __future__ import annotations

import multiprocessing
from multiprocessing.process import BaseProcess
from typing import Any

from limner.corpus import Corpus
from limner.corpus.keeping import compact, merge, read_list, takedown


def change(job: str, place: str, began: Any = None) -> None:
    """Compact, merge or take down from the corpus at `place`, telling when it begins."""
    corpus = Corpus.open(place)
    if began is not None:
        began.set()
    if job == "compact":
        compact(corpus, documents=40)
    elif job == "takedown":
        takedown(corpus, read_list("bad.example"))
    else:
        merge([corpus], f"{place}-merged")


def started(job: str, place: str) -> BaseProcess:
    """The process, at work."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["corpus.killed"])
    began = context.Event()
    process = context.Process(target=change, args=(job, place, began))
    process.start()
    began.wait(60)
    return process
