"""Exported models: transformers and diffusers load them, and they say the same there; what has no class is said."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("diffusers")

from click.testing import CliRunner  # noqa: E402

from limner.cli.main import limner  # noqa: E402
from limner.errors import LimnerError  # noqa: E402
from limner.models import saved  # noqa: E402
from limner.models.backbone import HubBackbone  # noqa: E402
from limner.models.composed import Composition, Pictures, composed, image_tokenizer  # noqa: E402
from limner.models.decoder import DecoderSettings  # noqa: E402
from limner.models.decoding import Control, write  # noqa: E402
from limner.models.dit import DiT, DiTSettings  # noqa: E402
from limner.models.export import export  # noqa: E402
from limner.models.interleaved import Interleaved, Marks  # noqa: E402
from limner.models.positions import Rotary  # noqa: E402
from limner.models.reader import Reading  # noqa: E402
from limner.models.sampling_text import Draw  # noqa: E402
from limner.models.saved import Trained  # noqa: E402
from limner.models.sequence import Sequence, collate, words  # noqa: E402
from limner.models.tokenizers import BlockSettings  # noqa: E402
from limner.models.vocabulary import Vocabulary  # noqa: E402

TEXTS = ["A capped cylinder scatters neutrons.", "The core of a sphere, and a shell about it.", "Neutrons, spheres, cylinders."]
PICTURES = Pictures("codes", 16, 32, 4, BlockSettings(width=32, depth=1, heads=2, patch=8))
torch.set_num_threads(1)


def trained(head: Any = "codes", **decoder: Any) -> Trained:
    """A model that has not learnt, its weights large, so that what it says depends on what it read."""
    torch.manual_seed(0)
    vocabulary = Vocabulary.learnt(TEXTS, 290)
    made = Composition(
        PICTURES, DecoderSettings(width=32, layers=2, heads=4, key_heads=2, hidden=48, **decoder), head, 290, head_width=32, head_depth=1
    )  # fmt: skip
    tokenizer = image_tokenizer(PICTURES).eval()
    model = composed(made, vocabulary.size, vocabulary.marks, tokenizer)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3) if weight.dim() == 2 else torch.nn.init.uniform_(weight, 0.5, 1.5)
    return Trained(model.eval(), vocabulary, tokenizer, made, Reading(side=16))


def picture(model: Interleaved) -> Any:
    return model.image.read(np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3))  # type: ignore[union-attr,operator]


@pytest.mark.parametrize(("normed", "name"), [(True, "Qwen3ForCausalLM"), (False, "LlamaForCausalLM")])
def test_transformers_loads_a_decoder_and_it_says_the_same(tmp_path: Path, normed: bool, name: str):
    own = trained(normed=normed, rotary=Rotary(base=500.0))
    assert export(own, tmp_path / "out").loads == f"transformers.{name}"
    peer = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert type(peer).__name__ == name
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    said = own.vocabulary.encode(TEXTS[1])
    assert tokenizer(TEXTS[1]).input_ids == [own.vocabulary.marks.start, *said]
    pieces = (words([own.vocabulary.marks.start, *said, own.vocabulary.marks.image]), picture(own.model), words(said[:3]))
    batch = collate([Sequence(pieces)])
    with torch.no_grad():
        mine, theirs = own.model.logits(own.model.states(batch)), peer(batch.ids_T[None]).logits[0]
    assert mine.shape == theirs.shape
    assert torch.allclose(mine, theirs, atol=1e-4)


def test_transformers_writes_the_text_that_limner_writes(tmp_path: Path):
    own = trained()
    export(own, tmp_path / "out")
    peer = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out", padding_side="left")
    asked = tokenizer(TEXTS, return_tensors="pt", padding=True)
    there = peer.generate(**asked, max_new_tokens=20, do_sample=False)[:, asked.input_ids.shape[1] :]
    prompts = [Sequence((words(tokenizer(text).input_ids),)) for text in TEXTS]
    here: list[list[int]] = [[], [], []]
    for part in write(own.model, prompts, Control(tokens=20, draw=Draw(temperature=0.0), most=0)):
        here[part.sequence] += part.ids
    texts = tokenizer.batch_decode(there, skip_special_tokens=True)
    assert texts == [own.vocabulary.decode(ids) for ids in here]
    assert len(set(texts)) > 1


def test_codes_have_names_in_the_tokenizer(tmp_path: Path):
    own = trained()
    export(own, tmp_path / "out")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    ids = picture(own.model).ids
    shown = "".join(f"<|code:{i - own.vocabulary.size}|>" for i in ids)
    assert tokenizer(shown, add_special_tokens=False).input_ids == ids.tolist()
    assert len(tokenizer) == own.vocabulary.size + PICTURES.entries
    assert {p.name for p in (tmp_path / "out" / "image").iterdir()} == {"model.safetensors", "config.json"}


@pytest.mark.parametrize(
    ("head", "decoder", "said"),
    [
        ("codes", {"rotary": Rotary("interleaved")}, "positions"),
        ("codes", {"copies": 2}, "2 sets of weights"),
        ("flow", {}, "FlowHead"),
    ],
)
def test_what_has_no_class_is_said_and_written_so_that_limner_runs_it(tmp_path: Path, head: str, decoder: Any, said: str):
    own = trained(head, **decoder)
    outcome = export(own, tmp_path / "out", about="# A model of tests\n\nIt knows nothing.")
    assert not outcome.loads
    assert said in str(outcome)
    card = (tmp_path / "out" / "README.md").read_text()
    assert said in card
    assert "\n### A model of tests" in card
    again = saved.load(tmp_path / "out")
    for a, b in zip(own.model.state_dict().values(), again.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def hub() -> Any:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=99, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4
    )
    return transformers.LlamaForCausalLM(config).eval()


@pytest.mark.parametrize("tuned", [False, True])
def test_a_model_of_transformers_is_saved_as_its_own(tmp_path: Path, tuned: bool):
    hub().save_pretrained(tmp_path / "base")
    backbone = HubBackbone(transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base"))
    if tuned:
        backbone.lora(2)
        for name, weight in backbone.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(weight, std=0.3)
    model = Interleaved(backbone, None, Marks(0, 1, -1)).eval()
    batch = collate([Sequence((words(range(3, 20)),))])
    with torch.no_grad():
        mine = model.logits(model.states(batch))
    assert export(model, tmp_path / "out").loads == "transformers.LlamaForCausalLM"
    peer = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    with torch.no_grad():
        assert torch.allclose(mine, peer(batch.ids_T[None]).logits[0], atol=1e-4)
        assert torch.allclose(mine, model.logits(model.states(batch)))  # the model itself is as it was
    assert str(tmp_path) not in "".join(p.read_text() for p in (tmp_path / "out").glob("*.json"))


def test_diffusers_loads_a_diffusion_transformer(tmp_path: Path):
    from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel

    torch.manual_seed(0)
    own = DiT(DiTSettings(channels=3, patch=2, side=8, width=32, heads=4, depth=2, text=12)).eval()
    for weight in own.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    assert export(own, tmp_path / "out").loads == "diffusers.PixArtTransformer2DModel"
    peer: Any = PixArtTransformer2DModel.from_pretrained(tmp_path / "out")
    x, time, text, mask = torch.randn(2, 3, 8, 8), torch.tensor([3.0, 700.0]), torch.randn(2, 5, 12), torch.ones(2, 5)
    with torch.no_grad():
        theirs = peer(x, encoder_hidden_states=text, timestep=time, encoder_attention_mask=mask).sample
        assert torch.allclose(own(x, time, text, mask.bool()), theirs, atol=1e-4)
    said = export(DiT(DiTSettings(3, 2, 8, 32, 4, 1, 12, modulation="block", classes=3)), tmp_path / "block")
    assert not said.loads
    assert "is told classes" in str(said)


def test_a_painter_is_a_transformer_of_diffusers_and_an_autoencoder(tmp_path: Path):
    from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel

    from limner.models.paint.autoencoder import CompressionSettings, compressing
    from limner.models.paint.painter import Drawing, save

    small = CompressionSettings(16, 4, 8, (8, 8, 8, 8), (1, 1, 1), (1, 1, 1))
    dit = DiT(DiTSettings(channels=4, patch=1, side=2, width=32, heads=4, depth=1, text=12))
    save(tmp_path / "painter.safetensors", compressing(small), small, dit, Drawing((0.0,) * 4, (1.0,) * 4))
    done = CliRunner().invoke(limner, ["export", str(tmp_path / "painter.safetensors"), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "diffusers.PixArtTransformer2DModel.from_pretrained" in done.output
    peer: Any = PixArtTransformer2DModel.from_pretrained(tmp_path / "out", subfolder="transformer")
    assert torch.allclose(peer.pos_embed.proj.weight, dit.embed.weight, atol=1e-3)  # a painter's file is in half precision
    assert json.loads((tmp_path / "out/autoencoder/config.json").read_text())["settings"]["side"] == 16
    assert 'subfolder="transformer"' in (tmp_path / "out/README.md").read_text()


def test_the_command_exports_a_run(tmp_path: Path):
    saved.save(trained(), tmp_path / "run", "# Of a run\n")

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(limner, ["export", *arguments])

    done = run(str(tmp_path / "run"), "-o", str(tmp_path / "out"), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["loads"] == "transformers.Qwen3ForCausalLM"
    assert "Of a run" in (tmp_path / "out" / "README.md").read_text()
    again = run(str(tmp_path / "run"), "-o", str(tmp_path / "out"))
    assert isinstance(again.exception, LimnerError)
    assert "holds something already" in str(again.exception)
    nothing = run(str(tmp_path), "-o", str(tmp_path / "other"))
    assert isinstance(nothing.exception, LimnerError)
    assert "has no trained model" in str(nothing.exception)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "run"]
