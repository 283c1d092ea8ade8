"""Tiny checkpoints in the layout of Hugging Face transformers, made by the tests that load them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

CHAT = "{% for m in messages %}<{{ m.role }}> {{ m.content }} {% endfor %}{% if add_generation_prompt %}<assistant> {% endif %}"


def tokenizer(folder: Path, words: str = "", context: int = 256) -> int:
    """A tokenizer of bytes (and of `words`) in `folder`; returns how many tokens it has."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<pad>", "<end>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    made.train_from_iterator([words] * 4, trainer)
    wrapped = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="<end>", model_max_length=context
    )
    wrapped.chat_template = CHAT
    wrapped.save_pretrained(folder)
    return len(wrapped)


def llama(folder: Path, seed: int = 0, context: int = 256) -> Path:
    """A random Llama of two layers with its tokenizer."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    size = tokenizer(folder, "the crop tool removes the outer parts of an image", context)
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=context, pad_token_id=0, eos_token_id=1, bos_token_id=None,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def whisper(folder: Path, spoken: dict[str, object], steps: int = 60) -> Path:
    """A Whisper of one layer that has learned what is said in a few recordings (16 kHz, each said from 0 to 2 s), with its tokenizer and
    what turns sound into its input."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    languages = ["<|en|>", "<|fr|>"]
    marks = [
        "<|startoftranscript|>",
        *languages,
        "<|translate|>",
        "<|transcribe|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
    ]
    made = Tokenizer(models.BPE({letter: at for at, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, []))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    made.add_special_tokens(["<|endoftext|>", *marks])
    made.add_tokens([AddedToken(f"<|{i * 0.02:.2f}|>", special=False) for i in range(1501)])
    tokenizer = transformers.WhisperTokenizerFast(
        tokenizer_object=made, unk_token="<|endoftext|>", bos_token="<|endoftext|>", eos_token="<|endoftext|>"
    )
    extractor = transformers.WhisperFeatureExtractor(feature_size=80, chunk_length=4)
    transformers.WhisperProcessor(extractor, tokenizer).save_pretrained(folder)

    def number(token: str) -> int:
        return tokenizer.convert_tokens_to_ids(token)

    end, start = number("<|endoftext|>"), number("<|startoftranscript|>")
    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, max_source_positions=200, max_target_positions=64,
        decoder_start_token_id=start,
        bos_token_id=end, eos_token_id=end, pad_token_id=end, suppress_tokens=[], begin_suppress_tokens=[],
    )  # fmt: skip
    model = transformers.WhisperForConditionalGeneration(config)
    features = extractor(list(spoken.values()), sampling_rate=16_000, return_tensors="pt").input_features
    rows = [
        [start, number("<|en|>"), number("<|transcribe|>"), number("<|0.00|>"), *tokenizer(text, add_special_tokens=False).input_ids,
         number("<|2.00|>"), end]
        for text in spoken
    ]  # fmt: skip
    longest = max(map(len, rows))
    given = torch.tensor([row + [end] * (longest - len(row)) for row in rows])
    wanted = torch.tensor([row[1:] + [end] + [-100] * (longest - len(row)) for row in rows])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(steps):
        loss = model(input_features=features, decoder_input_ids=given, labels=wanted).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    # What published Whisper checkpoints have in this file, and transformers does not write for a model made here.
    known = {
        "is_multilingual": True, "no_timestamps_token_id": number("<|notimestamps|>"), "lang_to_id": {t: number(t) for t in languages},
        "task_to_id": {task: number(f"<|{task}|>") for task in ("translate", "transcribe")}, "decoder_start_token_id": start,
        "prev_sot_token_id": number("<|startofprev|>"), "eos_token_id": end, "pad_token_id": end, "bos_token_id": end, "max_length": 64,
        "suppress_tokens": [], "begin_suppress_tokens": [],
    }  # fmt: skip
    (folder / "generation_config.json").write_text(json.dumps(known))
    return folder


def diffusion(folder: Path) -> Path:
    """A random text-to-image pipeline of diffusers, of one block."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    diffusers = pytest.importorskip("diffusers")
    torch.manual_seed(0)
    letters = folder / "letters"
    letters.mkdir()
    units = [letter + end for letter in "abcdefghijklmnopqrstuvwxyz" for end in ("", "</w>")] + [
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    (letters / "vocab.json").write_text(json.dumps({unit: at for at, unit in enumerate(units)}))
    (letters / "merges.txt").write_text("#version: 0.2\n")
    words = transformers.CLIPTokenizer(str(letters / "vocab.json"), str(letters / "merges.txt"), model_max_length=77)
    text = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            vocab_size=len(units), hidden_size=32, intermediate_size=37, num_attention_heads=4, num_hidden_layers=1,
            bos_token_id=len(units) - 2, eos_token_id=len(units) - 1, pad_token_id=len(units) - 1,
        )
    )  # fmt: skip
    network = diffusers.UNet2DConditionModel(
        block_out_channels=(8, 16), layers_per_block=1, sample_size=16, in_channels=4, out_channels=4, norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32, attention_head_dim=4,
    )  # fmt: skip
    pixels = diffusers.AutoencoderKL(
        block_out_channels=(8, 8), norm_num_groups=4, in_channels=3, out_channels=3, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip
    diffusers.StableDiffusionPipeline(
        vae=pixels, text_encoder=text, tokenizer=words, unet=network,
        scheduler=diffusers.DDIMScheduler(num_train_timesteps=60, clip_sample=False, steps_offset=1),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(folder / "pipeline")  # fmt: skip
    return folder / "pipeline"
