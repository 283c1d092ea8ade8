"""Exports after a take-down: each that a corpus knows is written anew from what is left of it.

An export holds documents in ten forms, and a line of it cannot be cut out without knowing the form; the corpus says what
is left in one. So an export made under another take-down list is made again, with its settings, under a hidden name, and then
takes the place of the old one: a reader sees the old export, for an instant none, then the new one, never a half.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import uuid4

from limner.corpus import Corpus
from limner.corpus.keeping import exports as known
from limner.corpus.keeping.exports import Exported
from limner.corpus.keeping.takedown import TakenDown
from limner.corpus.keeping.takedown import takedown as take_down
from limner.corpus.keeping.takelist import TakeList
from limner.corpus.lock import writing
from limner.errors import FormatError, LimnerError
from limner.formats import registry
from limner.formats.fileformat import FileFormat
from limner.formats.format import Progress
from limner.formats.output import place
from limner.formats.place import Place


@dataclass(frozen=True)
class Reached:
    """Exports brought up to date; those that were not, with why; and files in them that limner did not write and left as
    they were (`unknown`)."""

    rewritten: tuple[str, ...] = ()
    missed: dict[str, str] = field(default_factory=dict[str, str])
    unknown: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def takedown(
    corpus: Corpus,
    listed: TakeList,
    named: Sequence[str | os.PathLike[str]] = (),
    *,
    progress: Callable[[int, int], None] | None = None,
    exported: Progress | None = None,
) -> tuple[TakenDown, Reached]:
    """Take down what `listed` names from a corpus and from its exports: those it knows, and those in the folders `named`
    (see `reach`). `progress` hears of batches, `exported` of documents exported again."""
    with writing(corpus.store):
        found = [_named(corpus, folder) for folder in named]
        done = take_down(corpus, listed, progress)
        return done, _reach(corpus, found, exported)


def reach(corpus: Corpus, named: Sequence[str | os.PathLike[str]] = (), progress: Progress | None = None) -> Reached:
    """Bring the exports of a corpus up to date that were made under another take-down list than it has now.

    An export that was moved, or whose files were changed by other hands, or whose corpus was moved, is left as it is and
    told of, until its folder is `named`: then what limner wrote there is replaced. Raises `FormatError` where no export of
    this corpus is in a folder that is named.
    """
    return _reach(corpus, [_named(corpus, folder) for folder in named], progress)


def _reach(corpus: Corpus, named: Sequence[Exported], progress: Progress | None) -> Reached:
    wanted = {made.id: (made, True) for made in named}
    for made in known.behind(corpus.store):
        wanted.setdefault(made.id, (made, False))
    rewritten: list[str] = []
    missed: dict[str, str] = {}
    unknown: list[str] = []
    for made, told in wanted.values():
        try:
            if not told and not _is_there(corpus, made):
                continue
            if not told:
                _refuse(corpus, made)
            unknown += [f"{made.folder}/{name}" for name in place(made.folder).foreign()]
            _format(made).rewrite(corpus, made, progress)
            rewritten.append(made.folder)
        except LimnerError as error:
            missed[made.folder] = str(error)
    return Reached(tuple(rewritten), missed, tuple(unknown))


def forget(corpus: Corpus, folder: str | os.PathLike[str]) -> None:
    """Have the corpus know no more of an export that is gone for good; raises `FormatError` where it knows of none in that
    folder."""
    where = place(folder).where
    found = [made for made in known.exports(corpus.store) if made.folder == where]
    if not found:
        raise FormatError(f"{corpus.store.url} knows of no export in {where}")
    for made in found:
        known.forget(corpus.store, made)


def _named(corpus: Corpus, folder: str | os.PathLike[str]) -> Exported:
    """The export in a folder that a person names, as it is known from now on: there, and of this corpus."""
    there = place(folder)
    there.recover()
    id = _id(there)
    made = next((made for made in known.exports(corpus.store) if made.id == id), None)
    if made is None:
        raise FormatError(f"{os.fspath(folder)} is no export that {corpus.store.url} knows of: remove it, and export again")
    if made.folder != there.where and _id(place(made.folder)) == made.id:
        made = replace(made, id=uuid4().hex)  # a copy: the one it was copied from stays known
    made = replace(made, folder=there.where, corpus=known.place_of(corpus.store))
    known.remember(corpus.store, replace(made, taken=""))
    return made


def _id(there: Place) -> str:
    return str(there.report().get("id", ""))


def _is_there(corpus: Corpus, made: Exported) -> bool:
    """Whether an export is still where it was put; one that another export has taken the place of, or that was never whole, is
    forgotten."""
    there = place(made.folder)
    there.recover()
    found = _id(there)
    if found == made.id:
        return True
    if there.sweep() or any(found == other.id for other in known.exports(corpus.store)):
        known.forget(corpus.store, made)
        return False
    raise FormatError(
        "it is not there any more: if it was moved, name its folder with --export; if it is gone for good, with --forget"
    )


def _refuse(corpus: Corpus, made: Exported) -> None:
    """Raises `FormatError` where rewriting an export could lose what a person wants to keep."""
    here = known.place_of(corpus.store)
    if made.corpus != here:
        raise FormatError(
            f"it was made of the corpus at {made.corpus}, this one is at {here}: name it with --export to have it written anew from here"
        )
    if names := place(made.folder).changed():
        raise FormatError(
            f"{len(names):,} of its files are not as limner wrote them ({names[0]}): name it with --export to have them written anew"
        )


def _format(made: Exported) -> FileFormat:
    format = registry.load(made.format)
    if not isinstance(format, FileFormat):
        raise FormatError(f"its format {made.format} cannot write an export anew: remove it, and export again")
    return format
