"""Trained models for other programs: safetensors with a card, in the layout of transformers or diffusers where these have the class.

    CODES MODEL   config.json, model.safetensors, tokenizer.json ...: a Qwen3 or Llama; image/ turns its codes into pictures
    HUB MODEL     what its own `save_pretrained` writes; limner.safetensors has what limner added
    PAINTER       transformer/, a diffusers `PixArtTransformer2DModel`; autoencoder/
    ANOTHER       model.safetensors under limner's own names, and settings as JSON

README.md is the card of each. Nothing is pickled.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from limner.errors import LimnerError, MissingExtra
from limner.models import saved
from limner.models.backbone import HubBackbone
from limner.models.causal_layout import as_hub, differences
from limner.models.dit import DiT, diffusers_config, diffusers_name
from limner.models.export_card import card
from limner.models.heads.codes import CodesHead
from limner.models.interleaved import Interleaved
from limner.models.saved import Trained
from limner.models.vocabulary import Vocabulary

PAINTER = "bundled:limner-t2i"


@dataclass(frozen=True)
class Exported:
    """What was written: `loads` is the class that loads it, "" for limner's own layout, and `lacks` what no class has."""

    loads: str
    lacks: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.loads and not self.lacks:
            return f"{self.loads}.from_pretrained loads it"
        beside = f"; {self.loads}.from_pretrained loads the rest" if self.loads else ""
        return f"in limner's own layout, since no class elsewhere has all of it: {'; '.join(self.lacks)}{beside}"


def exported(address: str, folder: Path) -> Exported:
    """Write a trained model into a folder, which is there whole or not at all: that of a run, or a file of a painter.

    Raises `LimnerError` where there is no model, or where the folder holds something.
    """
    path = Path(address.removeprefix("run:"))
    if address == PAINTER or path.suffix == ".safetensors":
        return _painter(path, address == PAINTER, folder)
    trained, about = saved.load(path), path / saved.CARD
    return export(trained, folder, about=about.read_text("utf-8") if about.is_file() else "")


def export(model: Trained | nn.Module, folder: Path, vocabulary: Vocabulary | None = None, about: str = "") -> Exported:
    """Write a model into a folder, which is there whole or not at all. `about` goes into its card.

    Raises `LimnerError` where the folder holds something.
    """
    with _building(folder) as made:
        outcome = _written(model, made, vocabulary)
        (made / saved.CARD).write_text(card(outcome.loads, outcome.lacks, made, about), "utf-8")
    return outcome


def _written(model: Trained | nn.Module, folder: Path, vocabulary: Vocabulary | None) -> Exported:
    if isinstance(model, DiT):
        return _dit(model, folder)
    if isinstance(model, HubBackbone):
        return _hub(model, {}, folder, vocabulary)
    inner = model.model if isinstance(model, Trained) else model
    if isinstance(inner, Interleaved) and isinstance(inner.backbone, HubBackbone):
        rest = {n: t for n, t in inner.state_dict().items() if not n.startswith("backbone.model.")}
        return _hub(inner.backbone, rest, folder, vocabulary)
    lacks = differences(inner) if isinstance(inner, Interleaved) else [f"it is a {type(inner).__name__}"]
    if isinstance(inner, Interleaved) and not lacks:
        words = model.vocabulary if isinstance(model, Trained) else vocabulary
        outcome = _causal(inner, folder, words)
        if isinstance(model, Trained):
            tensors(model.tokenizer, folder / "image", asdict(model.composition.pictures))
        return outcome
    if isinstance(model, Trained):
        saved.save(model, folder, "")
    else:
        tensors(model, folder, getattr(model, "settings", {}))
    return Exported("", tuple(lacks))


def _causal(model: Interleaved, folder: Path, vocabulary: Vocabulary | None) -> Exported:
    hub = as_hub(model, model.marks.end, model.marks.start)
    codes = list(model.image.entries) if isinstance(model.image, CodesHead) else []
    marks = [mark for mark in (model.marks.start, model.marks.image, model.marks.closed) if mark >= 0]
    # What limner leaves out where it writes text: marks and codes.
    hub.generation_config.suppress_tokens = sorted({*marks, *codes})
    hub.save_pretrained(str(folder))
    if vocabulary is not None:
        vocabulary.hub(len(codes)).save_pretrained(str(folder))
    return Exported(f"transformers.{type(hub).__name__}")


def _hub(backbone: HubBackbone, rest: Mapping[str, Tensor], folder: Path, vocabulary: Vocabulary | None) -> Exported:
    model: Any = merged(backbone.model)
    model.save_pretrained(str(folder))
    if vocabulary is not None:
        vocabulary.hub().save_pretrained(str(folder))
    if rest:
        _save(rest, folder / "limner.safetensors")
    lacks = (f"what limner added to it is in limner.safetensors ({len(rest)} tensors)",) if rest else ()
    return Exported(f"transformers.{type(model).__name__}", lacks)


def merged(model: nn.Module) -> nn.Module:
    """A model with its low-rank changes added to its weights: a copy, or itself where it has none."""
    if not any("lora_" in name for name, _ in model.named_parameters()):
        return model
    from peft.tuners.tuners_utils import BaseTunerLayer

    found = copy.deepcopy(model)
    for name, layer in list(found.named_modules()):
        if isinstance(layer, BaseTunerLayer):
            above, _, own = name.rpartition(".")
            cast("Any", layer).merge()
            setattr(found.get_submodule(above), own, layer.get_base_layer())
    return found


def _dit(dit: DiT, folder: Path) -> Exported:
    s = dit.settings
    lacks = [f"its modulation is one of each {s.modulation}"] if s.modulation != "single" else []
    lacks += ["it is told classes"] if s.classes else []
    lacks += [] if s.text else ["it is told no text"]
    if lacks:
        tensors(dit, folder, asdict(s))
        return Exported("", tuple(lacks))
    try:
        from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel
    except ImportError:
        raise MissingExtra("paint", "diffusers", "models in the layout of diffusers") from None
    made: Any = PixArtTransformer2DModel(**cast("Any", diffusers_config(s)))
    given = {diffusers_name(n): w for n, w in dit.state_dict().items()}
    made.load_state_dict(given)
    made.to(dit.embed.weight.dtype).save_pretrained(str(folder))
    return Exported("diffusers.PixArtTransformer2DModel")


def _painter(path: Path, bundled: bool, folder: Path) -> Exported:
    from limner.models.paint.painter import TEXTS, TOKENS, WEIGHTS, load

    path = WEIGHTS if bundled else path
    painter = load(path)
    with safe_open(str(path), "pt") as held:
        compression = json.loads(held.metadata()["autoencoder"])
    about = (
        f"A painter: `transformer` is told the states of the first {TOKENS} tokens by {TEXTS}, and draws latents by a flow in "
        f"{painter.drawing.steps} steps of Heun's method with a guidance of {painter.drawing.scale:g}; `autoencoder`, in limner's own "
        "layout, makes pictures of them, times `deviation` plus `mean` of drawing.json."
    )
    with _building(folder) as made:
        outcome = _dit(painter.dit, made / "transformer")
        tensors(painter.autoencoder, made / "autoencoder", compression)
        (made / "drawing.json").write_text(json.dumps(asdict(painter.drawing), indent=1) + "\n", "utf-8")
        (made / saved.CARD).write_text(card(outcome.loads, outcome.lacks, made, about, "transformer"), "utf-8")
    return outcome


def tensors(module: nn.Module, folder: Path, settings: Any) -> None:
    """A module under limner's own names: `model.safetensors`, and `config.json` with what it was made by."""
    folder.mkdir(parents=True, exist_ok=True)
    _save(module.state_dict(), folder / "model.safetensors")
    stated: dict[str, Any] = {"made_by": "limner", "class": f"{type(module).__module__}.{type(module).__name__}"}
    stated["settings"] = asdict(settings) if hasattr(settings, "__dataclass_fields__") else settings
    (folder / "config.json").write_text(json.dumps(stated, indent=1) + "\n", "utf-8")


def _save(given: Mapping[str, Tensor], path: Path) -> None:
    save_file({n: t.detach().cpu().contiguous().clone() for n, t in given.items()}, str(path), {"format": "pt"})


@contextmanager
def _building(folder: Path) -> Generator[Path]:
    """A folder to write into, which takes its name when the block ends well."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LimnerError(f"{folder} holds something already; name another folder, or remove it")
    part = folder.parent / f".{folder.name}.{os.getpid()}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
