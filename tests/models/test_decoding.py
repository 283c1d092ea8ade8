"""The loop that writes text and images in turn."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from limner.errors import LimnerError  # noqa: E402
from limner.models.backbone import HubBackbone  # noqa: E402
from limner.models.decoder import Decoder, DecoderSettings  # noqa: E402
from limner.models.decoding import Control, Written, write  # noqa: E402
from limner.models.heads.codes import CodesHead  # noqa: E402
from limner.models.interleaved import Interleaved, Marks  # noqa: E402
from limner.models.positions import Rotary  # noqa: E402
from limner.models.sampling_text import Draw, draw  # noqa: E402
from limner.models.sequence import Sequence, collate, words  # noqa: E402

WORDS, CODES = 40, 16
MARKS = Marks(start=0, end=1, image=2)
GREEDY = Draw(temperature=0.0)


class Greys:
    """A picture as grey levels of blocks of 4 x 4 pixels: codes that mean something."""

    entries = CODES

    def encoded(self, pixels: Any) -> Any:
        rows, columns = pixels.shape[0] // 4, pixels.shape[1] // 4
        blocks = pixels[: rows * 4, : columns * 4].mean(2).reshape(rows, 4, columns, 4).mean((1, 3))
        return (blocks // 16).astype(np.int64)

    def decoded(self, codes: Any) -> Any:
        return np.repeat(np.kron(codes * 16 + 8, np.ones((4, 4), int)).astype(np.uint8)[..., None], 3, 2)


@pytest.fixture(scope="module")
def model() -> Interleaved:
    torch.manual_seed(0)
    backbone = Decoder(DecoderSettings(width=32, layers=2, heads=4, key_heads=2, hidden=48, rotary=Rotary("interleaved")))
    made = Interleaved(backbone, CodesHead(Greys(), WORDS, (2, 3)), MARKS, WORDS + CODES)
    for weight in made.parameters():  # so that what it says depends on what it read
        torch.nn.init.normal_(weight, std=0.4) if weight.dim() == 2 else None
    return made.eval()


def prompt(*ids: int) -> Sequence:
    return Sequence((words([MARKS.start, *ids]),))


def flat(parts: list[Written], number: int = 0) -> list[Any]:
    return [p.ids or ("end" if p.ended else p.piece.ids.tolist()) for p in parts if p.sequence == number]  # type: ignore[union-attr]


def test_an_image_comes_where_it_is_asked_for_and_text_goes_on_after_it(model: Interleaved):
    found = list(write(model, [prompt(5, 6)], Control(tokens=9, at=(4,), most=1, least=1, draw=GREEDY, image_draw=GREEDY)))
    assert [bool(p.ids) for p in found] == [True, False, True, False]
    assert len(found[0].ids) == 4
    assert found[1].image is not None
    assert found[1].image.shape == (8, 12, 3)
    assert found[-1].ended
    assert all(i < WORDS and i not in (MARKS.start, MARKS.image) for part in found for i in part.ids)


def test_what_is_written_is_what_the_model_says_of_the_whole_sequence_at_once(model: Interleaved):
    """With the cache as without it: the whole written sequence, run in one pass, has each token as its likeliest."""
    found = list(write(model, [prompt(5, 6)], Control(tokens=8, at=(3,), least=1, most=1, draw=GREEDY, image_draw=GREEDY)))
    first, image, second = found[0], found[1], found[2]
    assert image.piece is not None
    pieces = (*prompt(5, 6).pieces, words(first.ids), words([MARKS.image]), image.piece, words(second.ids))
    batch = collate([Sequence(pieces)])
    with torch.no_grad():
        logits = model.logits(model.states(batch))
    start = 3
    for at, token in [*enumerate(first.ids, start), *enumerate(second.ids, start + len(first.ids) + 7)]:
        told = logits[at - 1, :WORDS].clone()
        told[[MARKS.start, MARKS.image] + ([MARKS.end] if at < start + len(first.ids) else [])] = -torch.inf
        assert int(told.argmax()) == token
    at = start + len(first.ids) + 1
    assert [int(logits[at - 1 + i, WORDS:].argmax()) + WORDS for i in range(6)] == image.piece.ids.tolist()


@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_prompts_of_different_shapes_side_by_side_are_as_each_by_itself(model: Interleaved, guidance: float):
    picture = model.image.read(np.full((8, 8, 3), 90, np.uint8))  # type: ignore[union-attr,operator]
    prompts = [prompt(5), prompt(*range(3, 30)), Sequence((*prompt(7).pieces, words([MARKS.image]), picture, words([9])))]
    controls = [
        Control(
            tokens=6, at=(2,), least=1, most=1, text_guidance=guidance, seed=i, draw=Draw(top_p=0.9), image_draw=Draw(top_k=8)
        )
        for i in range(3)
    ]
    together = list(write(model, prompts, controls))
    for i in range(3):
        assert flat(together, i) == flat(list(write(model, prompts[i : i + 1], controls[i : i + 1])))


def test_guidance_of_one_is_none_and_more_of_it_is_not(model: Interleaved):
    asked = Control(tokens=3, at=(1,), least=1, most=1, seed=3)
    plain = flat(list(write(model, [prompt(5, 6, 7)], asked)))
    assert flat(list(write(model, [prompt(5, 6, 7)], replace(asked, text_guidance=1.0, image_guidance=1.0)))) == plain
    assert flat(list(write(model, [prompt(5, 6, 7)], replace(asked, text_guidance=9.0)))) != plain


def test_never_more_images_than_are_allowed_and_never_close_together(model: Interleaved):
    for seed in range(5):
        found = list(write(model, [prompt(5)], Control(tokens=60, most=2, apart=5, seed=seed, draw=Draw(temperature=3.0))))
        images = [n for n, p in enumerate(found) if p.image is not None]
        assert len(images) <= 2
        assert all(len(found[n - 1].ids) >= 5 for n in images[1:])


def test_the_same_seed_writes_the_same(model: Interleaved):
    asked = Control(tokens=20, seed=4)
    assert flat(list(write(model, [prompt(5)], asked))) == flat(list(write(model, [prompt(5)], asked)))


def test_parts_come_while_others_are_still_written(model: Interleaved):
    controls = [Control(tokens=2, most=0, draw=GREEDY), Control(tokens=40, most=0, draw=Draw(temperature=2.0, top_k=3))]
    events = write(model, [prompt(5), prompt(6)], controls)
    assert next(events).sequence == 0


def test_a_model_of_transformers_writes_as_its_own_generate_does():
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        vocab_size=WORDS, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        eos_token_id=MARKS.end, bos_token_id=MARKS.start, initializer_range=0.4,
    )  # fmt: skip
    hub = transformers.LlamaForCausalLM(config).eval()
    ids = [[0, 5, 6], [0, *range(9, 25)]]
    asked: dict[str, Any] = {"max_new_tokens": 12, "do_sample": False, "bad_words_ids": [[0]], "pad_token_id": MARKS.end}
    true = [hub.generate(torch.tensor([i]), attention_mask=torch.ones(1, len(i)), **asked)[0, len(i) :].tolist() for i in ids]
    model = Interleaved(HubBackbone(hub), None, replace(MARKS, image=-1))
    found = list(write(model, [Sequence((words(i),)) for i in ids], Control(tokens=12, draw=GREEDY)))
    for n, t in enumerate(true):
        said = [i for p in found if p.sequence == n for i in p.ids]
        assert said == [i for i in t if i != MARKS.end]


def test_an_empty_prompt_is_said_to_be_one(model: Interleaved):
    with pytest.raises(LimnerError, match="the prompt is empty"):
        list(write(model, [Sequence(())]))


def test_the_nucleus_keeps_the_token_that_passes_it():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    chance = torch.Generator().manual_seed(0)
    assert {draw(logits, Draw(top_p=0.6), chance) for _ in range(200)} == {0, 1}
    assert {draw(logits, Draw(top_k=3), chance) for _ in range(300)} == {0, 1, 2}
    assert draw(logits, Draw(temperature=0, repetition=3.0), chance, said=[0]) == 1
