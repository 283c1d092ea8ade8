"""Quantisers: what is nearest, how codebooks follow their tokens, dead entries, bits, mixtures; on one rank and on two."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch")

import torch
from torch import multiprocessing

from limner.errors import LimnerError
from limner.models.tokenizers import (
    BinaryQuantiser,
    BinarySettings,
    CodebookSettings,
    GaussianLatents,
    SoftQuantiser,
    SoftSettings,
    VectorQuantiser,
    counts,
    perplexity,
)

torch.set_num_threads(1)


def tokens(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("normalised", [True, False])
def test_no_entry_is_nearer_than_the_one_that_is_taken(normalised: bool):
    book = VectorQuantiser(CodebookSettings(64, 4, normalised)).eval()
    latents = book(tokens(3, 10, 4))
    far = torch.cdist(latents.before_NPC, book.lookup(torch.arange(64)[:, None])[None])
    taken = far.gather(-1, latents.codes_NPG)[..., 0]
    assert torch.allclose(taken, far.min(-1).values, atol=1e-5)
    if normalised:
        assert torch.allclose(latents.vectors_NPC.norm(dim=-1), torch.ones(3, 10), atol=1e-5)


def test_gradients_pass_straight_through_the_choice():
    book = VectorQuantiser(CodebookSettings(16, 4, normalised=False)).eval()
    x = tokens(2, 5, 4).requires_grad_()
    weight = tokens(2, 5, 4, seed=1)
    (book(x).vectors_NPC * weight).sum().backward()
    assert torch.equal(x.grad, weight)


def test_moving_averages_find_the_middles_of_clusters():
    torch.manual_seed(0)
    middles = torch.tensor([[3.0, 0.0], [0.0, 3.0], [-3.0, -3.0], [4.0, 4.0]])
    book = VectorQuantiser(CodebookSettings(4, 2, normalised=False, decay=0.8)).train()
    book.sums_VC.copy_(middles + tokens(4, 2))
    book.entries_VC.copy_(book.sums_VC)
    for step in range(100):
        which = torch.randint(4, (64,), generator=torch.Generator().manual_seed(step))
        book((middles[which] + 0.1 * tokens(64, 2, seed=step))[None])
    assert (torch.cdist(middles, book.entries_VC).min(1).values < 0.1).all()


def test_an_entry_that_no_token_takes_is_given_anew_and_otherwise_stays():
    for revive, count in ((0.05, 16), (0.0, 1)):
        torch.manual_seed(0)
        book = VectorQuantiser(CodebookSettings(16, 2, normalised=False, decay=0.7, revive=revive)).train()
        book.entries_VC[1:] = 100.0
        book.sums_VC.copy_(book.entries_VC)
        for step in range(30):
            latents = book(tokens(1, 256, 2, seed=step))
        used = len(latents.codes_NPG.unique())
        assert used == count if revive == 0 else used > 12
        assert revive or torch.allclose(book.entries_VC[1:], torch.full((15, 2), 100.0))


def test_evaluation_changes_nothing():
    book = VectorQuantiser(CodebookSettings(16, 2)).eval()
    before = {n: b.clone() for n, b in book.state_dict().items()}
    book(tokens(1, 50, 2))
    assert all(torch.equal(b, before[n]) for n, b in book.state_dict().items())


def test_use_is_counted_and_its_perplexity_is_the_number_of_codes_used_alike():
    (found,) = counts(torch.tensor([[[0], [1]], [[3], [3]]]), (4,))
    assert found.tolist() == [1, 1, 0, 2]
    assert perplexity(found) == pytest.approx(math.exp(1.5 * math.log(2)))
    assert perplexity(torch.zeros(4, dtype=torch.long)) == 0


@pytest.mark.parametrize("group", [1, 2, 4, 8])
@pytest.mark.parametrize("way", ["sign", "spherical", "bernoulli"])
def test_bits_are_the_signs_of_logits_whatever_codes_they_make(way: str, group: int):
    quantiser = BinaryQuantiser(BinarySettings(8, group, way)).eval()
    x = tokens(2, 3, 8)
    latents = quantiser(x)
    assert torch.equal(latents.vectors_NPC > 0, x > 0)
    assert torch.equal(quantiser.bits(latents.codes_NPG), (x > 0).float())
    assert quantiser.books == (2**group,) * (8 // group)
    length = 1.0 if way == "spherical" else math.sqrt(8)
    assert torch.allclose(latents.vectors_NPC.norm(dim=-1), torch.full((2, 3), length))


def test_bits_are_drawn_in_training_as_likely_as_the_encoder_says():
    quantiser = BinaryQuantiser(BinarySettings(1, way="bernoulli")).train()
    torch.manual_seed(0)
    share = (quantiser(torch.full((1, 20_000, 1), 1.0)).vectors_NPC > 0).float().mean()
    assert abs(share - torch.sigmoid(torch.tensor(1.0))) < 0.015


@pytest.mark.parametrize(("bits", "group"), [(8, 3), (0, 0), (64, 0), (126, 63)])
def test_bits_that_make_no_codes_are_refused(bits: int, group: int):
    with pytest.raises(LimnerError, match="bits cannot"):
        BinaryQuantiser(BinarySettings(bits, group))


def test_many_bits_are_codes_of_groups():
    quantiser = BinaryQuantiser(BinarySettings(128, 8)).eval()
    latents = quantiser(tokens(1, 2, 128))
    assert latents.codes_NPG.shape == (1, 2, 16)
    assert torch.allclose(quantiser.lookup(latents.codes_NPG), latents.vectors_NPC)


def test_a_cold_mixture_is_the_nearest_entry_and_a_hot_one_the_mean():
    x = tokens(2, 5, 4)
    for temperature, check in ((1e-4, "nearest"), (1e4, "mean")):
        soft = SoftQuantiser(SoftSettings(16, 4, temperature=temperature))
        hard = VectorQuantiser(CodebookSettings(16, 4)).eval()
        hard.entries_VC.copy_(soft.entries_VC.detach())
        found = soft(x).vectors_NPC
        wanted = hard(x).vectors_NPC if check == "nearest" else soft.entries_VC.mean(0).expand_as(found)
        assert torch.allclose(found, wanted, atol=1e-3)
        assert torch.allclose(soft.weights(x).sum(-1), torch.ones(2, 5))


def test_gaussian_latents_are_drawn_in_training_and_their_means_afterwards():
    quantiser = GaussianLatents(1)
    given = torch.tensor([2.0, math.log(0.25)]).expand(1, 20_000, 2)
    torch.manual_seed(0)
    drawn = quantiser.train()(given).vectors_NPC
    assert abs(drawn.mean() - 2) < 0.02
    assert abs(drawn.std() - 0.5) < 0.02
    assert (quantiser.eval()(given).vectors_NPC == 2).all()


def _parts() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Tokens of two ranks in four steps; the second rank has none in the second step, and all of them in the last."""
    x = [tokens(1, 12, 2, seed=step) for step in range(4)]
    return [(x[0][:, :5], x[0][:, 5:]), (x[1], x[1][:, :0]), (x[2][:, :6], x[2][:, 6:]), (x[3][:, :0], x[3])]


def _book(revive: float) -> VectorQuantiser:
    torch.manual_seed(0)
    return VectorQuantiser(CodebookSettings(8, 2, normalised=False, decay=0.5, revive=revive)).train()


def _rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    for revive in (0.0, 0.9):
        book = _book(revive)
        torch.manual_seed(5 + rank)
        for parts in _parts():
            book(parts[rank])
        torch.save(book.state_dict(), f"{folder}/{rank}-{revive}.pt")
    torch.distributed.destroy_process_group()


def test_ranks_with_different_numbers_of_tokens_have_one_codebook(tmp_path):
    multiprocessing.spawn(_rank, (str(tmp_path),), nprocs=2)
    for revive in (0.0, 0.9):
        one, two = (torch.load(tmp_path / f"{rank}-{revive}.pt", weights_only=True) for rank in range(2))
        assert all(torch.equal(one[name], two[name]) for name in one)
        alone = _book(revive)
        for parts in _parts():
            alone(torch.cat(parts, 1))
        # Which tokens revive entries is chance; without that, two ranks are one process.
        same = all(torch.allclose(one[name], held, atol=1e-6) for name, held in alone.state_dict().items())
        assert same == (revive == 0)
