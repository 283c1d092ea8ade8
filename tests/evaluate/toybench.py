"""A benchmark of sums, a server that answers it over HTTP, and a run in a process of its own."""

from __future__ import annotations

import base64
import http.server
import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from limner.evaluate.benchmark import Item, Measure, Output, Scored, conversation
from limner.evaluate.judging import Aspect, Case, Judge
from limner.experts.language import Content, Message, Sampling

ASPECT = Aspect("quality", "Is the answer right?", 0, 5)


def png(colour: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(out, "PNG")
    return out.getvalue()


class Sums:
    """Sums of two numbers; `count` of them, in families of four."""

    name, title, reference, files = "sums", "Sums", "none", ""
    sampling = Sampling(tokens=20, images=2)
    ranks = False

    def __init__(self, count: int, judged: bool) -> None:
        self.count = count
        own = (Measure("right", "the sum is said"), Measure("pictures", "there is a picture"))
        self.measures: Sequence[Measure] = (*own, Measure("quality", "by the judge", 0, 5, judged=True)) if judged else own

    def items(self, data: Path | None) -> Iterator[Item]:
        for n in range(self.count):
            yield Item(
                f"sum-{n}",
                (("What is", f"{n} + 1?", png()),),
                n + 1,
                family=f"family-{n // 4}",
                categories={"size": "small" if n < 10 else "large"},
            )

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        values = {"right": float(str(item.expected) in output.text.split()), "pictures": float(bool(output.images))}
        if judge is None or len(self.measures) < 3:
            return Scored(values)
        (grade,) = judge.grade([Case((f"What is {item.expected - 1} + 1?",), output.parts)], ASPECT)
        if grade.value is None:
            return Scored(values, {"quality": grade.failed}, {"quality": grade.reason})
        return Scored({**values, "quality": grade.value}, {}, {"quality": grade.reason})


SUMS, MANY, JUDGED = Sums(24, False), Sums(2_000, False), Sums(12, True)
BENCHES = {f"toy-{name.lower()}": f"evaluate.toybench:{name}" for name in ("SUMS", "MANY", "JUDGED")}

Say = Callable[[str, int], str | tuple[int, str]]
"""The text of the last message and the number of the request to an answer, or to a status and what is wrong."""


@contextmanager
def serving(say: Say, picture: bool = True, wait: float = 0.0) -> Iterator[tuple[str, list[str]]]:
    """A server that speaks OpenAI's chat completions, and what it was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            content = body["messages"][-1]["content"]
            text = content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)
            asked.append(text)
            time.sleep(wait)
            said = say(text, len(asked))
            status, data = (
                (200, _completion(said, picture)) if isinstance(said, str) else (said[0], {"error": {"message": said[1]}})
            )
            raw = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", asked
    finally:
        server.shutdown()
        server.server_close()


def adds(text: str, number: int) -> str:
    """The right sum, but for every fifth one."""
    n = int(text.split("What is")[1].split("+")[0])
    return f"It is {n + 1}" if n % 5 else "It is unknown"


def _completion(text: str, picture: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if picture:
        uri = f"data:image/png;base64,{base64.b64encode(png((10, 200, 10))).decode()}"
        message["images"] = [{"type": "image_url", "image_url": {"url": uri}}]
    return {
        "id": "x", "object": "chat.completion", "created": 0, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }  # fmt: skip


if __name__ == "__main__":
    from limner.evaluate.benchmarks import registry
    from limner.evaluate.runner import Run, run

    registry.BUILTIN.update(BENCHES)
    run(Run(sys.argv[1], sys.argv[2], at_once=4), Path(sys.argv[3]))
