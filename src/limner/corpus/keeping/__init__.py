"""Keeping a corpus: check it, compact it, merge and compare, take down, bring it up to date.

Every change is made by batches that replace others, so at any instant a reader sees the corpus before or after it.
"""

from limner.corpus.keeping.check import check
from limner.corpus.keeping.compact import Compacted, compact
from limner.corpus.keeping.damage import Damage
from limner.corpus.keeping.diff import Changed, Diff, diff
from limner.corpus.keeping.merge import merge
from limner.corpus.keeping.recrawl import Changes, changed, inputs_table, recorded, replace_inputs
from limner.corpus.keeping.takedown import TakenDown, takedown
from limner.corpus.keeping.takelist import TakeList, read_list, taken

__all__ = [
    "Changed",
    "Changes",
    "Compacted",
    "Damage",
    "Diff",
    "TakeList",
    "TakenDown",
    "changed",
    "check",
    "compact",
    "diff",
    "inputs_table",
    "merge",
    "read_list",
    "recorded",
    "replace_inputs",
    "takedown",
    "taken",
]  # fmt: skip
