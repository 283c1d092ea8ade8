"""Classifier-free guidance: 1 is none, several conditions add up as the papers say."""

from __future__ import annotations

import pytest
import torch

from limner.errors import LimnerError
from limner.models.guidance import combined, guided, rescaled

X, TIME = torch.arange(6.0).view(2, 3), torch.tensor([10.0, 20.0])


def predict(x: torch.Tensor, time: torch.Tensor, condition: float) -> torch.Tensor:
    return x * condition**2 + time[:, None] * condition


@pytest.mark.parametrize("conditions", [[0.0, 2.0], [0.0, 1.0, 2.0]])
def test_guidance_of_one_is_none_and_asks_once(conditions):
    asked = []

    def counted(x, time, condition):
        asked.append(condition)
        return predict(x, time, condition)

    led = guided(counted, conditions, [1.0] * (len(conditions) - 1))(X, TIME)
    assert torch.equal(led, predict(X, TIME, conditions[-1]))
    assert asked == conditions[-1:]


def test_one_condition():
    nothing, told = predict(X, TIME, 0.5), predict(X, TIME, 2.0)
    assert guided(predict, [0.5, 2.0], [3.0])(X, TIME).allclose(nothing + 3 * (told - nothing))
    assert combined([nothing, told], [3.0]).allclose(nothing + 3 * (told - nothing))


def test_an_image_and_a_text():
    """InstructPix2Pix, equation 3."""
    nothing, image, both = (predict(X, TIME, c) for c in (0.5, 1.0, 2.0))
    wanted = nothing + 1.5 * (image - nothing) + 7.5 * (both - image)
    assert guided(predict, [0.5, 1.0, 2.0], [1.5, 7.5])(X, TIME).allclose(wanted)
    assert combined([nothing, image, both], [1.5, 7.5]).allclose(wanted)


def test_conditions_by_themselves():
    nothing, one, two = (predict(X, TIME, c) for c in (0.5, 1.0, 2.0))
    wanted = nothing + 2 * (one - nothing) + 3 * (two - nothing)
    assert guided(predict, [0.5, 1.0, 2.0], [2.0, 3.0], "composed")(X, TIME).allclose(wanted)
    assert combined([nothing, one, two], [2.0, 3.0], "composed").allclose(wanted)


def test_the_spread_comes_back():
    torch.manual_seed(0)
    plain, led = torch.randn(2, 3, 4, 4), 5 * torch.randn(2, 3, 4, 4)
    assert rescaled(led, plain, 1.0).flatten(1).std(1).allclose(plain.flatten(1).std(1))
    assert torch.equal(rescaled(led, plain, 0.0), led)


def test_a_wrong_number_is_said():
    with pytest.raises(LimnerError, match="2 conditions"):
        guided(predict, [1.0], [2.0])
    with pytest.raises(LimnerError, match="there are 1"):
        combined([X], [2.0])
