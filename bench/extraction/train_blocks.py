"""Train the block classifier of limner.sources.html on the development split of WCXB.

    python bench/extraction/train_blocks.py WCXB --likely LIKELY.npz    cross-validate: five folds, no site in two of them
    python bench/extraction/train_blocks.py WCXB --out FILE.npz         cross-validate, then train on all and write the weights

WCXB is the benchmark's folder (dev/html, dev/ground-truth, metadata.json). The loss is one minus the expected
word F1 of each page (the benchmark's own measure, with the probability of each block for a hard choice), plus a
little cross-entropy against the share of a block's trigrams that the ground truth has. That leaves the network far too
sure of itself, so its logits are scaled and shifted (Platt 1999) by what serves the F1 of pages it did not see: those of
a fold by what serves the other folds, those of the weights that are written by what serves all of them.

LIKELY.npz holds the probabilities of every page's blocks by a network that saw no page of its site; `wcxb.py` and
`train_images.py` take it. Needs torch.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import hashlib
import json
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from limner.sources.html import Limits
from limner.sources.html.cut import taken
from limner.sources.html.extract import parse, read
from limner.sources.html.features import BLOCK_WIDTH, FRAME_WIDTH, block_words, page
from limner.sources.html.score import ANCESTORS, DILATIONS

WORD = re.compile(r"\w+")
FOLDS = 5
SCALES = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.7, 1.0)
SHIFTS = (-1.2, -1.0, -0.8, -0.7, -0.6, -0.5, -0.4, -0.3, -0.2, 0.0, 0.2)
GAP = 16  # empty places between pages of a batch, more than a convolution reaches at once


@dataclass(frozen=True)
class Settings:
    """What is trained and how long."""

    names: int = 16  # width of the names of a frame
    words: int = 16
    hidden: int = 48
    name_sites: int = 25  # a name counts that this many sites use
    word_sites: int = 40
    dropout: float = 0.35
    name_dropout: float = 0.3
    word_dropout: float = 0.4
    cross_entropy: float = 0.5
    epochs: int = 8
    batch: int = 16
    rate: float = 3e-3
    decay: float = 1e-2
    average: float = 0.99  # of the weights over the steps


@dataclass
class Example:
    """One page: what the classifier sees, the words of its blocks and of its ground truth."""

    key: str
    kind: str
    site: str
    reference: list[str]
    tokens: list[list[str]]
    chars: np.ndarray
    target: np.ndarray
    blocks: np.ndarray
    frames: np.ndarray
    frame: np.ndarray
    start: np.ndarray
    end: np.ndarray
    names: list[tuple[str, ...]]
    words: list[list[str]]


def site_of(host: str) -> str:
    """The registered domain of a host, near enough: two labels, or three below such as co.uk."""
    labels = host.lower().split(".")
    second = ("co", "com", "org", "ac", "gov", "net", "edu", "or", "ne", "go")
    return ".".join(labels[-3:] if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in second else labels[-2:])


def load(root: Path) -> list[Example]:
    """Every page of the development split."""
    files = json.loads((root / "metadata.json").read_text())["files"]
    keys = sorted(path.stem for path in (root / "dev" / "ground-truth").glob("*.json"))
    with ProcessPoolExecutor(int(os.environ.get("WORKERS", "1"))) as pool:
        return list(pool.map(_example, [(str(root), key, site_of(files[key]["domain"])) for key in keys], chunksize=50))


def _example(job: tuple[str, str, str]) -> Example:
    root, key, site = job
    truth = json.loads((Path(root) / "dev" / "ground-truth" / f"{key}.json").read_text())
    kind = truth.get("_internal", {}).get("page_type", {}).get("primary", "article")
    text = truth["ground_truth"].get("main_content") or ""
    _, tree = parse(gzip.decompress((Path(root) / "dev" / "html" / f"{key}.html.gz").read_bytes()), "", key, Limits())
    blocks, frames = read(tree.body or tree.root)
    tokens = [WORD.findall(block.text.lower()) for block in blocks]
    reference = WORD.findall(text.lower())
    seen = page(blocks, frames) if blocks else None
    arrays = (seen.blocks, seen.frames, seen.frame, seen.start, seen.end) if seen else (np.zeros((0, 0)),) * 5
    names = [frame.signature.tokens for frame in seen.kept] if seen else []
    kind = "collection" if kind == "category" else kind
    chars = np.array([len(block.text) for block in blocks], np.float32)
    found = targets(tokens, text)
    return Example(key, kind, site, reference, tokens, chars, found, *arrays, names, [block_words(b) for b in blocks])


def targets(tokens: Sequence[Sequence[str]], text: str) -> np.ndarray:
    """The share of each block that the ground truth has, by trigrams; -1 for a block without words."""
    reference = WORD.findall(text.lower())
    triples = set(zip(reference, reference[1:], reference[2:], strict=False))
    pairs, single = set(pairwise(reference)), set(reference)
    lines = {tuple(WORD.findall(line.lower())) for line in text.split("\n")}
    out = np.full(len(tokens), -1, np.float32)
    for i, block in enumerate(tokens):
        n = len(block)
        if n >= 3:
            covered = np.zeros(n, bool)
            for j in range(n - 2):
                if (block[j], block[j + 1], block[j + 2]) in triples:
                    covered[j : j + 3] = True
            out[i] = covered.mean()
        elif tuple(block) in lines:
            out[i] = 1
        elif n == 2:
            out[i] = 0.5 * (tuple(block) in pairs)
        elif n == 1:
            out[i] = 0.3 * (block[0] in single)
    return out


Vocabulary = dict[str, int]


def vocabularies(examples: Sequence[Example], settings: Settings) -> tuple[Vocabulary, Vocabulary]:
    """The names and the words that enough sites use, by their row."""
    names: dict[str, set[str]] = defaultdict(set)
    words: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        for name in {name for frame in example.names for name in frame}:
            names[name].add(example.site)
        for word in {word for block in example.words for word in block}:
            words[word].add(example.site)
    common = (
        sorted(name for name, sites in names.items() if len(sites) >= settings.name_sites),
        sorted(word for word, sites in words.items() if len(sites) >= settings.word_sites and "\n" not in word),
    )
    return {name: i for i, name in enumerate(common[0])}, {word: i for i, word in enumerate(common[1])}


Tensors = dict[str, Tensor]


def tensors(example: Example, names: Vocabulary, words: Vocabulary) -> Tensors:
    """An example as tensors: ragged lists flat, with their lengths."""
    name_rows = [[names[n] for n in frame if n in names] for frame in example.names]
    word_rows = [[words[w] for w in block if w in words] for block in example.words]
    reference = Counter(example.reference)
    slots = {word: i for i, word in enumerate(reference)}
    hits = [(i, slots[w], c) for i, block in enumerate(example.tokens) for w, c in Counter(block).items() if w in slots]
    hit = torch.tensor(hits, dtype=torch.long).reshape(-1, 3)
    return {
        "blocks": torch.from_numpy(example.blocks),
        "frames": torch.from_numpy(example.frames),
        "frame": torch.from_numpy(example.frame),
        "start": torch.from_numpy(example.start),
        "end": torch.from_numpy(example.end),
        "names": torch.tensor([row for rows in name_rows for row in rows], dtype=torch.long),
        "names_n": torch.tensor([len(rows) for rows in name_rows], dtype=torch.long),
        "words": torch.tensor([row for rows in word_rows for row in rows], dtype=torch.long),
        "words_n": torch.tensor([len(rows) for rows in word_rows], dtype=torch.long),
        "hit_block": hit[:, 0],
        "hit_slot": hit[:, 1],
        "hit_count": hit[:, 2].float(),
        "wanted": torch.tensor(list(reference.values()), dtype=torch.float),
        "length": torch.tensor([len(block) for block in example.tokens], dtype=torch.float),
        "target": torch.from_numpy(example.target),
    }


def collate(pages: Sequence[Tensors]) -> Tensors:
    """Pages one after another, indices shifted."""
    out: dict[str, list[Tensor]] = defaultdict(list)
    block = frame = slot = 0
    for number, one in enumerate(pages):
        n = len(one["blocks"])
        for key, value in one.items():
            shift = {"frame": frame, "start": block, "end": block, "hit_block": block, "hit_slot": slot}.get(key, 0)
            out[key].append(value + shift if shift else value)
        out["page"].append(torch.full((n,), number))
        out["place"].append(torch.arange(n) + block + GAP * (number + 1))
        out["wanted_page"].append(torch.full((len(one["wanted"]),), number))
        block, frame, slot = block + n, frame + len(one["frames"]), slot + len(one["wanted"])
    batch = {key: torch.cat(values) for key, values in out.items()}
    batch["pages"] = torch.tensor(len(pages))
    return batch


def _offsets(lengths: Tensor) -> Tensor:
    return lengths.cumsum(0) - lengths


class Network(nn.Module):
    """The classifier of `limner.sources.html.score`, to be trained."""

    def __init__(self, names: int, words: int, settings: Settings) -> None:
        super().__init__()
        d, h = settings.names, settings.hidden
        self.settings = settings
        self.name = nn.EmbeddingBag(names + 1, d, mode="sum", padding_idx=names)
        self.word = nn.EmbeddingBag(words + 1, settings.words, mode="sum", padding_idx=words)
        for table in (self.name, self.word):
            nn.init.normal_(table.weight, std=0.1)
            table.weight.data[-1] = 0
        self.frame = nn.Linear(FRAME_WIDTH, d)
        self.input = nn.Linear(BLOCK_WIDTH + 2 * d + settings.words, h)
        self.context = nn.Linear(2 * h, h)
        self.convs = nn.ModuleList(nn.Conv1d(h, h, 3, dilation=k, padding=k) for k in DILATIONS)
        self.out = nn.Linear(h, 1)
        self.dropout = nn.Dropout(settings.dropout)

    def _drop(self, rows: Tensor, share: float, nothing: int) -> Tensor:
        return rows.masked_fill(torch.rand(len(rows)) < share, nothing) if self.training else rows

    def forward(self, batch: Tensors) -> Tensor:
        pages, page_of, blocks = int(batch["pages"]), batch["page"], batch["blocks"]
        names = self._drop(batch["names"], self.settings.name_dropout, self.name.num_embeddings - 1)
        words = self._drop(batch["words"], self.settings.word_dropout, self.word.num_embeddings - 1)
        f = torch.relu(self.name(names, _offsets(batch["names_n"])) + self.frame(batch["frames"]))
        steps = torch.zeros(len(blocks) + 1, f.shape[1])
        around = steps.index_add(0, batch["start"], f).index_add(0, batch["end"], -f).cumsum(0)[:-1] * ANCESTORS
        own_words = self.word(words, _offsets(batch["words_n"]))
        x = self.dropout(torch.relu(self.input(torch.cat([blocks, around, f[batch["frame"]], own_words], 1))))
        weight = blocks[:, :1]
        mean = _sums(x, page_of, pages) / _sums(torch.ones_like(weight), page_of, pages)
        weighted = _sums(x * weight, page_of, pages) / (_sums(weight, page_of, pages) + 1e-6)
        x = x + torch.relu(self.context(torch.cat([mean, weighted], 1)))[page_of]
        place = batch["place"]
        room = len(blocks) + GAP * (pages + 1)
        z = torch.zeros(room, x.shape[1]).index_copy(0, place, x).T[None]
        inside = torch.zeros(1, 1, room)
        inside[0, 0, place] = 1
        for conv in self.convs:
            z = (z + self.dropout(torch.relu(conv(z)))) * inside
        return self.out(self.dropout(z[0].T[place]))[:, 0]


def _sums(values: Tensor, page_of: Tensor, pages: int) -> Tensor:
    return torch.zeros(pages, values.shape[1]).index_add(0, page_of, values)


def word_f1(chosen: Tensor, batch: Tensors) -> Tensor:
    """The benchmark's word F1 of each page, each block taken to the degree `chosen` (0-1)."""
    pages = int(batch["pages"])
    found = torch.zeros(len(batch["wanted"])).index_add(0, batch["hit_slot"], batch["hit_count"] * chosen[batch["hit_block"]])
    overlap = torch.zeros(pages).index_add(0, batch["wanted_page"], torch.minimum(found, batch["wanted"]))
    wanted = torch.zeros(pages).index_add(0, batch["wanted_page"], batch["wanted"])
    taken = torch.zeros(pages).index_add(0, batch["page"], batch["length"] * chosen)
    # A page without content: right when nothing is taken, and near it when little is.
    return torch.where(wanted > 0, 2 * overlap / (taken + wanted).clamp(min=1), 1 - taken / (taken + 20))


def loss_of(logits: Tensor, batch: Tensors, settings: Settings) -> Tensor:
    """The training loss of a batch."""
    pages = int(batch["pages"])
    f1 = word_f1(torch.sigmoid(logits), batch)
    weight = torch.log1p(batch["length"]) * (batch["target"] >= 0)
    weight = weight / (torch.zeros(pages).index_add(0, batch["page"], weight) + 1)[batch["page"]]
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, batch["target"].clamp(0, 1), reduction="none")
    return (1 - f1).mean() + settings.cross_entropy * (entropy * weight).sum() / pages


def train(data: Sequence[Tensors], sizes: tuple[int, int], settings: Settings, seed: int) -> Network:
    """Train one network; returned are the averaged weights."""
    torch.manual_seed(seed)
    order = np.random.default_rng(seed)
    network = Network(*sizes, settings)
    averaged = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.rate, weight_decay=settings.decay)
    steps = settings.epochs * -(-len(data) // settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.rate, total_steps=steps, pct_start=0.15)
    done = 0
    for _ in range(settings.epochs):
        network.train()
        shuffled = order.permutation(len(data))
        for at in range(0, len(data), settings.batch):
            batch = collate([data[i] for i in shuffled[at : at + settings.batch]])
            loss = loss_of(network(batch), batch, settings)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            done += 1
            keep = min(settings.average, done / (done + 10))
            for old, new in zip(averaged.parameters(), network.parameters(), strict=True):
                old.data.mul_(keep).add_(new.data, alpha=1 - keep)
    averaged.eval()
    return averaged


def held_out(examples: Sequence[Example], fold: Sequence[int], settings: Settings, seed: int) -> dict[str, np.ndarray]:
    """The logits of every page's blocks by a network that saw no page of its fold."""
    logits: dict[str, np.ndarray] = {}
    for k in range(FOLDS):
        learn = [e for e, f in zip(examples, fold, strict=True) if f != k]
        held = [e for e, f in zip(examples, fold, strict=True) if f == k]
        names, words = vocabularies(learn, settings)
        network = train([tensors(e, names, words) for e in learn], (len(names), len(words)), settings, seed + k)
        with torch.no_grad():
            logits.update({e.key: network(collate([tensors(e, names, words)])).numpy() for e in held})
        print(f"fold {k}: trained on {len(learn)} pages, {len(held)} held out", file=sys.stderr, flush=True)
    return logits


def probabilities(logits: np.ndarray, scale: float, shift: float) -> np.ndarray:
    """The calibrated probability of each block."""
    return 1 / (1 + np.exp(-np.clip(logits * scale + shift, -30, 30)))


Measured = dict[str, np.ndarray]  # of every page, its F1 at each of SCALES and SHIFTS


def measured(examples: Sequence[Example], logits: dict[str, np.ndarray]) -> Measured:
    """The word F1 of every page with each calibration, the blocks taken that `choose` would but for its smoothing."""
    out: Measured = {}
    for e in examples:
        slots = {word: i for i, word in enumerate(dict.fromkeys(e.reference))}
        wanted = np.bincount([slots[word] for word in e.reference], minlength=len(slots))
        counts = [Counter(block) for block in e.tokens]
        hits = np.array([(i, slots[w], n) for i, c in enumerate(counts) for w, n in c.items() if w in slots], int).reshape(-1, 3)
        length = np.array([len(block) for block in e.tokens])
        table = np.zeros((len(SCALES), len(SHIFTS)))
        for i, scale in enumerate(SCALES):
            for j, shift in enumerate(SHIFTS):
                good = taken(probabilities(logits[e.key], scale, shift), e.chars)
                given = length[good].sum()
                found = np.bincount(hits[:, 1], hits[:, 2] * good[hits[:, 0]], len(slots))
                table[i, j] = 2 * np.minimum(found, wanted).sum() / (given + wanted.sum()) if len(slots) else given == 0
        out[e.key] = table
    return out


def calibrated(pages: Sequence[Example], table: Measured) -> tuple[int, int]:
    """Which of SCALES and of SHIFTS serves these pages best."""
    mean = np.mean([table[e.key] for e in pages], axis=0)
    i, j = np.unravel_index(mean.argmax(), mean.shape)
    return int(i), int(j)


def arrays(network: Network, names: Vocabulary, words: Vocabulary, scale: float, shift: float) -> dict[str, np.ndarray]:
    """The weights as the package reads them, calibrated: 8-bit integers with a scale for each row, biases as floats."""
    network.out.weight.data *= scale
    network.out.bias.data = network.out.bias.data * scale + shift
    weights = {
        "name": network.name.weight[:-1],
        "word": network.word.weight[:-1],
        "frame": network.frame.weight.T,
        "input": network.input.weight.T,
        "context": network.context.weight.T,
        "out": network.out.weight.T,
    }
    biases = {"frame": network.frame.bias, "input": network.input.bias, "context": network.context.bias, "out": network.out.bias}
    for i, conv in enumerate(network.convs):
        weights[f"conv{i}"] = conv.weight.permute(2, 1, 0).reshape(-1, conv.weight.shape[0])
        biases[f"conv{i}"] = conv.bias
    out = {
        "names": np.frombuffer("\n".join(names).encode(), np.uint8),
        "words": np.frombuffer("\n".join(words).encode(), np.uint8),
    }
    for key, weight in weights.items():
        value = weight.detach().numpy()
        step = np.maximum(np.abs(value).max(axis=1, keepdims=True), 1e-8) / 127
        out[key + "_q"] = np.round(value / step).astype(np.int8)
        out[key + "_s"] = step.astype(np.float16 if step.min() > 1e-4 else np.float32)
    return out | {key + "_b": value.detach().numpy().astype(np.float32) for key, value in biases.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wcxb", type=Path)
    parser.add_argument("--likely", type=Path, help="write the held-out probabilities of every page there (npz)")
    parser.add_argument("--out", type=Path, help="train on the whole split and write the weights there (npz)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = Settings()
    examples = [example for example in load(options.wcxb) if example.tokens]
    fold = [int(hashlib.sha256(e.site.encode()).hexdigest(), 16) % FOLDS for e in examples]
    logits = held_out(examples, fold, settings, options.seed)
    table = measured(examples, logits)
    likely: dict[str, np.ndarray] = {}
    by_type: dict[str, list[float]] = defaultdict(list)
    for k in range(FOLDS):
        i, j = calibrated([e for e, f in zip(examples, fold, strict=True) if f != k], table)
        print(f"fold {k}: scale {SCALES[i]}, shift {SHIFTS[j]} serve the others best")
        for e in (e for e, f in zip(examples, fold, strict=True) if f == k):
            likely[e.key] = probabilities(logits[e.key], SCALES[i], SHIFTS[j])
            by_type[e.kind].append(float(table[e.key][i, j]))
            by_type["all"].append(float(table[e.key][i, j]))
    for kind, values in sorted(by_type.items()):
        print(f"{kind:14} {len(values):5} pages   F1 {np.mean(values):.4f}")
    if options.likely:
        np.savez_compressed(options.likely, **likely)
    if options.out:
        i, j = calibrated(examples, table)
        names, words = vocabularies(examples, settings)
        network = train([tensors(e, names, words) for e in examples], (len(names), len(words)), settings, options.seed)
        np.savez_compressed(options.out, **arrays(network, names, words, SCALES[i], SHIFTS[j]))
        size = f"{options.out.stat().st_size:,} bytes, {len(names)} names, {len(words)} words"
        print(f"{options.out}: {size}, scale {SCALES[i]}, shift {SHIFTS[j]}")


if __name__ == "__main__":
    main()
