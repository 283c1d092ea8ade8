"""How models of transformers write an image among words: which tokens open and close it, what its codes are, how they become pixels.

Chameleon and Anole (Chameleon Team 2024, Chern et al. 2024): a fixed number of codes, which are tokens of the vocabulary, between two marks.
Janus (Wu et al. 2024, Chen et al. 2025): a fixed number of codes with a head and embeddings of their own.
Emu3 (Wang et al. 2024): marks that say how many rows and columns follow, codes that are tokens of the vocabulary, a mark after each row.

B rows, D model width, V vocabulary, K codes, C channels, R pixel rows, S pixel columns.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from limner.experts.device import transformers_for
from limner.experts.language_vision import weighed


class Blocks:
    """What the families have in common, as Chameleon has it: codes are tokens of the vocabulary, between two marks."""

    writes = True
    """Whether the checkpoint can make pixels of codes at all."""

    def __init__(self, model: Any, processor: Any) -> None:
        self._torch: Any = importlib.import_module("torch")
        self.model, self.processor, self.tokenizer = model, processor, processor.tokenizer
        model.model.vqmodel.float()  # the nearest of thousands of codes, and pixels, want more than bfloat16
        number = self.tokenizer.convert_tokens_to_ids
        self.begin: int = number(processor.image_start_token)
        self.close: int = number(processor.image_end_token)
        self.stand_in: int = model.config.image_token_id
        """The token that holds the place of an image that is read."""
        self.opening: tuple[int, ...] = (self.begin,)
        """What is run before the first code."""
        self.codes_as_tokens: Any = self._tokens_of_codes()
        self.count: int = self._count()
        """Codes of an image."""
        self.silent: Any = self._torch.tensor([*self._marks(), self.close, self.stand_in, *self.codes_as_tokens.tolist()])
        """Tokens that no text has."""

    def _tokens_of_codes(self) -> Any:
        return self.model.model.vocabulary_mapping.img2bpe_mapping_tensor.long()

    def _count(self) -> int:
        vq = self.model.config.vq_config
        return (vq.resolution // 2 ** (len(vq.channel_multiplier) - 1)) ** 2

    def _marks(self) -> tuple[int, ...]:
        """Further tokens that stand inside images only."""
        return ()

    @property
    def inner(self) -> Any:
        """The module that turns embeddings into states."""
        return self.model.model

    @property
    def length(self) -> int:
        """Tokens of an image with all its marks."""
        return len(self.opening) + sum(1 + len(self.after(number)) for number in range(1, self.count + 1))

    def after(self, number: int) -> tuple[int, ...]:
        """The marks after the code of that number, counted from one."""
        return (self.close,) if number == self.count else ()

    def embed(self, ids: Sequence[int]) -> Any:
        """Vectors of tokens, L x D."""
        table = self.model.get_input_embeddings()
        return table(self._torch.tensor(list(ids), dtype=self._torch.long, device=table.weight.device))

    def embed_code(self, code: int) -> Any:
        """The vector of a code, 1 x D."""
        return self.embed([int(self.codes_as_tokens[code])])

    def words(self, states_BD: Any) -> Any:
        """Logits of the next token of text, B x V; what no text has is ruled out."""
        logits_BV = self.model.lm_head(states_BD).float()
        logits_BV[:, self.silent.to(logits_BV.device)] = -self._torch.inf
        return logits_BV

    def codes(self, states_BD: Any) -> Any:
        """Logits of the next code, B x K."""
        return self.model.lm_head(states_BD).float()[:, self.codes_as_tokens.to(states_BD.device)]

    def prompt(self, inputs: Any) -> Any:
        """Vectors of one prompt, L x D: its tokens, and where images stand what the model makes of them."""
        ids_L = inputs["input_ids"][0].to(self.model.device)
        x_LD = self.embed(ids_L.tolist())
        if "pixel_values" in inputs:
            found = self.model.model.get_image_features(**self._seen(inputs), return_dict=True).pooler_output
            features_ID = self._torch.cat([image.reshape(-1, x_LD.shape[-1]) for image in found]).to(x_LD)
            x_LD = x_LD.masked_scatter((ids_L == self.stand_in)[:, None], features_ID)
        return x_LD

    def _seen(self, inputs: Any) -> dict[str, Any]:
        return {"pixel_values": inputs["pixel_values"].to(self.model.device, self._torch.float32)}

    def bare(self, context: Sequence[int]) -> list[int]:
        """What stands for `context` (its end is the opening of an image) where an image is drawn without being asked for."""
        start = self.tokenizer.bos_token_id
        return [*([] if start is None else [start]), *self.opening]

    def pixels(self, codes: Sequence[int]) -> Any:
        """The picture of an image's codes, R x S x C bytes."""
        image_CRS = self._decoded(self._torch.tensor([list(codes)], device=self.model.device))[0]
        seen = self.processor.image_processor
        mean, spread = (self._torch.tensor(v, device=image_CRS.device)[:, None, None] for v in (seen.image_mean, seen.image_std))
        image_CRS = ((image_CRS.float() * spread + mean) / seen.rescale_factor).nan_to_num().round().clip(0, 255)
        return image_CRS.permute(1, 2, 0).to(self._torch.uint8).cpu().numpy()

    def _decoded(self, codes_BK: Any) -> Any:
        vq = self.model.model.vqmodel
        side = round(self.count**0.5)
        return vq.decoder(vq.post_quant_conv(vq.quantize.embedding(codes_BK).unflatten(1, (side, side)).permute(0, 3, 1, 2)))


class Chameleon(Blocks):
    """Chameleon, and Anole, which is Chameleon with its decoder of images; Meta's own checkpoints lack it and write text only."""

    def __init__(self, model: Any, processor: Any) -> None:
        super().__init__(model, processor)
        self.writes = hasattr(model.model.vqmodel, "decoder")


class Janus(Blocks):
    """Janus and Janus-Pro."""

    def _tokens_of_codes(self) -> Any:
        return self._torch.tensor([], dtype=self._torch.long)

    def _count(self) -> int:
        return self.model.model.vqmodel.config.num_patches**2

    @property
    def inner(self) -> Any:
        return self.model.model.language_model

    def embed_code(self, code: int) -> Any:
        return self.model.prepare_embeddings_for_image_generation(self._torch.tensor([code], device=self.model.device))

    def codes(self, states_BD: Any) -> Any:
        return self.model.model.generation_head(states_BD).float()

    def _seen(self, inputs: Any) -> dict[str, Any]:
        return {"pixel_values": inputs["pixel_values"].to(self.model.device, self.model.lm_head.weight.dtype)}

    def bare(self, context: Sequence[int]) -> list[int]:
        """As the model was trained: the words are empty places, not gone."""
        kept = {self.tokenizer.bos_token_id, self.begin}
        return [token if token in kept else self.tokenizer.pad_token_id for token in context]

    def _decoded(self, codes_BK: Any) -> Any:
        return self.model.decode_image_tokens(codes_BK).permute(0, 3, 1, 2)


class Emu3(Blocks):
    """Emu3-Gen, and Emu3-Chat as far as it writes images. An image has as many rows and columns as the processor gives one to be made, and no
    more pixels than it lets one have that is read."""

    def __init__(self, model: Any, processor: Any) -> None:
        area = min(processor.image_area, processor.image_processor.max_pixels)
        self._rows, self._columns = processor.calculate_generate_size(processor.ratio, area, processor.downsample_ratio)
        super().__init__(model, processor)
        said = f"{processor.image_start_token}{self._rows}*{self._columns}{processor.fake_token_around_image}"
        self.opening = tuple(self.tokenizer.encode(said, add_special_tokens=False))

    def _count(self) -> int:
        return self._rows * self._columns

    def _marks(self) -> tuple[int, ...]:
        number = self.tokenizer.convert_tokens_to_ids
        self._line: int = self.model.model.vocabulary_mapping.eol_token_id
        self._last: int = number(self.processor.eof_token)
        return self._line, self._last, number(self.processor.fake_token_around_image)

    @property
    def inner(self) -> Any:
        return self.model.model.text_model

    def after(self, number: int) -> tuple[int, ...]:
        line = () if number % self._columns else (self._line,)
        return (*line, self._last, self.close) if number == self.count else line

    def _seen(self, inputs: Any) -> dict[str, Any]:
        return {**super()._seen(inputs), "image_sizes": inputs["image_sizes"].tolist()}

    def _decoded(self, codes_BK: Any) -> Any:
        tokens_BRS = self.codes_as_tokens.to(codes_BK.device)[codes_BK].unflatten(1, (self._rows, self._columns))
        lines_BL = self._torch.nn.functional.pad(tokens_BRS, (0, 1), value=self._line).flatten(1)
        ended_BL = self._torch.nn.functional.pad(lines_BL, (0, 3), value=self._last)  # the method drops the last three
        return self.model.decode_image_tokens(image_tokens=ended_BL, height=self._rows, width=self._columns)


FAMILIES: dict[str, type[Blocks]] = {"chameleon": Chameleon, "janus": Janus, "emu3": Emu3}
"""By the `model_type` of a configuration."""


def model_of(where: str, config: Any, address: str) -> Any:
    """The model of a name or folder, with all that it needs to write images."""
    transformers = transformers_for(f"the language model {address}")
    if config.model_type != "chameleon":
        return weighed(transformers.AutoModelForImageTextToText, where, address)[0]
    decoder = "model.vqmodel.decoder."
    model, missing = weighed(chameleon(transformers), where, address, spare=decoder)
    vq = model.model.vqmodel
    if any(key.startswith(decoder) for key in missing):
        del vq.decoder
    else:
        vq.decoder.up = vq.decoder.up[::-1]
    return model


def chameleon(transformers: Any) -> Any:
    """Transformers' Chameleon with the decoder of its VQGAN, which that leaves out. It is the decoder of Esser et al. 2021, as Janus has it, but
    for attention between its levels, which Chameleon has where its encoder has; checkpoints count the levels from the finest."""
    janus: Any = importlib.import_module("transformers.models.janus.modeling_janus")
    modules: Any = importlib.import_module("torch.nn")

    class Chameleon(transformers.ChameleonForConditionalGeneration):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            vq = config.vq_config
            names = ("base_channels", "channel_multiplier", "num_res_blocks", "latent_channels", "embed_dim", "dropout")
            settings = transformers.models.janus.JanusVQVAEConfig(
                **{name: getattr(vq, name) for name in names}, out_channels=vq.in_channels
            )
            decoder = janus.JanusVQVAEDecoder(settings)
            if vq.resolution // 2 ** (len(vq.channel_multiplier) - 1) not in (vq.attn_resolutions or ()):
                for level in decoder.up:
                    level.attn = modules.ModuleList()
            decoder.up = decoder.up[::-1]
            self.model.vqmodel.decoder = decoder

    return Chameleon
