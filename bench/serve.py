"""`limner serve` under load: a hundred clients at once that search and ask, for two minutes.

    python bench/serve.py                            # gimp-help-en, indexed by words and by meaning (bundled:minilm)
    python bench/serve.py --text none                # by words alone
    python bench/serve.py --clients 20 --seconds 10

The server is a process of its own, writes exact sentences, and runs on the same machine as the clients. Each client asks one thing after the other: a
search page, a page of pictures, `/v1/responses`, `/v1/chat/completions`, of titles of the corpus. Then 20 clients ask a language model
(`bundled:smollm2-135m`) at once, for an answer or a 429. Writes bench/results/serve.json; exits 1 where any answer was an error, or where
the model's clients saw anything but answers and 429.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from limner import Corpus
from limner.curate.steps import title
from limner.pipeline import build, load
from limner.recipes.provenance import code_hash, data_hashes, machine
from limner.search import Settings, index

RESULTS = Path(__file__).parent / "results" / "serve.json"
SET = "gimp-help-en"
MODEL, ASKING = "bundled:smollm2-135m", 20


def resident(pid: int) -> float:
    """MiB that a process holds."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


class Server:
    """`limner serve` in a process of its own."""

    def __init__(self, corpus: str, *more: str):
        command = [sys.executable, "-m", "limner", "serve", corpus, "--port", "0", *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.url = line.partition(" is at ")[2].partition(" ")[0]

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)


def request(client: httpx.AsyncClient, words: str, turn: int) -> tuple[str, Any]:
    """One of four things to ask."""
    if turn % 4 == 0:
        return "search", client.get("/search", params={"q": words})
    if turn % 4 == 1:
        return "pictures", client.get("/search", params={"q": words, "kind": "image"})
    if turn % 4 == 2:
        return "responses", client.post("/v1/responses", json={"input": f"What is {words}?"})
    body = {"messages": [{"role": "user", "content": f"How do I use {words}?"}]}
    return "completions", client.post("/v1/chat/completions", json=body)


async def load_on(url: str, titles: list[str], clients: int, seconds: float) -> dict[str, Any]:
    """Every client asks until the time is over."""
    end = time.monotonic() + seconds
    times: dict[str, list[float]] = {}
    statuses: Counter[str] = Counter()
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=url, timeout=120, trust_env=False, limits=limits) as client:

        async def ask(number: int) -> None:
            chance = random.Random(number)
            turn = number
            while time.monotonic() < end:
                name, asked = request(client, chance.choice(titles), turn)
                turn += 1
                began = time.monotonic()
                try:
                    answer = await asked
                except httpx.HTTPError as error:
                    statuses[type(error).__name__] += 1
                    continue
                times.setdefault(name, []).append(time.monotonic() - began)
                statuses[str(answer.status_code)] += 1

        await asyncio.gather(*(ask(number) for number in range(clients)))
    return {
        "clients": clients, "seconds": seconds, "statuses": dict(sorted(statuses.items())),
        "requests_a_second": sum(map(len, times.values())) / seconds,
        "seconds_of_an_answer": {
            name: {"median": at(found, 0.5), "p95": at(found, 0.95), "count": len(found)} for name, found in sorted(times.items())
        },
    }  # fmt: skip


def at(values: list[float], share: float) -> float:
    """A quantile."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


async def queue_on(url: str, titles: list[str]) -> dict[str, int]:
    """Many ask a model at once."""
    async with httpx.AsyncClient(base_url=url, timeout=900, trust_env=False) as client:
        asked = [client.post("/v1/responses", json={"input": f"What is {words}?"}) for words in titles[:ASKING]]
        answers = await asyncio.gather(*asked)
    return dict(sorted(Counter(str(answer.status_code) for answer in answers).items()))


def main() -> None:
    """Build, index, serve, load, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--text", default="bundled:minilm")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=120)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build(load("default").with_sources([f"data:{SET}"]), f"{folder}/corpus")
        corpus = Corpus.open(f"{folder}/corpus")
        index(corpus, Settings(text="" if given.text == "none" else given.text))
        titles = sorted({title(document) for document in corpus if title(document)})
        with Server(corpus.store.url) as server:
            httpx.post(f"{server.url}v1/responses", json={"input": "What is this?"}, timeout=120, trust_env=False)
            before = resident(server.process.pid)
            loaded = asyncio.run(load_on(server.url, titles, given.clients, given.seconds))
            after = resident(server.process.pid)
        with Server(corpus.store.url, "--writer", MODEL) as server:
            queued = asyncio.run(queue_on(server.url, titles))
    result = {
        "text": given.text, **loaded, "mib_before": before, "mib_after": after, "model": {"writer": MODEL, "asked": ASKING, "statuses": queued},
        "code": code_hash("limner.serve.api"), "data": data_hashes((SET,)), "machine": machine(),
    }  # fmt: skip
    print(json.dumps(result, indent=2))
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    sys.exit(set(loaded["statuses"]) != {"200"} or not set(queued) <= {"200", "429"})


if __name__ == "__main__":
    main()
