"""Plans and the runner: sources through operators into a corpus, with a ledger, on processes or on Ray."""

from limner.pipeline.build import build
from limner.pipeline.plan import Plan, Step, from_dict, load, step
from limner.pipeline.runners import runner
from limner.pipeline.summary import Summary, summarize

__all__ = ["Plan", "Step", "Summary", "build", "from_dict", "load", "runner", "step", "summarize"]
