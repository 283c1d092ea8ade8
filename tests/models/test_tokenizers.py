"""Every image tokenizer keeps one contract: shapes, codes that decode to the same image, no images, gradients, sizes and texts that are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch

from limner.errors import LimnerError
from limner.experts.efficientnet import EfficientNetLite
from limner.models.tokenizers import (
    Autoencoder,
    BinaryQuantiser,
    BinarySettings,
    BlockSettings,
    CodebookSettings,
    GaussianLatents,
    QueryDecoder,
    QueryEncoder,
    SoftQuantiser,
    SoftSettings,
    Text,
    Tokenizer,
    VectorQuantiser,
    ViTDecoder,
    ViTEncoder,
)
from limner.models.tokenizers.convolutional import ConvDecoder, ConvEncoder, ConvSettings
from limner.models.tokenizers.frozen import FrozenStages
from limner.models.tokenizers.semantic import SemanticPixels

torch.set_num_threads(1)

BLOCKS = BlockSettings(width=32, depth=1, heads=2, patch=4)
CONV = ConvSettings(channels=(8, 16, 16), width=12, groups=4)
SIDE, TEXT = 16, 20

QUANTISERS: dict[str, Callable[[], torch.nn.Module]] = {
    "average": lambda: VectorQuantiser(CodebookSettings(size=32, width=4)),
    "loss": lambda: VectorQuantiser(CodebookSettings(size=32, width=4, normalised=False, update="loss")),
    "sign": lambda: BinaryQuantiser(BinarySettings(bits=6)),
    "spherical": lambda: BinaryQuantiser(BinarySettings(bits=6, way="spherical", group=3)),
    "bernoulli": lambda: BinaryQuantiser(BinarySettings(bits=6, way="bernoulli", group=1)),
    "soft": lambda: SoftQuantiser(SoftSettings(size=32, width=4)),
    "gaussian": lambda: GaussianLatents(4),
}
BODIES: dict[str, Callable[[], tuple[torch.nn.Module, torch.nn.Module]]] = {
    "convolutional": lambda: (ConvEncoder(CONV), ConvDecoder(CONV)),
    "vit": lambda: (ViTEncoder(BLOCKS), ViTDecoder(BLOCKS)),
    "queries": lambda: (QueryEncoder(BLOCKS, 5), QueryDecoder(BLOCKS, 5)),
    "captioned": lambda: (QueryEncoder(BLOCKS, 5, TEXT), QueryDecoder(BLOCKS, 5, TEXT)),
}
ALL = [f"{body} {quantiser}" for body in BODIES for quantiser in QUANTISERS] + ["semantic"]


def made(name: str) -> Tokenizer:
    torch.manual_seed(0)
    if name == "semantic":
        frozen = FrozenStages(EfficientNetLite(10), (0, 2), scale=1.0)
        meaning, look = (VectorQuantiser(CodebookSettings(size=16, width=width)) for width in (4, 6))
        return SemanticPixels(frozen, BLOCKS, ViTEncoder(BLOCKS), (meaning, look), ViTDecoder(BLOCKS), SIDE)
    body, quantiser = name.split()
    encoder, decoder = BODIES[body]()
    return Autoencoder(encoder, QUANTISERS[quantiser](), decoder, SIDE)


def images(count: int, side: int = SIDE) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def text(count: int) -> Text:
    draw = torch.Generator().manual_seed(2)
    return Text(torch.randn(count, 3, TEXT, generator=draw), torch.tensor([[True, True, False]]).expand(count, -1))


@pytest.mark.parametrize("name", ALL)
def test_what_a_tokenizer_says_of_itself_is_so(name: str):
    tokenizer = made(name).eval()
    latents = tokenizer.encode(images(2))
    assert latents.vectors_NPC.shape == (2, tokenizer.length, tokenizer.width)
    assert latents.grid == tokenizer.grid
    assert tokenizer.grid is None or tokenizer.grid[0] * tokenizer.grid[1] == tokenizer.length
    assert tokenizer.decode(latents.vectors_NPC).shape == (2, 3, SIDE, SIDE)
    if not tokenizer.books:
        assert latents.codes_NPG is None
        assert tokenizer.vocabulary == 0
        with pytest.raises(LimnerError, match="no codes"):
            tokenizer.lookup(torch.zeros(1, 1, 1, dtype=torch.long))
        return
    assert latents.codes_NPG.shape == (2, tokenizer.length, len(tokenizer.books))
    assert all(
        0 <= int(latents.codes_NPG[..., g].min()) <= int(latents.codes_NPG[..., g].max()) < size
        for g, size in enumerate(tokenizer.books)
    )
    assert torch.allclose(tokenizer.lookup(latents.codes_NPG), latents.vectors_NPC, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ALL)
def test_no_images_go_through_every_module(name: str, training: bool):
    tokenizer = made(name).train(training)
    given = text(0) if name.startswith("captioned") else None
    latents, drawn = tokenizer(images(0), given)
    assert latents.vectors_NPC.shape == (0, tokenizer.length, tokenizer.width)
    assert drawn.shape == (0, 3, SIDE, SIDE)
    before = {n: b.clone() for n, b in tokenizer.named_buffers()}
    (drawn.sum() + latents.vectors_NPC.sum()).backward()
    found = {n: p.grad for n, p in tokenizer.named_parameters()}
    # The entries of a codebook are moved by a loss of their own, and semantic features are told by a head of their own.
    apart = ("entries_VC", "from_meaning", "tell", "down")
    assert [n for n, g in found.items() if g is None and not any(a in n for a in apart)] == []
    assert all(not g.any() for g in found.values() if g is not None)
    assert all(torch.equal(b, before[n]) for n, b in tokenizer.named_buffers())


@pytest.mark.parametrize("name", ALL)
def test_a_reconstruction_loss_reaches_the_encoder(name: str):
    tokenizer = made(name).train()
    given = text(4) if name.startswith("captioned") else None
    _, drawn = tokenizer(images(4), given)
    (drawn - images(4)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in tokenizer.encoder.parameters())


@pytest.mark.parametrize("name", ["convolutional average", "vit sign", "queries average", "semantic"])
def test_images_of_another_size_are_taken_where_patches_cover_them(name: str):
    tokenizer = made(name).eval()
    wide = torch.rand(1, 3, 8, 20)
    latents = tokenizer.encode(wide)
    assert latents.vectors_NPC.shape[1] == (10 if tokenizer.grid else tokenizer.length)
    assert tokenizer.decode(latents.vectors_NPC, size=(8, 20)).shape == wide.shape
    with pytest.raises(LimnerError, match="resize or pad"):
        tokenizer.encode(images(1, 18))


def test_a_caption_changes_codes_and_pixels_and_padding_does_not():
    tokenizer = made("captioned gaussian").eval()
    given = text(2)
    with torch.no_grad():
        latents, drawn = tokenizer(images(2), given)
        other = Text(given.features_NLE + 1, given.mask_NL)
        assert not torch.allclose(tokenizer.encode(images(2), other).vectors_NPC, latents.vectors_NPC, atol=1e-3)
        assert not torch.allclose(tokenizer.decode(latents.vectors_NPC, other), drawn, atol=1e-3)
        assert not torch.allclose(tokenizer.decode(latents.vectors_NPC), drawn, atol=1e-3)
        padded = Text(torch.where(given.mask_NL[..., None], given.features_NLE, torch.full((), 9.0)), given.mask_NL)
        again = tokenizer(images(2), padded)[1]
    assert torch.allclose(again, drawn, atol=1e-5)


@pytest.mark.parametrize(("name", "given"), [("vit average", text(2)), ("captioned average", text(3)), ("queries sign", text(2))])
def test_texts_that_do_not_belong_to_the_images_are_refused(name: str, given: Text):
    with pytest.raises(LimnerError, match="texts"):
        made(name).encode(images(2), given)


def test_a_batch_gives_each_image_what_it_gives_alone():
    for name in ("convolutional average", "vit sign", "queries gaussian"):
        tokenizer = made(name).eval()
        with torch.no_grad():
            whole = tokenizer(images(3))[1]
            alone = torch.cat([tokenizer(image[None])[1] for image in images(3)])
        assert torch.allclose(whole, alone, atol=1e-5)


def test_bfloat16_leaves_distances_and_losses_in_single_precision():
    tokenizer = made("vit average").train()
    with torch.autocast("cpu", torch.bfloat16):
        latents, _ = tokenizer(images(2))
    assert latents.vectors_NPC.dtype == latents.before_NPC.dtype == latents.nearest_NPC.dtype == torch.float32


def test_the_frozen_network_is_not_saved_or_trained_but_moves():
    tokenizer = made("semantic")
    names = [*tokenizer.state_dict(), *(n for n, _ in tokenizer.named_parameters())]
    assert not any("network" in n or "_blocks" in n for n in names)
    tokenizer.load_state_dict(tokenizer.state_dict())
    tokenizer.double()
    assert tokenizer.frozen(images(1).double())[-1].dtype == torch.float64


def test_semantic_codes_alone_tell_the_frozen_features():
    tokenizer = made("semantic").train()
    opt = torch.optim.Adam(tokenizer.parameters(), 1e-2)
    given = images(8)
    losses = []
    for _ in range(30):
        latents = tokenizer.encode(given)
        loss = (tokenizer.told(latents.vectors_NPC) - tokenizer.features(given)).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    blind = latents.vectors_NPC.detach().clone()
    blind[..., tokenizer.meaning.width :] = 0
    assert torch.equal(tokenizer.told(blind), tokenizer.told(latents.vectors_NPC.detach()))
