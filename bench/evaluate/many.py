"""Memory of an evaluation of more and more samples: asked, judged and stored, and summed up at the end.

    python bench/evaluate/many.py [--samples 10000]

Each question has a drawing and each answer another, from OpenMoji; a server in a process of its own answers and grades at once, so that the run is
all that is measured. MiB are what its process holds resident (VmRSS), looked at with every hundredth sample; its peak (VmHWM) is that after the
totals and the report. Writes bench/results/evaluate-many.json; exits 1 where the last tenth holds 16 MiB more than the first.
"""

from __future__ import annotations

import argparse
import base64
import http.server
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from limner.evaluate.benchmark import Item, Measure, Output, Scored, conversation
from limner.evaluate.benchmarks import registry
from limner.evaluate.judging import Aspect, Case, Judge
from limner.evaluate.report.page import page
from limner.evaluate.runner import Run, run
from limner.experts.language import Content, Message, Sampling
from limner.recipes.provenance import code_hash, machine
from limner.sources.pairs import pairs

RESULTS = Path(__file__).parents[1] / "results" / "evaluate-many.json"
WANTED, EVERY = 16.0, 100
GRADED = '{"reason": "It is the drawing asked for.", "grade": 4}'


class Drawings:
    """So many questions about drawings."""

    name, title, reference, files = "drawings", "Drawings", "none", ""
    sampling = Sampling(tokens=50, images=1)
    ranks = False
    measures: Sequence[Measure] = (
        Measure("pictures", "there is a picture"),
        Measure("quality", "by the judge", 0, 5, judged=True),
    )

    def __init__(self, count: int) -> None:
        self.count = count

    def items(self, data: Path | None) -> Iterator[Item]:
        """See `Benchmark`."""
        for n, pair in enumerate(islice(cycle(list(islice(pairs("openmoji"), 500))), self.count)):
            yield Item(f"drawing-{n}", (("What is this?", pair.image, f"Question {n}."),), pair.text, family=f"family-{n // 4}")

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """See `Benchmark`."""
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """See `Benchmark`."""
        assert judge is not None
        (grade,) = judge.grade([Case(("What is this?", item.id), output.parts)], Aspect("quality", "Is it good?", 0, 5))
        values = {"pictures": float(len(output.images))} | ({} if grade.value is None else {"quality": grade.value})
        return Scored(values, {"quality": grade.failed} if grade.failed else {}, {"quality": grade.reason})


def serve(port: Any, image: bytes) -> None:
    """Answer every request of `model` with a text and a drawing, every one of `judge` with a grade."""
    uri = f"data:image/png;base64,{base64.b64encode(image).decode()}"

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            message: dict[str, Any] = {"role": "assistant", "content": GRADED if asked["model"] == "judge" else "It is this one."}
            if asked["model"] != "judge":
                message["images"] = [{"type": "image_url", "image_url": {"url": uri}}]
            raw = json.dumps({
                "id": "x", "object": "chat.completion", "created": 0, "model": asked["model"],
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
            }).encode()  # fmt: skip
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.put(server.server_address[1])
    server.serve_forever()


def mib(what: str) -> float:
    """What /proc says of this process."""
    return next(
        int(line.split()[1]) / 1024 for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what)
    )


def main() -> None:
    """Run, look, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=10_000)
    given = parser.parse_args()
    image = next(iter(pairs("openmoji"))).image
    port: Any = multiprocessing.get_context("spawn").Queue()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port, image), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{port.get()}/v1"
    registry.BUILTIN["drawings"] = f"{__name__}:MADE"
    globals()["MADE"] = Drawings(given.samples)
    held: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LIMNER_CACHE"], os.environ["LIMNER_LEDGER"] = f"{folder}/cache", f"{folder}/spent.json"
        began = time.perf_counter()

        def tell(done: int, _: int) -> None:
            if done % EVERY == 0:
                held.append(mib("VmRSS"))

        result = run(Run("drawings", f"openai:model@{url}", (f"language:openai:judge@{url}",)), Path(folder) / "run", tell)
        seconds, peak = time.perf_counter() - began, mib("VmHWM")
        page(Path(folder) / "run")
        reported = mib("VmHWM")
    server.terminate()
    (scores,) = result["scores"].values()
    assert result["items"] == scores["quality"]["n"] == given.samples
    tenth = max(len(held) // 10, 1)
    first, last = median(held[:tenth]), median(held[-tenth:])
    told = {
        "samples": given.samples, "seconds": round(seconds, 1), "first tenth": round(first, 1), "last tenth": round(last, 1),
        "peak": round(peak, 1), "peak with the report": round(reported, 1), "held": last - first < WANTED,
        "code": code_hash("limner.evaluate.runner"), "machine": machine(),
    }  # fmt: skip
    RESULTS.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(json.dumps(told, indent=1))
    sys.exit(not told["held"])


if __name__ == "__main__":
    main()
