"""Prompts to pictures: a text encoder's states, a guided flow in the latents of an autoencoder, and what is drawn as a file. One file of
weights for all of it.

N prompts, L tokens, E their width.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from limner.corpus.pixels import Pixels
from limner.errors import ExpertError
from limner.experts.text_encoder import MeanEncoder, text_encoder
from limner.models.dit import DiT, DiTSettings
from limner.models.guidance import guided
from limner.models.heads.vectors import pixels
from limner.models.paint.autoencoder import CompressionSettings, compressing
from limner.models.sampling import Steps, flow
from limner.models.tokenizers import Autoencoder

WEIGHTS = Path(__file__).with_name("limner-t2i.safetensors")
TEXTS, TOKENS = "bundled:minilm", 16
"""The encoder whose states of the first tokens the transformer is told."""

_BATCH = 32
_MOST_SIDE = 4096

Told = tuple[Tensor, Tensor]
"""States N x L x E and where there is a token, N x L."""


@dataclass(frozen=True)
class Drawing:
    """How pictures are drawn: by `steps` of Heun's method, with a guidance of `scale`. Latents have been made to have mean 0 and deviation
    1: their own are `mean` and `deviation`, one a channel."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    steps: int = 20
    scale: float = 3.0


class Painter:
    """A `limner.experts.generator.Generator`."""

    def __init__(self, autoencoder: Autoencoder, dit: DiT, drawing: Drawing) -> None:
        self.autoencoder, self.dit, self.drawing = autoencoder.eval(), dit.eval(), drawing

    def paint(self, prompts: Sequence[str], side: int = 512, seed: int = 0) -> list[bytes]:
        """See `Generator`: PNG files, drawn small and made larger. A prompt's picture does not depend on those beside it. Raises
        `ExpertError` for a side beyond 1 to 4096."""
        if not 1 <= side <= _MOST_SIDE:
            raise ExpertError(f"pictures of {side} pixels a side are not made; ask for 1 to {_MOST_SIDE}")
        found: list[bytes] = []
        for at in range(0, len(prompts), _BATCH):
            some = prompts[at : at + _BATCH]
            shape = (self.dit.settings.channels, self.dit.settings.side, self.dit.settings.side)
            one = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
            found += [_file(shown, side) for shown in self.draw(told(some), one.expand(len(some), *shape))]
        return found

    @torch.no_grad()
    def draw(self, text: Told, noise: Tensor) -> list[Pixels]:
        """The pictures of texts, as large as the autoencoder makes them, from noise N x C x R x S."""
        latents = drawn(self.dit, text, noise, Steps(self.drawing.steps, "heun"), self.drawing.scale)
        return pixels(decoded(self.autoencoder, latents, self.drawing))


def told(texts: Sequence[str]) -> Told:
    """What the transformer is told of texts."""
    encoder = text_encoder(TEXTS)
    assert isinstance(encoder, MeanEncoder)
    states, mask = encoder.states(texts, TOKENS)
    return torch.from_numpy(states), torch.from_numpy(mask)


@cache
def nothing() -> Told:
    """What it is told of no text: the empty one."""
    return told([""])


@torch.no_grad()
def drawn(dit: DiT, text: Told, noise: Tensor, steps: Steps, scale: float) -> Tensor:
    """Latents of texts, led away from those of no text."""
    none = tuple(part.expand(len(noise), *part.shape[1:]) for part in nothing())
    led = guided(lambda x, time, words: dit(x, time, *words), [none, text], [scale])
    return flow(led, noise, steps)


def decoded(autoencoder: Autoencoder, latents_NCRS: Tensor, drawing: Drawing) -> Tensor:
    """The pictures of latents of mean 0 and deviation 1, N x 3 x R x S from -1 to 1."""
    vectors_NPC = latents_NCRS.flatten(2).transpose(1, 2)
    return autoencoder.decode(vectors_NPC * torch.tensor(drawing.deviation) + torch.tensor(drawing.mean))


def save(path: Path, autoencoder: Autoencoder, settings: CompressionSettings, dit: DiT, drawing: Drawing) -> None:
    """One file of numbers in half precision, with all settings."""
    parts = {"autoencoder": autoencoder, "dit": dit}
    tensors = {f"{part}.{n}": t.detach().half().contiguous() for part, m in parts.items() for n, t in m.state_dict().items()}
    told_of = {"autoencoder": asdict(settings), "dit": asdict(dit.settings), "drawing": asdict(drawing)}
    save_file(tensors, str(path), {name: json.dumps(value) for name, value in told_of.items()})


def load(path: Path) -> Painter:
    """The painter in a file. Raises `ExpertError` where there is none, and for another file."""
    if not path.is_file():
        made_by = f"limner recipe run pixart --seeds 1 --set 'ways=[\"three\"]' --set keep={path}"
        raise ExpertError(f"there are no weights at {path}; `{made_by}` trains some")
    try:
        with safe_open(str(path), "pt") as held:
            given: dict[str, Any] = {name: json.loads(value) for name, value in held.metadata().items()}
            tensors: dict[str, Tensor] = {name: held.get_tensor(name).float() for name in held.keys()}  # noqa: SIM118 it is no dict
        autoencoder = compressing(CompressionSettings(**{n: _tuple(v) for n, v in given["autoencoder"].items()}))
        dit = DiT(DiTSettings(**given["dit"]))
        for prefix, module in (("autoencoder.", autoencoder), ("dit.", dit)):
            module.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
        return Painter(autoencoder, dit, Drawing(**{n: _tuple(v) for n, v in given["drawing"].items()}))
    except (OSError, SafetensorError, AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ExpertError(f"{path} has no weights of a painter: {error}") from error


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _file(shown: Pixels, side: int) -> bytes:
    with io.BytesIO() as out:
        image = Image.fromarray(np.ascontiguousarray(shown))
        image.resize((side, side), Image.Resampling.LANCZOS).save(out, "PNG")
        return out.getvalue()
