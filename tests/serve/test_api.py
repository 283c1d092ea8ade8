"""OpenAI's interface, asked by its own client over HTTP: interleaved answers, streams, errors that say what is wrong, bounds that hold."""

from __future__ import annotations

import base64
import concurrent.futures
import json
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.reading import ATTACK, make_corpus, png
from limner.corpus.media import sha256
from limner.errors import LimnerError
from limner.experts import address
from limner.experts.language import Answer as Said
from limner.experts.language import Message, Sampling
from limner.search import Search, Settings, index

pytest.importorskip("fastapi", reason="limner[serve] is not installed")
openai = pytest.importorskip("openai", reason="limner[openai] is not installed")

from limner.serve.api import served  # noqa: E402
from limner.serve.server import running  # noqa: E402

QUESTION = "How do I crop, which tool?"
PICTURE = "data:image/png;base64," + base64.b64encode(png(64, 64, 3)).decode()


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    corpus = make_corpus(str(tmp_path_factory.mktemp("api") / "corpus"), pages=12)
    index(corpus)
    return Search.open(corpus)


@pytest.fixture(scope="module")
def url(search: Search) -> Iterator[str]:
    with running(served(search), port=0) as url:
        yield url


@pytest.fixture
def client(url: str):
    with openai.OpenAI(base_url=f"{url}v1", api_key="none", max_retries=0, http_client=httpx.Client(trust_env=False)) as client:
        yield client


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        yield client


def test_a_response_alternates_messages_and_pictures(client, search: Search):
    answer = client.responses.create(model="limner", input=QUESTION)
    kinds = [item.type for item in answer.output]
    assert {"message", "image_generation_call"} == set(kinds)
    assert all(a != b or a == "image_generation_call" for a, b in pairwise(kinds))
    for item in answer.output:
        if item.type == "image_generation_call":
            data = base64.b64decode(item.result)
            assert search.media(sha256(data)) == data
        else:
            for note in item.content[0].annotations:
                assert item.content[0].text[note.start_index : note.end_index].strip("\\[]").isdigit()
                assert note.url.startswith("http")
    assert "Pick the tool" in answer.output_text
    assert ATTACK not in answer.output_text
    again = client.responses.create(model="extractive", input="And how is it undone?", previous_response_id=answer.id)
    assert again.previous_response_id == answer.id


def test_a_stream_tells_what_the_answer_is(client):
    whole = client.responses.create(model="limner", input=QUESTION)
    with client.responses.stream(model="limner", input=QUESTION) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert final.output_text == whole.output_text
    assert [item.type for item in final.output] == [item.type for item in whole.output]
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == whole.output_text
    assert [e.sequence_number for e in events if hasattr(e, "sequence_number")] == sorted(e.sequence_number for e in events)


def test_chat_completions_are_markdown_with_images_that_are_served(client, http: httpx.Client):
    messages = [{"role": "system", "content": "You are a pirate."}, {"role": "user", "content": QUESTION}]
    answer = client.chat.completions.create(model="limner", messages=messages)
    said = answer.choices[0].message
    links = [image["image_url"]["url"] for image in said.images]
    assert links
    for link in links:
        assert f"({link})" in said.content
        assert http.get(link).headers["content-type"].startswith("image/")
    chunks = list(
        client.chat.completions.create(model="limner", messages=messages, stream=True, stream_options={"include_usage": True})
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == said.content
    assert chunks[-1].usage.completion_tokens == 0


def test_models_are_listed_and_others_are_not_there(client):
    assert [model.id for model in client.models.list()] == ["limner", "extractive"]
    with pytest.raises(openai.NotFoundError, match="there is no model"):
        client.responses.create(model="gpt-9", input="x")
    with pytest.raises(openai.NotFoundError, match="kept here"):
        client.responses.create(model="limner", input="x", previous_response_id="resp_0")
    with pytest.raises(openai.BadRequestError, match="no text encoder"):
        client.embeddings.create(model="limner", input="x")


def test_embeddings_are_the_encoders(tmp_path):
    from limner.experts.text_encoder import text_encoder

    pytest.importorskip("transformers")
    from experts.tiny import llama

    where = f"hf:{llama(tmp_path / 'encoder')}"
    corpus = make_corpus(str(tmp_path / "corpus"), pages=2)
    index(corpus, Settings(text=where))
    with running(served(Search.open(corpus)), port=0) as url:
        client = openai.OpenAI(base_url=f"{url}v1", api_key="none", max_retries=0, http_client=httpx.Client(trust_env=False))
        found = client.embeddings.create(model=where, input=["crop an image", "the sea"])
        plain = client.embeddings.create(model="limner", input="the sea", encoding_format="float")
        with pytest.raises(openai.BadRequestError, match="joint encoder"):
            client.embeddings.create(model="limner", input=PICTURE)
    true = text_encoder(where).embed(["crop an image", "the sea"])
    assert [row.embedding for row in found.data] == [pytest.approx(row.tolist(), abs=1e-6) for row in true]
    assert plain.data[0].embedding == pytest.approx(true[1].tolist(), abs=1e-6)


WRONG = [
    ({}, "input"),
    ({"input": 5}, "input"),
    ({"input": ""}, "input"),
    ({"input": "x" * 2_001}, "input"),
    ({"input": [{"role": "assistant", "content": "x"}]}, "input"),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "http://127.0.0.1:1/a.png"}]}]}, "input"),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "file:///etc/passwd"}]}]}, "input"),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]}]}, "input"),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,é"}]}]}, "input"),
    ({"input": [{"role": "user", "content": "x"}] * 201}, "input"),
    ({"input": "x", "model": ["a"]}, "model"),
]


@pytest.mark.parametrize(("body", "param"), WRONG)
def test_what_cannot_be_answered_is_a_clear_4xx(http: httpx.Client, body, param: str):
    answer = http.post("/v1/responses", json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"].startswith(param)
    assert error["message"]


def test_a_picture_that_is_too_large_is_refused_unread(http: httpx.Client):
    bomb = png(64, 64, 1)[:16] + (60_000).to_bytes(4, "big") * 2 + png(64, 64, 1)[24:]
    many = {"type": "input_image", "image_url": "data:image/png;base64," + base64.b64encode(bomb).decode()}
    answer = http.post("/v1/responses", json={"input": [{"role": "user", "content": [many]}]})
    assert answer.status_code == 400
    assert http.post("/v1/responses", content=b"x" * (13 << 20)).status_code == 413

    def unending() -> Iterator[bytes]:
        for _ in range(14):
            yield b"x" * (1 << 20)

    assert http.post("/v1/responses", content=unending()).status_code == 413


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b'{"input":' * 50_000, b"\xff\xfe", b"NaN", b'"x"', b"[]"])
def test_what_is_no_request_is_a_4xx(http: httpx.Client, content: bytes):
    for path in ("/v1/responses", "/v1/chat/completions", "/v1/embeddings"):
        answer = http.post(path, content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 400, (path, answer.text)
        assert answer.json()["error"]["message"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "role", "content", "text", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["input", "messages", "model", "stream", "previous_response_id", "n"]), JSON, max_size=5))
def test_no_body_makes_the_server_fail(http: httpx.Client, body):
    for path in ("/v1/responses", "/v1/chat/completions", "/v1/embeddings"):
        assert http.post(path, json=body).status_code in (200, 400, 404)


def test_only_this_machine_and_its_own_pages_may_ask(http: httpx.Client):
    body = {"input": QUESTION}
    assert http.post("/v1/responses", json=body, headers={"host": "evil.example"}).status_code == 421
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        assert http.post("/v1/responses", json=body, headers=headers).status_code == 403, headers
        assert http.post("/chat", data={"question": "x"}, headers=headers).status_code == 403, headers
    own = str(http.base_url).rstrip("/")
    assert http.post("/v1/responses", json=body, headers={"origin": own}).status_code == 200
    assert http.put("/v1/responses", json=body).status_code == 405
    assert http.post("/documents").status_code == 405


def test_a_key_is_asked_for_everywhere(search: Search):
    with running(served(search, key="se cret"), port=0) as url, httpx.Client(base_url=url, trust_env=False) as http:
        for path in ("/", "/media/x", "/v1/models", "/static/style.css"):
            assert http.get(path).status_code == 401
        basic = base64.b64encode(b"me:se cret").decode()
        for given_ in ("Bearer se cret", f"Basic {basic}"):
            assert http.get("/v1/models", headers={"authorization": given_}).status_code == 200
        for given_ in ("Bearer wrong", "Bearer", "Basic !", "se cret", "Digest se cret"):
            assert http.get("/v1/models", headers={"authorization": given_}).status_code == 401


def test_others_are_served_only_with_a_key(search: Search):
    from click.testing import CliRunner

    from limner.cli.main import limner

    refused = CliRunner().invoke(limner, ["serve", search.corpus.store.url, "--host", "0.0.0.0"])
    assert isinstance(refused.exception, LimnerError)
    assert "--api-key" in str(refused.exception)


class Slow:
    """A language model that says its sentence when it is let."""

    sees = False
    go = threading.Event()

    def answer(self, prompts: Sequence[Sequence[Message]], sampling: Sampling = Sampling()) -> list[Said]:  # noqa: B008
        assert Slow.go.wait(30)
        return [Said(("Cropping takes away what is around the subject. Cows fly to the moon on Tuesdays.",), True, 7, 3)]


def test_models_queue_and_then_say_429(search: Search):
    address.register("language", "slow")(lambda rest: Slow())
    try:
        with running(served(search, "slow:x"), port=0) as url, concurrent.futures.ThreadPoolExecutor(12) as pool:
            client = openai.OpenAI(base_url=f"{url}v1", api_key="x", max_retries=0, http_client=httpx.Client(trust_env=False))

            def ask() -> object:
                try:
                    return client.responses.create(model="limner", input=QUESTION)
                except openai.RateLimitError as error:
                    return error

            asked = [pool.submit(ask) for _ in range(12)]
            concurrent.futures.wait(asked, timeout=20, return_when=concurrent.futures.FIRST_COMPLETED)
            Slow.go.set()
            told = [future.result() for future in asked]
            busy = [error for error in told if isinstance(error, openai.RateLimitError)]
            assert 1 <= len(busy) <= 3  # nine find a place
            assert all(error.response.headers["retry-after"] == "5" for error in busy)
            answers = [answer for answer in told if not isinstance(answer, openai.RateLimitError)]
            assert all("Cows fly" in answer.output_text and "no source says so" in answer.output_text for answer in answers)
            assert answers[0].usage.output_tokens == 3
            # Exact sentences do not wait behind a model.
            assert client.responses.create(model="extractive", input=QUESTION).output_text
    finally:
        del address._registered["language", "slow"]
        address.resolve.cache_clear()


def test_what_goes_wrong_in_a_stream_is_told_in_it(http: httpx.Client):
    with http.stream("POST", "/v1/responses", json={"input": QUESTION, "stream": True, "store": False}) as answer:
        lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
    last = json.loads(lines[-1].removeprefix("data: "))
    assert last["type"] == "response.completed"
    assert http.post("/v1/responses", json={"input": "x", "previous_response_id": last["response"]["id"]}).status_code == 404
