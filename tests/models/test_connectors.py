"""Connectors: each equals the public implementation on the same weights, takes zero images, and says how many tokens it makes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
import transformers

from limner.errors import LimnerError
from limner.models import idefics
from limner.models.connectors import connector
from limner.models.connectors.projection import ProjectionSettings
from limner.models.connectors.queryformer import QueryFormer, QueryFormerSettings
from limner.models.connectors.resampler import Resampler, ResamplerSettings
from limner.models.connectors.shuffle import PixelShuffle, PixelShuffleSettings, shuffled
from limner.models.connectors.tiles import TileMarkers, TileSettings, grid, tiled

EACH = {
    "linear": ProjectionSettings(12, 8),
    "mlp": ProjectionSettings(12, 8, depth=2, norm=True),
    "resampler": ResamplerSettings(12, 8, latents=5, depth=2, heads=2, head_width=4),
    "queryformer": QueryFormerSettings(12, 8, queries=5, inside=16, depth=2, heads=2, dropout=0.0),
    "shuffle": PixelShuffleSettings(12, 8, factor=2),
}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("name", EACH)
def test_it_makes_as_many_tokens_as_it_says(name: str):
    made = connector(EACH[name])
    assert made(torch.randn(3, 16, 12)).shape == (3, made.tokens(16), 8)


@pytest.mark.parametrize("name", EACH)
def test_no_images_make_no_tokens_and_gradients_of_zero(name: str):
    made = connector(EACH[name])
    out = made(torch.zeros(0, 16, 12))
    assert out.shape == (0, made.tokens(16), 8)
    out.sum().backward()
    assert all(weight.grad is not None and not weight.grad.any() for weight in made.parameters())


@pytest.mark.parametrize("name", EACH)
def test_images_do_not_see_each_other(name: str):
    made = connector(EACH[name]).eval()
    given = torch.randn(3, 16, 12)
    torch.testing.assert_close(made(given)[1:2], made(given[1:2]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", EACH)
def test_it_runs_in_half_precision(name: str):
    made = connector(EACH[name]).eval()
    given = torch.randn(2, 16, 12)
    with torch.autocast("cpu", torch.bfloat16):
        half = made(given)
    torch.testing.assert_close(half.float(), made(given), atol=0.1, rtol=0.1)


@pytest.mark.parametrize("qk_norm", [False, True])
def test_the_resampler_is_that_of_idefics(qk_norm: bool):
    from transformers.models.idefics.perceiver import IdeficsPerceiverResampler

    config = transformers.IdeficsConfig(
        vision_config={"embed_dim": 24}, perceiver_config={"qk_layer_norms_perceiver": qk_norm}, use_resampler=True
    )
    theirs = IdeficsPerceiverResampler(config, 24, depth=3, n_heads=3, head_dim=8, n_latents=7).eval()
    perturbed(theirs)
    ours = idefics.resampler(theirs)
    given = torch.randn(4, 11, 24)
    torch.testing.assert_close(ours(given), theirs(given), atol=1e-5, rtol=1e-4)


def test_what_is_masked_is_not_there():
    for made in (Resampler(EACH["resampler"]), QueryFormer(EACH["queryformer"])):
        given = torch.randn(2, 9, 12)
        mask = torch.arange(9)[None] < torch.tensor([[9], [4]])
        torch.testing.assert_close(made(given, mask)[1:], made(given[1:, :4]), atol=1e-5, rtol=1e-4)


def test_frames_have_places_in_time():
    made = Resampler(ResamplerSettings(12, 12, latents=5, depth=1, heads=2, head_width=4, frames=3))
    video = torch.randn(2, 3, 4, 12)
    assert made(video).shape == (2, 5, 12)
    assert not torch.allclose(made(video), made(video.flip(1)))
    with pytest.raises(LimnerError, match="4 frames"):
        made(torch.randn(1, 4, 4, 12))


def test_the_query_former_is_that_of_blip2():
    config = transformers.Blip2Config(
        vision_config={"hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "image_size": 28,
                       "patch_size": 14},
        qformer_config={"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 64,
                        "encoder_hidden_size": 12, "cross_attention_frequency": 2, "vocab_size": 1},
        text_config={"model_type": "opt", "hidden_size": 8, "num_hidden_layers": 1, "ffn_dim": 16, "num_attention_heads": 2,
                     "vocab_size": 32, "word_embed_proj_dim": 8},
        num_query_tokens=5,
    )  # fmt: skip
    theirs = transformers.Blip2Model(config).eval()
    perturbed(theirs)
    ours = QueryFormer(QueryFormerSettings(12, 8, queries=5, inside=16, depth=4, heads=2)).eval()
    ours.former.load_state_dict(theirs.qformer.state_dict())
    ours.queries.data.copy_(theirs.query_tokens[0])
    ours.project.load_state_dict(theirs.language_projection.state_dict())
    pixels = torch.randn(3, 3, 28, 28)
    seen = theirs.vision_model(pixel_values=pixels).last_hidden_state
    told = theirs.get_qformer_features(pixel_values=pixels)
    wanted = theirs.language_projection(getattr(told, "last_hidden_state", told))
    torch.testing.assert_close(ours(seen), wanted, atol=1e-5, rtol=1e-4)


def test_pixel_shuffle_is_that_of_idefics3():
    from transformers.models.idefics3.modeling_idefics3 import Idefics3Connector

    config = transformers.Idefics3Config(
        vision_config={"hidden_size": 12},
        text_config={"model_type": "llama", "hidden_size": 8, "num_attention_heads": 2},
        scale_factor=3,
    )
    theirs = Idefics3Connector(config)
    ours = PixelShuffle(PixelShuffleSettings(12, 8, factor=3))
    ours.project.layers[0].load_state_dict(theirs.modality_projection.proj.state_dict())
    given = torch.randn(2, 36, 12)
    torch.testing.assert_close(ours(given), theirs(given), atol=1e-5, rtol=1e-4)


def test_a_shuffled_token_has_its_square_of_patches():
    rows, columns = 4, 6
    place = torch.arange(rows * columns).view(1, -1, 1)
    first, second, *_ = shuffled(place, rows, columns, 2)[0].tolist()
    assert first == [0, 1, 6, 7]
    assert second == [2, 3, 8, 9]
    with pytest.raises(LimnerError, match="no grid"):
        shuffled(place, rows, columns, 5)


def test_grids_are_those_of_internvl():
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import get_optimal_tiled_canvas

    draw = np.random.default_rng(0)
    for height, width in draw.integers(1, 4000, (300, 2)).tolist():
        for least, most in ((1, 12), (1, 6), (4, 9)):
            wanted = get_optimal_tiled_canvas((height, width), (448, 448), least, most)
            assert grid(height, width, TileSettings(448, most, least)) == wanted[::-1], (height, width, least, most)


@pytest.mark.parametrize(
    ("height", "width", "found"),
    [(336, 336, (1, 1)), (672, 1008, (2, 3)), (672, 336, (2, 1)), (300, 3000, (1, 9)), (5000, 5000, (3, 3)), (1, 60_000, (1, 2))],
)
def test_grids_by_area(height: int, width: int, found: tuple[int, int]):
    # As many tiles as there are pixels for, one more or less where that is nearer in shape: the examples are worked out by hand.
    assert grid(height, width, TileSettings(336, 9, rule="area")) == found


def test_tiles_are_the_image_row_by_row():
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    found = tiled(image, TileSettings(side=20, most=6))
    assert (found.grid, found.thumbnail, found.pixels.shape) == ((2, 3), True, (7, 20, 20, 3))
    rows = [np.concatenate(list(found.pixels[1 + 3 * r : 4 + 3 * r]), 1) for r in range(2)]
    np.testing.assert_array_equal(np.concatenate(rows), image)


def test_a_small_image_is_one_tile():
    found = tiled(np.zeros((9, 9, 3), np.uint8), TileSettings(side=20))
    assert (found.grid, found.thumbnail, len(found.pixels)) == ((1, 1), False, 1)


def test_an_image_without_pixels_is_refused():
    with pytest.raises(LimnerError, match="no image"):
        tiled(np.zeros((0, 9, 3), np.uint8), TileSettings())


def test_markers_say_where_rows_and_columns_end():
    made = TileMarkers(1)
    made.marks.data.copy_(torch.tensor([[-1.0], [-2.0], [-3.0]]))
    tiles = torch.arange(1.0, 7).repeat_interleave(2).view(6, 2, 1)
    tokens, lengths = made(tiles, [((2, 2), True), ((1, 1), False)])
    assert tokens[:, 0].tolist() == [1, 1, -1, 2, 2, -2, 3, 3, -3, 4, 4, -2, 5, 5, -3, 6, 6, -3]
    assert lengths == (15, 3) == (made.tokens(2, (2, 2), True), made.tokens(2, (1, 1), False))
    none, lengths = made(tiles[:0], [])
    none.sum().backward()
    assert none.shape == (0, 1)
    assert lengths == ()
    with pytest.raises(LimnerError, match="6 tiles"):
        made(tiles, [((1, 1), False)])


def perturbed(module: torch.nn.Module) -> None:
    """Weights that begin at ones or zeros would hide that they are in the wrong place."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
