"""Training and decoding speed: limner's trainer against transformers' own model in a plain loop, limner's decoding against `generate`.

    python bench/train.py [--rounds 5] [--source gimp-help-en] [--kept CORPUS]

Documents are pages of the GIMP manual in English as the method `codes` reads them: words of a vocabulary learnt from them, images as 64 codes each
(of an image tokenizer that has not learnt: which codes they are does not change how fast they are trained), cut at 1,024 tokens.

*Training*: one pass over the same sequences in memory, in turns. limner: packed batches and `fit`, on the very same class of transformers
(`HubBackbone`), and its own decoder of as many weights. transformers: `LlamaForCausalLM` in a plain loop on padded batches, bucketed by length,
with no more places a batch than limner's has tokens; its attention is the faster of `sdpa` and `eager` here. Same sizes, optimizer, clipping,
precision; tokens a second are real ones, without padding. *Loader*: the share of the time of steps in which the trainer waits for batches that are
read from the corpus, images tokenized for the first time. *Waste*: what packing left empty. *Decoding*: eight prompts of different lengths,
greedy, new tokens a second, on the model that was trained and, where it is here, on SmolLM2-135M; both must write the same in single precision.

One thread; seconds are those of the processor, and by the clock beside them. Writes bench/results/train.json; exits 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import transformers

from limner import Corpus
from limner.experts.device import place
from limner.experts.language import language
from limner.experts.language_local import LocalModel
from limner.experts.weights import WEIGHTS
from limner.models.backbone import HubBackbone
from limner.models.composed import image_tokenizer
from limner.models.decoder import Decoder
from limner.models.decoding import Control, write
from limner.models.heads.codes import CodesHead, TokenizedCodes
from limner.models.interleaved import Interleaved, Marks
from limner.models.positions import Rotary
from limner.models.reader import Reader, Reading
from limner.models.sampling_text import Draw
from limner.models.sequence import Sequence as Whole
from limner.models.sequence import cut, words
from limner.models.vocabulary import Vocabulary
from limner.pipeline import build, load
from limner.recipes.methods import plain
from limner.recipes.provenance import code_hash, data_hashes, machine
from limner.train.batches import Held, Packing, Streamed
from limner.train.trainer import Fit, fit

RESULTS = Path(__file__).parent / "results" / "train.json"
METHOD = plain("codes", "laptop")
TOKENS, CONTEXT, PASS = METHOD.tokens, METHOD.context, 8  # batches of a turn
WINDOW = 64  # as `limner train` has it
PROMPTS, NEW = (12, 20, 33, 48, 70, 96, 140, 200), 48
TARGETS = {"training": 1.3, "loading": 0.05, "waste": 0.03, "decoding": 1.0}
OWN = ("same class", "limner's decoder")
HELD = Fit(rate=1e-4, log=1)


@dataclass(frozen=True)
class Rate:
    """Tokens, and the seconds of the processor and of the clock that they took."""

    tokens: int
    processor: float
    clock: float


def now() -> tuple[float, float]:
    """The time of the processor and of the clock."""
    return time.process_time(), time.perf_counter()


def passed(tokens: int, since: tuple[float, float], until: tuple[float, float]) -> Rate:
    """So many tokens between two times."""
    return Rate(tokens, until[0] - since[0], until[1] - since[1])


@dataclass(frozen=True)
class Data:
    """Pages as sequences: those of the turns, in memory, and what reads more of them from the corpus."""

    corpus: Corpus
    reader: Reader
    vocabulary: Vocabulary
    entries: int
    sequences: Sequence[Whole]


def prepared(place_: str, source: str) -> Data:
    """The corpus, built; its words learnt; the sequences of a turn: as many documents as fill its batches, drawn at random."""
    build(load("default").with_sources([f"data:{source}"]), place_)
    corpus = Corpus.open(place_)
    vocabulary = Vocabulary.learnt((text.text for document in corpus for text in document.texts), METHOD.made.words)
    torch.manual_seed(0)
    codes = TokenizedCodes(image_tokenizer(METHOD.made.pictures).eval())
    side, grid = METHOD.made.pictures.side, METHOD.made.pictures.side // METHOD.made.pictures.blocks.patch
    head = CodesHead(codes, vocabulary.size, (grid, grid))
    reader = Reader(vocabulary, head, Reading(side=side))
    found: list[Whole] = []
    stream = corpus.stream(shuffle=True, seed=1)
    for document in stream:
        found += (part for whole in reader.read(document, stream.media) for part in cut(whole, CONTEXT))
        if sum(map(len, found)) >= PASS * TOKENS:
            break
    return Data(corpus, Reader(vocabulary, head, Reading(side=side)), vocabulary, vocabulary.size + codes.entries, found)


def llama(entries: int, attention: str = "sdpa") -> Any:
    """A model of transformers of the size of the method's decoder."""
    d = METHOD.made.decoder
    torch.manual_seed(0)
    config: Any = transformers.LlamaConfig(
        vocab_size=entries, hidden_size=d.width, intermediate_size=d.hidden, num_hidden_layers=d.layers, num_attention_heads=d.heads,
        num_key_value_heads=d.key_heads, tie_word_embeddings=True, rms_norm_eps=1e-6,
    )  # fmt: skip
    config._attn_implementation = attention
    return transformers.LlamaForCausalLM(config)


def decoder(entries: int, marks: Marks) -> Interleaved:
    """limner's own, of the same shape: no norm on queries and keys, positions of one axis."""
    torch.manual_seed(0)
    return Interleaved(Decoder(replace(METHOD.made.decoder, normed=False, rotary=Rotary())), None, marks, entries)


def padded(sequences: Sequence[Whole], seed: int) -> Iterator[dict[str, torch.Tensor]]:
    """Batches without end, bucketed by length: in each pass all sequences, sorted, cut into batches of at most `TOKENS` places, in another order."""
    rng = np.random.default_rng(seed)
    ordered = [sequences[i] for i in np.argsort([len(s) for s in sequences], kind="stable")[::-1]]
    batches: list[list[Whole]] = [[]]
    for sequence in ordered:
        if batches[-1] and (len(batches[-1]) + 1) * len(batches[-1][0]) > TOKENS:
            batches.append([])
        batches[-1].append(sequence)
    while True:
        for number in rng.permutation(len(batches)):
            yield rectangular(batches[number])


def rectangular(sequences: Sequence[Whole]) -> dict[str, torch.Tensor]:
    """Sequences filled up behind to the longest, as transformers' models take them."""
    width = max(map(len, sequences))
    ids = torch.zeros(len(sequences), width, dtype=torch.long)
    labels, mask = torch.full_like(ids, -100), torch.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        own = torch.from_numpy(np.concatenate([p.ids for p in sequence.pieces]))
        counts = torch.from_numpy(np.concatenate([np.full(len(p), p.loss > 0) for p in sequence.pieces]))
        ids[row, : len(own)], mask[row, : len(own)] = own, 1
        labels[row, : len(own)] = own.where(counts, -100)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def theirs(model: Any, sequences: Sequence[Whole], seed: int) -> Rate:
    """Real tokens of one pass in a plain loop, after a step that is not counted."""
    device, fast = place()
    plain_ones = [p for p in model.parameters() if p.dim() == 1]
    groups = [
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": HELD.decay},
        {"params": plain_ones, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=HELD.rate, betas=HELD.betas)
    tokens, since, whole = 0, now(), sum(map(len, sequences))
    model.train()
    for step, batch in enumerate(padded(sequences, seed)):
        with torch.autocast(device.type, fast, fast != torch.float32):
            loss = model(**batch, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), HELD.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        assert np.isfinite(loss.item())
        if step == 0:
            since = now()
            continue
        tokens += int(batch["attention_mask"].sum())
        if tokens >= whole:
            break
    return passed(tokens, since, now())


def ours(model: Interleaved, sequences: Sequence[Whole], seed: int) -> Rate:
    """Tokens of one pass by `fit`, after a step that is not counted (its operations are)."""
    steps = -(-sum(map(len, sequences)) // TOKENS) + 1
    batches, times = Packing(Held(sequences, seed), TOKENS, CONTEXT, WINDOW, seed=seed), list[tuple[float, float]]()
    lines = fit(model, batches, replace(HELD, steps=steps), tell=lambda line: times.append(now())).lines[1:]
    return passed(round(sum(line["tokens_a_second"] * line["seconds"] for line in lines)), times[0], times[-1])


def ratio(ours_: Sequence[Rate], theirs_: Sequence[Rate]) -> dict[str, Any]:
    """Tokens a second of the processor, and the ratio over rounds; by the clock beside it."""

    def by(what: str) -> list[float]:
        rates = ([rate.tokens / getattr(rate, what) for rate in each] for each in (ours_, theirs_))
        return sorted(a / b for a, b in zip(*rates, strict=True))

    ratios = by("processor")
    return {
        "limner": round(median(rate.tokens / rate.processor for rate in ours_)),
        "transformers": round(median(rate.tokens / rate.processor for rate in theirs_)),
        "ratio": {"median": round(median(ratios), 3), "least": round(ratios[0], 3), "most": round(ratios[-1], 3)},
        "ratio by the clock": round(median(by("clock")), 3),
    }


def training(data: Data, rounds: int) -> tuple[dict[str, Any], Any]:
    """Tokens a second of all, and the model of transformers that was trained."""
    marks = data.vocabulary.marks
    own = dict(zip(OWN, (Interleaved(HubBackbone(llama(data.entries)), None, marks), decoder(data.entries, marks)), strict=True))
    peers = {name: llama(data.entries, name) for name in ("sdpa", "eager")}
    rates: dict[str, list[Rate]] = {name: [] for name in (*own, *peers)}
    for round_ in range(rounds):
        for name, model in own.items():
            rates[name].append(ours(model, data.sequences, round_))
        for name, model in peers.items():
            rates[name].append(theirs(model, data.sequences, round_))
        print({name: round(each[-1].tokens / each[-1].processor) for name, each in rates.items()}, flush=True)
    speed = {name: median(rate.tokens / rate.processor for rate in rates[name]) for name in peers}
    faster = max(speed, key=lambda name: speed[name])
    lengths = [len(s) for s in data.sequences]
    held = [batch["attention_mask"] for batch, _ in zip(padded(data.sequences, 0), range(PASS), strict=False)]
    result: dict[str, Any] = {
        "sequences": len(lengths), "tokens": sum(lengths), "median length": int(median(lengths)), "entries": data.entries,
        "million weights": {n: round(sum(p.numel() for p in m.parameters()) / 1e6, 2) for n, m in {**own, "transformers": peers[faster]}.items()},
        "attention of transformers": {name: round(rate) for name, rate in speed.items()},
        "padding of transformers": round(1 - sum(int(m.sum()) for m in held) / sum(m.numel() for m in held), 4),
    }  # fmt: skip
    return result | {name: ratio(rates[name], rates[faster]) for name in own}, peers[faster]


def loading(data: Data) -> dict[str, Any]:
    """The share of time spent waiting for batches over a window, the corpus read and its images tokenized for the first time."""
    batches = Packing(Streamed(data.corpus, data.reader.read), TOKENS, CONTEXT, WINDOW)
    (line,) = fit(decoder(data.entries, data.vocabulary.marks), batches, replace(HELD, steps=WINDOW, log=WINDOW)).lines
    return {
        "share": round(line["loading"], 4),
        "steps": WINDOW,
        "seconds": round(line["seconds"], 1),
        "waste": round(batches.waste, 5),
    }


def decoding(model: Any, ids: Sequence[int], rounds: int) -> dict[str, Any]:
    """New tokens a second of eight prompts, and whether both write the same in single precision."""
    model = copy.deepcopy(model).eval()
    model.config._attn_implementation = "sdpa"
    starts = np.cumsum((0, *PROMPTS))
    prompts = [list(ids[a : a + n]) for a, n in zip(starts, PROMPTS, strict=False)]
    asked = {
        "input_ids": torch.zeros(len(prompts), max(PROMPTS), dtype=torch.long),
        "attention_mask": torch.zeros(len(prompts), max(PROMPTS), dtype=torch.long),
    }
    for row, prompt in enumerate(prompts):
        asked["input_ids"][row, -len(prompt) :], asked["attention_mask"][row, -len(prompt) :] = torch.tensor(prompt), 1
    model.generation_config = transformers.GenerationConfig(
        max_new_tokens=NEW, do_sample=False, pad_token_id=0, eos_token_id=None
    )
    own = Interleaved(HubBackbone(copy.deepcopy(model)), None, Marks(-1, -1, -1)).eval()
    control = Control(tokens=NEW, draw=Draw(temperature=0.0), most=0)

    def limner() -> list[list[int]]:
        out: list[list[int]] = [[] for _ in prompts]
        for part in write(own, [Whole((words(prompt),)) for prompt in prompts], control):
            out[part.sequence] += part.ids
        return out

    def peer() -> list[list[int]]:
        with torch.inference_mode():
            return model.generate(**asked)[:, max(PROMPTS) :].tolist()

    def timed(run: Callable[[], list[list[int]]]) -> Rate:
        since = now()
        count = sum(map(len, run()))
        assert count == len(prompts) * NEW
        return passed(count, since, now())

    same = [a == b for a, b in zip(limner(), peer(), strict=True)]
    fast = place()[1]
    for each, run in ((own, limner), (model, peer)):
        each.to(fast)
        timed(run)
    turns = [(timed(limner), timed(peer)) for _ in range(rounds)]
    return {"same text in single precision": sum(same) / len(same)} | ratio([a for a, _ in turns], [b for _, b in turns])


def smollm(corpus: Corpus) -> tuple[Any, list[int]] | None:
    """SmolLM2-135M in single precision and ids of the corpus' texts, where it is here."""
    if not next(entry for entry in WEIGHTS if entry.name == "smollm2-135m-instruct").here:
        return None
    model = language("bundled:smollm2-135m")
    assert isinstance(model, LocalModel)
    texts = [text.text for document, _ in zip(corpus, range(20), strict=False) for text in document.texts]
    return model.model.float(), model.tokenizer("\n\n".join(texts)).input_ids


def main() -> None:
    """Measure, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--source", default="gimp-help-en")
    parser.add_argument("--kept", help="where the corpus is kept")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        data = prepared(given.kept or f"{folder}/corpus", given.source)
        trained, peer = training(data, given.rounds)
        loaded = loading(data)
        ids = [i for s in data.sequences for p in s.pieces for i in p.ids.tolist()]
        decoded = {"trained here": decoding(peer, ids, given.rounds)}
        if held := smollm(data.corpus):
            decoded["SmolLM2-135M"] = decoding(*held, min(given.rounds, 3))
    ratios = [trained[name]["ratio"]["median"] for name in OWN]
    met = {
        "training": min(ratios) >= TARGETS["training"], "loading": loaded["share"] < TARGETS["loading"], "waste": loaded["waste"] < TARGETS["waste"],
        "decoding": all(d["ratio"]["median"] >= TARGETS["decoding"] for d in decoded.values()),
    }  # fmt: skip
    result = {
        "documents": f"{given.source}: words, and images as codes", "training": trained, "loading": loaded, "decoding": decoded, "held": met,
        "targets": TARGETS, "rounds": given.rounds, "numbers": str(place()[1]).removeprefix("torch."), "code": code_hash("limner.train.method"),
        "data": data_hashes([given.source]), "machine": machine(),
    }  # fmt: skip
    print(json.dumps(result, indent=1))
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    sys.exit(not all(met.values()))


if __name__ == "__main__":
    main()
