"""Language models: a tiny one run here, one behind a real server on 127.0.0.1, and the bundled one where its weights are."""

from __future__ import annotations

import base64
import http.server
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image as Picture

from experts.tiny import llama
from limner.errors import ExpertError
from limner.experts.language import Answer, LanguageModel, Message, Sampling, Scores, language, system, user
from limner.experts.language_pictures import fetcher
from limner.packages.cachedir import cache_folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return language(f"hf:{llama(tmp_path_factory.mktemp('llama'))}")


def test_a_batch_answers_as_each_prompt_alone(tiny: LanguageModel) -> None:
    prompts = [
        [user("the crop tool")],
        [system("Be short."), user("an image of the outer parts, and of much else besides")],
        [user("a")],
    ]
    sampling = Sampling(tokens=12)
    together = tiny.answer(prompts, sampling)
    assert [answer.text for answer in together] == [tiny.answer([prompt], sampling)[0].text for prompt in prompts]
    assert all(answer.tokens_in > 0 and 0 < answer.tokens_out <= 12 for answer in together)
    assert tiny.answer([], sampling) == []


def test_a_seed_draws_the_same_again_and_another_does_not(tiny: LanguageModel) -> None:
    drawn = [
        tiny.answer([[user("the crop tool")]], Sampling(tokens=20, temperature=1.0, seed=seed))[0].text for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_an_answer_ends_before_its_stop(tiny: LanguageModel) -> None:
    (whole,) = tiny.answer([[user("the crop tool")]], Sampling(tokens=20))
    assert not whole.whole
    stop = whole.text[4:6]
    (cut,) = tiny.answer([[user("the crop tool")]], Sampling(tokens=20, stop=(stop,)))
    assert cut.whole
    assert cut.text == whole.text[: whole.text.index(stop)]


def test_what_does_not_fit_is_said(tiny: LanguageModel) -> None:
    with pytest.raises(ExpertError, match="do not fit into the 256"):
        tiny.answer([[user("the crop tool " * 200)]], Sampling(tokens=12))
    with pytest.raises(ExpertError, match="takes no images"):
        tiny.answer([[user("what is this?", b"\x89PNG")]])


def test_likelihood_is_the_sum_of_the_tokens_own(tiny: LanguageModel) -> None:
    import torch

    assert isinstance(tiny, Scores)
    pairs = [("the crop tool", " removes the outer parts"), ("", "an image"), ("of an image " * 300, " removes"), ("the", " of")]
    together = tiny.likelihood(pairs)
    assert together == [pytest.approx(tiny.likelihood([pair])[0], abs=0.1) for pair in pairs]
    text, after = pairs[0]
    ids = [tiny.tokenizer(t, add_special_tokens=False, return_tensors="pt")["input_ids"] for t in (text, after)]
    with torch.inference_mode():
        logits = tiny.model(torch.cat(ids, 1)).logits.float().log_softmax(-1)[0, ids[0].shape[1] - 1 : -1]
    own = logits.gather(1, ids[1][0][:, None]).sum()
    assert together[0] == (pytest.approx(float(own), abs=0.1), ids[1].shape[1])


class Served:
    """A server of chat completions that answers with the number of the request, refusing the first as one too many."""

    def __init__(self, refuse: int = 1) -> None:
        self.asked: list[dict] = []
        self.refuse = refuse
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler) -> None:  # noqa: N805
                body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
                with lock:
                    self.asked.append(body)
                    number = len(self.asked)
                refused = number <= self.refuse
                answer = {"error": {"message": "slow down"}} if refused else self.answer(body, number)
                data = json.dumps(answer).encode()
                handler.send_response(429 if refused else 200)
                handler.send_header("content-type", "application/json")
                handler.send_header("retry-after-ms", "1")
                handler.send_header("content-length", str(len(data)))
                handler.end_headers()
                handler.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, body: dict, number: int) -> dict:
        asked = body["messages"][-1]["content"]
        text = f"answer {number} to {asked if isinstance(asked, str) else [part['type'] for part in asked]}"
        return {
            "id": "x", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }  # fmt: skip


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Served]:
    pytest.importorskip("openai")
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path))
    made = Served()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_server_is_asked_once_for_each_question(served: Served) -> None:
    model = language(f"openai:some-model@{served.url}")
    first = model.answer([[system("Be short."), user("one")]])
    assert first == [Answer(("answer 2 to one",), True, 7, 3)]  # the first was refused, and sent again
    assert model.answer([[system("Be short."), user("one")]]) == first
    assert len(served.asked) == 2
    assert (model.spent.requests, model.spent.kept, model.spent.tokens_in, model.spent.tokens_out) == (1, 1, 7, 3)
    model.answer([[system("Be short."), user("one")]], Sampling(tokens=9))
    assert len(served.asked) == 3
    assert served.asked[0]["messages"] == [{"role": "system", "content": "Be short."}, {"role": "user", "content": "one"}]


def test_images_are_sent_in_their_place(served: Served) -> None:
    out = io.BytesIO()
    Picture.new("RGB", (4, 4)).save(out, "PNG")
    (answer,) = language(f"openai:seeing@{served.url}").answer([[Message("user", ("before", out.getvalue(), "after"))]])
    assert answer.text == "answer 2 to ['text', 'image_url', 'text']"
    assert served.asked[-1]["messages"][0]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


def test_pictures_of_an_answer_come_in_their_place_where_they_are_asked_for(served: Served) -> None:
    served.refuse = 0
    out = io.BytesIO()
    Picture.new("RGB", (4, 4)).save(out, "PNG")
    png = out.getvalue()
    uri = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    message = {"role": "assistant", "content": f"First ![a]({uri}) then ![b](http://elsewhere.test/b.png).", "images": [
        {"type": "image_url", "image_url": {"url": uri}}]}  # fmt: skip
    plain = served.answer

    def answer(body: dict, number: int) -> dict:
        held = plain(body, number)
        held["choices"][0]["message"] = message
        return held

    served.answer = answer  # type: ignore[method-assign]
    model = language(f"openai:drawing@{served.url}")
    asked = [[user("Draw.")]]
    for _ in range(2):  # the second time from the cache
        (answered,) = model.answer(asked, Sampling(images=4))
        assert answered.parts == ("First", png, "then ![b](http://elsewhere.test/b.png).")
    assert served.asked[-1]["modalities"] == ["text", "image"]
    assert len(served.asked) == 1
    (without,) = model.answer(asked)
    assert without.parts == (message["content"],)


def test_a_picture_that_is_none_is_an_error(served: Served) -> None:
    fetch = fetcher(served.url, "")
    assert fetch("http://127.0.0.1:1/x.png") is None  # another server's is not fetched
    with pytest.raises(ExpertError, match="a picture that is none"):
        fetch("data:image/png;base64,aGVsbG8=")
    with pytest.raises(ExpertError, match="not base64"):
        fetch("data:image/png,hello")
    with pytest.raises(ExpertError, match="does not come"):
        fetch("/nothing.png")


def test_many_questions_keep_their_order(served: Served) -> None:
    served.refuse = 0
    answers = language(f"openai:many@{served.url}").answer([[user(f"q{i}")] for i in range(30)])
    assert [answer.text.split(" to ")[1] for answer in answers] == [f"q{i}" for i in range(30)]


def test_a_server_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai")
    monkeypatch.setattr("limner.experts.language_openai.RETRIES", 0)
    with pytest.raises(ExpertError, match=r"openai:m@http://127\.0\.0\.1:9/v1 did not answer"):
        language("openai:m@http://127.0.0.1:9/v1").answer([[user("x")]])


def test_the_bundled_model_knows_a_capital() -> None:
    pytest.importorskip("transformers")
    if not (cache_folder("models") / "smollm2-135m-instruct").is_dir():
        pytest.skip("its weights are not here: they come with the first use of bundled:smollm2-135m")
    model = language()
    assert "Paris" in model.answer([[user("What is the capital of France?")]], Sampling(tokens=20))[0].text
    assert isinstance(model, Scores)
    right, wrong = model.likelihood([("The capital of France is", " Paris"), ("The capital of France is", " Berlin")])
    assert right[0] > wrong[0] + 2
