"""An encoder-decoder of image tokens: what comes later is not seen, the cache changes nothing, guidance 1 is none, it learns a text's image."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from limner.errors import LimnerError
from limner.models.seq2seq import Seq2Seq, Seq2SeqSettings, code_losses, draw_codes
from limner.models.tokenizers import Text

torch.set_num_threads(1)

BOOKS = {"one": (11,), "bits": (2,) * 5, "two": (3, 7)}


def model(books: tuple[int, ...], **given: int) -> Seq2Seq:
    torch.manual_seed(0)
    return Seq2Seq(
        Seq2SeqSettings(width=24, heads=2, encoder=1, decoder=2, text=6, books=books, length=5)
        if not given
        else Seq2SeqSettings(
            **({"width": 24, "heads": 2, "encoder": 1, "decoder": 2, "text": 6, "books": books, "length": 5} | given)
        )
    )


def text(count: int, seed: int = 1) -> Text:
    return Text(
        torch.randn(count, 4, 6, generator=torch.Generator().manual_seed(seed)),
        torch.tensor([[True, True, True, False]]).expand(count, -1),
    )


def codes(count: int, books: tuple[int, ...], seed: int = 2) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randint(size, (count, 5), generator=draw) for size in books], -1)


@pytest.mark.parametrize("name", BOOKS)
def test_a_token_is_told_by_those_before_it_and_the_text_alone(name: str):
    books = BOOKS[name]
    net = model(books).eval()
    given, words = codes(3, books), text(3)
    with torch.no_grad():
        plain = net(given, words)
        changed = given.clone()
        changed[:, 2:] = (changed[:, 2:] + 1) % torch.tensor(books)
        later = net(changed, words)
        other = net(given, text(3, seed=5))
    assert torch.allclose(plain[:, :3], later[:, :3], atol=1e-6)
    assert not torch.allclose(plain[:, 3:], later[:, 3:], atol=1e-4)
    assert not torch.allclose(plain[:, :1], other[:, :1], atol=1e-4)


@pytest.mark.parametrize("name", BOOKS)
def test_drawing_with_the_cache_is_drawing_without(name: str):
    books = BOOKS[name]
    net, words = model(books).eval(), text(3)
    drawn = net.draw(words, temperature=0.0)
    found = torch.zeros_like(drawn)
    with torch.no_grad():
        for at in range(5):
            found[:, at] = draw_codes(net(found, words)[:, at : at + 1], books, 0.0)[:, 0]
    assert torch.equal(found, drawn)
    alone = torch.cat(
        [net.draw(Text(words.features_NLE[i : i + 1], words.mask_NL[i : i + 1]), temperature=0.0) for i in range(3)]
    )
    assert torch.equal(alone, drawn)


def test_guidance_of_one_is_none_and_padding_is_not_read():
    net, words = model((11,)).eval(), text(4)
    plain = net.draw(words, 1.0, chance=torch.Generator().manual_seed(0))
    padded = Text(torch.where(words.mask_NL[..., None], words.features_NLE, torch.full((), 7.0)), words.mask_NL)
    assert torch.equal(net.draw(padded, 1.0, chance=torch.Generator().manual_seed(0)), plain)
    assert torch.equal(net.draw(words, 1.0 + 1e-9, chance=torch.Generator().manual_seed(0)), plain)
    assert not torch.equal(net.draw(words, 60.0, chance=torch.Generator().manual_seed(0)), plain)


def test_no_images_have_no_losses_and_gradients_of_zero():
    net = model((3, 7)).train()
    lost = net.losses(codes(0, (3, 7)), text(0))
    assert lost.shape == (0, 5, 2)
    lost.sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in net.parameters())


def test_losses_are_those_of_each_book_by_itself():
    logits = torch.randn(2, 5, 10)
    given = codes(2, (3, 7))
    apart = [
        code_losses(logits[..., cut], given[..., g : g + 1], (size,))
        for g, (cut, size) in enumerate(((slice(0, 3), 3), (slice(3, 10), 7)))
    ]
    assert torch.allclose(code_losses(logits, given, (3, 7)), torch.cat(apart, -1))


def test_codes_are_drawn_as_likely_as_their_logits_say():
    shares = torch.tensor([0.1, 0.6, 0.3])
    drawn = draw_codes(shares.log().expand(20_000, 1, 3), (3,), chance=torch.Generator().manual_seed(0))
    assert (torch.bincount(drawn.flatten()) / 20_000 - shares).abs().max() < 0.015


def test_it_learns_which_text_has_which_image():
    books = (2,) * 4
    net = model(books).train()
    given, words = codes(6, books), text(6)
    opt = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(150):
        opt.zero_grad()
        net.losses(given, words).mean().backward()
        opt.step()
    assert torch.equal(net.eval().draw(words, temperature=0.0), given)


def test_codes_of_another_shape_and_no_codebooks_are_refused():
    with pytest.raises(LimnerError, match="tokens"):
        model((11,))(torch.zeros(1, 4, 1, dtype=torch.long), text(1))
    with pytest.raises(LimnerError, match="no codebooks"):
        model(())
