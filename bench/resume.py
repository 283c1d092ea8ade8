"""Resume and scale: a run of `limner train` killed ten times; 2 ranks against one process; a checkpoint taken up by another number of ranks.

    python bench/resume.py [--times 10] [--seed 7]

*Killed*: `limner train codes` on the pages of sasview, each step in its log, is killed (SIGKILL) at random instants of what the run takes when left
alone, and resumed; where it is done before the last kill another one begins. Losses, lengths of gradients and rates of every step, of the image
tokenizer and of the model, and the bytes of what is made, must be those of the run left alone.

*Ranks*: a decoder with weights apart for text and images, single precision, the same batches of sasview's pages in one process and dealt out
unevenly to ranks of torchrun (gloo), so that some have images and others none. Losses of each step must be within `TOLERANCE`, and weights after
the last. *Taken up*: from the checkpoint in the middle, by another number of ranks or another way of sharing.

Writes bench/results/resume.json; exits 1 where one of these does not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from limner import Corpus
from limner.pipeline import build, load
from limner.recipes.provenance import code_hash, data_hashes, machine

RESULTS = Path(__file__).parent / "results" / "resume.json"
SETS = ("sasview",)
TRAIN = (
    "--scale", "smoke", "--set", "stages.steps=300", "--set", "stages.log=1", "--set", "stages.save=15", "--set", "pictures.steps=90",
    "--set", "pictures.log=1", "--set", "pictures.save=10", "--set", "most=200",
)  # fmt: skip
TIMED = ("tokens_a_second", "loading", "mib", "seconds", "mfu")
"""What a line of the log says of the machine and not of the model."""

STEPS, MIDDLE, TOKENS, TOLERANCE = 30, 15, 2_048, 1e-4
RATE = 3e-4  # low, so that training is stable: where it is not, differences of rounding grow until nothing compares
FULL = {"one": (1, "none"), "2 ranks, ddp": (2, "ddp"), "2 ranks, fsdp": (2, "fsdp")}
TAKEN_UP = (
    ("one", "2 ranks, ddp"), ("one", "2 ranks, fsdp"), ("2 ranks, ddp", "one"), ("2 ranks, fsdp", "one"), ("2 ranks, fsdp", "3 ranks, ddp"),
)  # fmt: skip
WAYS = FULL | {"3 ranks, ddp": (3, "ddp")}


def start(corpus: Path, run: Path) -> subprocess.Popen[bytes]:
    """A run as a person starts it, or goes on with it."""
    more = ["--resume"] if (run / "method.json").is_file() else []
    command = [sys.executable, "-m", "limner", "train", "codes", str(corpus), "-o", str(run), *TRAIN, *more, "--json"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finished(process: subprocess.Popen[bytes]) -> None:
    """Wait for a run that must end well."""
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"the run failed: {errors.decode()[-2000:]}")


def curve(run: Path) -> dict[str, list[dict[str, Any]]]:
    """What a run logged, but for times."""
    lines = {stage: (run / stage / "log.jsonl").read_text("utf-8").splitlines() for stage in ("image", "all")}
    return {
        stage: [{k: v for k, v in json.loads(line).items() if k not in TIMED} for line in each] for stage, each in lines.items()
    }


def sums(run: Path) -> dict[str, str]:
    """The sha256 of what a run made."""
    names = ("model.safetensors", "image.safetensors", "tokenizer.json")
    return {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in names}


def kills(corpus: Path, whole: Path, times: int, seed: int) -> dict[str, Any]:
    """Kill runs at random instants, resume them, and compare."""
    rng = random.Random(seed)
    began = time.monotonic()
    finished(start(corpus, whole))
    lasted = time.monotonic() - began
    wanted, made = curve(whole), sums(whole)
    killed, runs = 0, []
    instants: list[float] = []
    while killed < times:
        run = whole.with_name(f"killed-{len(runs)}")
        while killed < times:
            process = start(corpus, run)
            at = rng.uniform(0.05, 1.0) * lasted
            try:
                process.wait(at)
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                killed += 1
                instants.append(round(at, 1))
        finished(start(corpus, run))
        found = curve(run)
        runs.append({"losses equal": found == wanted, "bytes equal": sums(run) == made})
        print(f"{killed} kills, {runs}", flush=True)
        shutil.rmtree(run)
    steps = {stage: len(lines) for stage, lines in wanted.items()}
    return {"kills": killed, "after s": instants, "run left alone s": round(lasted, 1), "steps compared": steps, "runs": runs}


def dealt(reader: Any, corpus: Corpus, rank: int, world: int) -> list[Any]:
    """The batches of a rank: its share of each global one's sequences, those with fewest images first."""
    from limner.models.sequence import TEXT, collate, cut, packs

    found: list[Any] = []
    sequences: list[Any] = []
    for document in corpus:
        sequences += (part for whole in reader.read(document, corpus.media) for part in cut(whole, 256))
        if sum(map(len, sequences)) > 2 * STEPS * TOKENS:
            break
    for pack in packs([len(s) for s in sequences], TOKENS):
        batch = sorted((sequences[i] for i in pack), key=lambda s: sum(piece.modality != TEXT for piece in s.pieces))
        if len(batch) > 3 and len(found) < STEPS:
            # A third of the sequences for the first of two ranks: shares are uneven.
            cuts = [0, len(batch) // 3, *([2 * len(batch) // 3] if world == 3 else []), len(batch)]
            found.append(collate(batch if world == 1 else batch[cuts[rank] : cuts[rank + 1]]))
    return found


class Given:
    """Batches that are there, from one on."""

    def __init__(self, batches: Sequence[Any], first: int) -> None:
        self.batches, self.first = batches, first

    def __iter__(self) -> Iterator[Any]:
        yield from self.batches[self.first :]

    def state_dict(self) -> dict[str, Any]:
        """The trainer saves nothing of them: a worker is told where to begin."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `state_dict`."""


def worker(corpus: str, run: str, folder: str, sharing: Any) -> None:
    """One rank: trains in a folder, going on from what is there."""
    import torch

    from limner.models import saved
    from limner.models.decoder import Decoder, DecoderSettings
    from limner.models.heads.codes import CodesHead
    from limner.models.interleaved import Interleaved
    from limner.models.positions import Rotary
    from limner.train import checkpoint
    from limner.train.parallel import ranks
    from limner.train.schedule import Schedule
    from limner.train.trainer import Fit, fit

    torch.set_num_threads(1)
    among, trained = ranks(), saved.load(Path(run))
    batches = dealt(trained.reader, Corpus.open(corpus), among.rank, among.world)
    torch.manual_seed(0)
    head = trained.reader.head
    assert isinstance(head, CodesHead)
    decoder = DecoderSettings(128, 4, 4, 2, 352, copies=2, rotary=Rotary("interleaved"))
    model = Interleaved(Decoder(decoder), head, trained.vocabulary.marks, trained.vocabulary.size + head.codes.entries)
    done = checkpoint.found(Path(folder))
    first = int(done[-1].name.removeprefix("step-")) if done else 0
    settings = Fit(STEPS, RATE, schedule=Schedule(warm=10), log=1, save=MIDDLE, precision="fp32", sharing=sharing)
    fit(model, Given(batches, first), settings, Path(folder))
    images = [len(batch.spans) for batch in batches]
    (Path(folder) / f"images-{among.world}-{among.rank}.json").write_text(json.dumps(images))


def trained_by(way: str, corpus: Path, run: Path, folder: Path) -> None:
    """Train in a folder by so many ranks."""
    world, sharing = WAYS[way]
    command = (
        [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={world}"]
        if world > 1
        else [sys.executable]
    )
    told = [__file__, "--worker", str(corpus), str(run), str(folder), sharing]
    done = subprocess.run([*command, *told], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise SystemExit(f"{way} failed: {done.stderr[-3000:]}")


def compared(one: Path, other: Path) -> dict[str, Any]:
    """How far losses of steps, and weights after the last, lie apart."""
    from limner.train import checkpoint

    a, b = ([json.loads(line)["words"] for line in (f / "log.jsonl").read_text("utf-8").splitlines()] for f in (one, other))
    weights, others = (checkpoint.load(checkpoint.found(f)[-1])[0]["model"] for f in (one, other))
    apart = max(abs(x - y) for x, y in zip(a, b, strict=True))
    weight = max(float((weights[name] - others[name]).abs().max()) for name in weights)
    return {
        "losses apart": apart,
        "weights apart": weight,
        "held": len(a) == STEPS and apart <= TOLERANCE and weight <= TOLERANCE,
    }


def scale(corpus: Path, run: Path, place: Path) -> dict[str, Any]:
    """Ranks against one process, and checkpoints taken up by others."""
    result: dict[str, Any] = {"steps": STEPS, "rate": RATE, "tolerance": TOLERANCE}
    for way in FULL:
        trained_by(way, corpus, run, place / way)
        print(f"{way} trained", flush=True)
    result["loss, first and last"] = [json.loads(line)["words"] for line in (place / "one/log.jsonl").read_text().splitlines()][
        :: STEPS - 1
    ]
    images = [json.loads((place / "2 ranks, ddp" / f"images-2-{rank}.json").read_text()) for rank in (0, 1)]
    result["steps with images on one rank only"] = sum((a == 0) != (b == 0) for a, b in zip(*images, strict=True))
    result["against one process"] = {way: compared(place / "one", place / way) for way in FULL if way != "one"}
    result["taken up in the middle"] = {}
    for before, after in TAKEN_UP:
        folder = place / "taken up"
        shutil.copytree(place / before, folder)
        shutil.rmtree(folder / f"step-{STEPS}")
        trained_by(after, corpus, run, folder)
        result["taken up in the middle"][f"{before} → {after}"] = compared(place / "one", folder)
        shutil.rmtree(folder)
        print(f"{before} → {after}", flush=True)
    return result


def main() -> None:
    """Measure, write."""
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        build(load("default").with_sources([f"data:{name}" for name in SETS]), str(place / "corpus"))
        killed = kills(place / "corpus", place / "run", given.times, given.seed)
        ranked = scale(place / "corpus", place / "run", place)
    killed["held"] = killed["kills"] >= given.times and all(all(run.values()) for run in killed["runs"])
    compared_ = [*ranked["against one process"].values(), *ranked["taken up in the middle"].values()]
    ranked["held"] = all(each["held"] for each in compared_)
    ranked["most apart"] = max(each["losses apart"] for each in compared_)
    result = {
        "killed": killed, "ranks": ranked, "held": killed["held"] and ranked["held"], "seed": given.seed, "code": code_hash("limner.train.method"),
        "data": data_hashes(SETS), "machine": machine(),
    }  # fmt: skip
    print(json.dumps(result, indent=1))
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    sys.exit(not result["held"])


if __name__ == "__main__":
    main()
