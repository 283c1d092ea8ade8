"""A small server that speaks OpenAI's chat completions, over a language model that runs here: requests that wait together are one batch.

python bench/evaluate/served.py [--model bundled:smollm2-135m] [--port 18135]
"""

from __future__ import annotations

import argparse
import json
import queue
import threading
import time
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from limner.errors import LimnerError
from limner.experts.language import Answer, Message, Sampling, language

PORT = 18135
_MOST = 16  # requests of a batch
_BYTES = 4_000_000  # of a request


class Batches:
    """Asks a model what waits, in batches of the same sampling."""

    def __init__(self, address: str) -> None:
        self._model = language(address)
        self._waiting: queue.Queue[tuple[list[Message], Sampling, Future[Answer]]] = queue.Queue()
        threading.Thread(target=self._run, daemon=True).start()

    def ask(self, messages: list[Message], sampling: Sampling) -> Answer:
        """The answer, after waiting in line; raises `LimnerError` as the model does."""
        future: Future[Answer] = Future()
        self._waiting.put((messages, sampling, future))
        return future.result()

    def _run(self) -> None:
        while True:
            batch = [self._waiting.get()]
            time.sleep(0.05)
            while len(batch) < _MOST and not self._waiting.empty():
                batch.append(self._waiting.get())
            for sampling in dict.fromkeys(s for _, s, _ in batch):
                self._batch([(messages, future) for messages, s, future in batch if s == sampling], sampling)

    def _batch(self, asked: list[tuple[list[Message], Future[Answer]]], sampling: Sampling) -> None:
        try:
            for (_, future), answer in zip(asked, self._model.answer([m for m, _ in asked], sampling), strict=True):
                future.set_result(answer)
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
            if len(asked) == 1:
                asked[0][1].set_exception(error)
                return
            for each in asked:
                self._batch([each], sampling)


class Handler(BaseHTTPRequestHandler):
    """`POST /v1/chat/completions`."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer a conversation; 400 for what is none, or has pictures."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, _BYTES))
        server = cast("Server", self.server)
        if not self.path.endswith("/chat/completions") or length > _BYTES:
            self._send(404, {"error": {"message": "there is /v1/chat/completions"}})
            return
        try:
            asked = json.loads(body)
            messages = [Message(m["role"], (_text(m["content"]),)) for m in asked["messages"]]
            sampling = Sampling(
                int(asked.get("max_tokens") or 256), float(asked.get("temperature") or 0), float(asked.get("top_p") or 1),
                int(asked.get("seed") or 0), tuple(asked.get("stop") or ()),
            )  # fmt: skip
            answer = server.batches.ask(messages, sampling)
        except (KeyError, TypeError, ValueError, LimnerError) as error:
            self._send(400, {"error": {"message": str(error)}})
            return
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": answer.text},
            "finish_reason": "stop" if answer.whole else "length",
        }
        usage = {
            "prompt_tokens": answer.tokens_in,
            "completion_tokens": answer.tokens_out,
            "total_tokens": answer.tokens_in + answer.tokens_out,
        }
        self._send(
            200,
            {
                "id": "0",
                "object": "chat.completion",
                "created": 0,
                "model": asked.get("model", ""),
                "choices": [choice],
                "usage": usage,
            },
        )

    def _send(self, status: int, said: dict[str, Any]) -> None:
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if any(part.get("type") != "text" for part in content):
        raise ValueError("this model takes no pictures")
    return "\n".join(part["text"] for part in content)


class Server(ThreadingHTTPServer):
    """The server with its model."""

    daemon_threads = True

    def __init__(self, address: str, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.batches = Batches(address)


@contextmanager
def serving(address: str = "bundled:smollm2-135m", port: int = PORT) -> Generator[str]:
    """The URL of a server, while it runs. The port is fixed so that answers that were kept are found again."""
    server = Server(address, port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="bundled:smollm2-135m")
    parser.add_argument("--port", type=int, default=PORT)
    given = parser.parse_args()
    Server(given.model, given.port).serve_forever()
