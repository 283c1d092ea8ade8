"""Tokenizers of diffusers' models on the same weights, within 1e-4: whole models, the codebook, Gaussian latents; and their gradients."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import diffusers
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution, VectorQuantizer

from limner.errors import LimnerError
from limner.models.tokenizers import CodebookSettings, GaussianLatents, VectorQuantiser
from limner.models.tokenizers.convolutional import wrapped
from limner.train.objectives.codebook import codebook, commitment, divergence

torch.set_num_threads(1)

SHAPE = {
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "block_out_channels": (8, 16, 24),
    "norm_num_groups": 4,
    "latent_channels": 6,
}


def images() -> torch.Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def close(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.allclose(a, b, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("width", [6, 4])
def test_a_vq_model_gives_the_same_codes_and_pixels(width: int):
    torch.manual_seed(0)
    theirs = diffusers.VQModel(**SHAPE, num_vq_embeddings=20, vq_embed_dim=width).eval()
    theirs.quantize.embedding.weight.data.normal_(0, 0.3)
    ours = wrapped(theirs, 32)
    with torch.no_grad():
        latents, drawn = ours(images())
        before = theirs.encode(images()).latents
        after, _, (_, _, codes) = theirs.quantize(before)
        assert close(latents.before_NPC, before.flatten(2).transpose(1, 2))
        assert torch.equal(latents.codes_NPG.flatten(), codes)
        assert close(latents.vectors_NPC, after.flatten(2).transpose(1, 2))
        assert close(drawn, theirs(images()).sample)
        assert len(codes.unique()) > 3
    assert ours.grid == (8, 8)
    assert ours.vocabulary == 20


@pytest.mark.parametrize("convolution", [True, False])
def test_a_kl_autoencoder_gives_the_same_moments_and_pixels(convolution: bool):
    torch.manual_seed(0)
    theirs = diffusers.AutoencoderKL(**SHAPE, use_quant_conv=convolution, use_post_quant_conv=convolution).eval()
    ours = wrapped(theirs, 32)
    with torch.no_grad():
        latents, drawn = ours(images())
        posterior = theirs.encode(images()).latent_dist
        assert close(latents.before_NPC, posterior.mean.flatten(2).transpose(1, 2))
        assert close(latents.logvar_NPC, posterior.logvar.flatten(2).transpose(1, 2))
        assert close(drawn, theirs(images()).sample)


def test_a_codebook_has_the_same_losses_and_gradients():
    torch.manual_seed(0)
    theirs = VectorQuantizer(16, 4, beta=0.25, legacy=False)
    theirs.embedding.weight.data.normal_()
    ours = VectorQuantiser(CodebookSettings(16, 4, normalised=False, update="loss", revive=0))
    ours.entries_VC.data.copy_(theirs.embedding.weight)
    x = torch.randn(2, 4, 3, 5)
    one, two = x.clone().requires_grad_(), x.clone().requires_grad_()
    vectors, loss, _ = theirs(one)
    latents = ours(two.flatten(2).transpose(1, 2))
    mine = codebook(latents) + 0.25 * commitment(latents)
    assert close(mine, loss)
    weight = torch.randn_like(vectors)
    (loss + (vectors * weight).sum()).backward()
    (mine + (latents.vectors_NPC * weight.flatten(2).transpose(1, 2)).sum()).backward()
    assert close(two.grad, one.grad)
    assert close(ours.entries_VC.grad, theirs.embedding.weight.grad)


def test_gaussian_latents_have_the_same_divergence():
    moments = torch.randn(3, 8, 2, 2)
    theirs = DiagonalGaussianDistribution(moments)
    ours = GaussianLatents(4).eval()(moments.flatten(2).transpose(1, 2))
    # Theirs is a sum over an image, ours a mean over its four tokens.
    assert close(divergence(ours), theirs.kl().mean() / 4)


def test_a_model_that_is_normalised_by_its_latents_is_refused():
    theirs = diffusers.VQModel(**SHAPE | {"block_out_channels": (32, 32, 32)}, norm_type="spatial")
    with pytest.raises(LimnerError, match="spatial"):
        wrapped(theirs, 32)
