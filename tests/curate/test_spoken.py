"""Speech that is kept or not, and shots told in words: by rules, by models that are here, and by a server on 127.0.0.1."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image as Picture
from PIL import ImageDraw

from curate.context import MemoryContext
from experts.test_language import Served
from limner.curate.shots import AnnotateShots, FrameText, NarrateShots, ShotRelevance, shots
from limner.curate.spoken import RefineSpeech, SpeechQuality, span, spoken
from limner.document import Document, Image, Text
from limner.packages.cachedir import cache_folder

RULES = SpeechQuality(model="", encoder="", min_words=4)


def talk(*said: str, language: str = "en", duration: str = "60.0", title: str = "", id: str = "d") -> Document:
    texts = tuple(Text(n, text, "speech", place=f"time:{n}.0-{n + 1}.0") for n, text in enumerate(said))
    return Document(id, texts, title=title, language=language, meta={"duration": duration})


def bundled(*names: str) -> None:
    pytest.importorskip("transformers")
    for name in names:
        if not (cache_folder("models") / name).is_dir():
            pytest.skip(f"the weights {name} are not here: they come with their first use")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (talk("pick the crop tool and draw"), ""),
        (talk("pick the crop tool and draw", language=""), ""),
        (talk("pick the crop tool and draw", language="en-GB"), ""),
        (talk("pick it"), "no-speech"),
        (talk(), "no-speech"),
        (talk("pick the crop tool and draw", duration="9.0"), "too-short"),
        (talk("prenez l'outil de découpage", language="fr"), "language"),
        (talk("pick the crop tool", *["Thank you for watching."] * 4), "repeats"),
    ],
)
def test_videos_fall_by_rule(document: Document, reason: str):
    context = MemoryContext()
    left = list(RULES.batch([document], context))
    assert [r.reason for _, _, r in context.dropped] == ([reason] if reason else [])
    assert left == ([] if reason else [document])


def test_only_words_that_are_said_count():
    document = Document("d", (Text(0, "a heading with many words in it", "heading"), Text(1, "two words", "speech")))
    assert not list(RULES.batch([document], MemoryContext()))
    assert spoken(document) == [document.parts[1]]


def test_words_that_make_no_sense_and_those_off_the_topic_fall():
    bundled("smollm2-135m-instruct", "all-minilm-l6-v2")
    sense = "The cow eats grass. The goat lives in the mountains. The horse runs fast."
    documents = [
        talk(sense, title="Animals", id="right"),
        talk("Ung shah venn doodle lack mopper quint zoo parler voo", title="Animals", id="noise"),
        talk("Add the fractions by finding a common denominator. Then divide both by two.", title="Wild animals", id="off"),
    ]
    context = MemoryContext()
    left = list(SpeechQuality(min_words=4, surprise=6.0).batch(documents, context))
    assert [document.id for document in left] == ["right"]
    assert {id: reason.reason for id, _, reason in context.dropped} == {"noise": "surprise", "off": "off-topic"}
    assert {reason.reason for _, _, reason in context.notes} == {"surprise", "relevance"}


class Asked(Served):
    """A server that answers with a given text."""

    def __init__(self, text: str) -> None:
        super().__init__(refuse=0)
        self.text = text

    def answer(self, body: dict, number: int) -> dict:
        answer = super().answer(body, number)
        answer["choices"][0]["message"]["content"] = self.text
        return answer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path):
    pytest.importorskip("openai")
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path))
    made: list[Asked] = []

    def start(text: str) -> Asked:
        made.append(Asked(text))
        return made[-1]

    yield start
    for server in made:
        server.server.shutdown()
        server.server.server_close()


def test_a_model_can_be_asked_for_the_three_scores(asked):
    scores = {"relevance": 8, "density": 3, "quality": 9}
    server = asked(f"Here you are: {json.dumps(scores)}")
    context = MemoryContext()
    operator = SpeechQuality(how="ask", model=f"openai:judge@{server.url}", min_words=4)
    assert not list(operator.batch([talk("pick the crop tool and draw", title="Cropping")], context))
    assert [r for _, _, r in context.dropped] == [("density", 3.0, 5.0, "")]
    assert "Cropping" in server.asked[0]["messages"][-1]["content"]
    silent = asked("I cannot say.")
    operator = SpeechQuality(how="ask", model=f"openai:other@{silent.url}", min_words=4)
    assert list(operator.batch([talk("pick the crop tool and draw")], MemoryContext()))


def test_rewritten_speech_is_taken_where_its_length_is_plausible(asked):
    server = asked("Pick the crop tool.")
    context = MemoryContext()
    document = talk("um so pick the crop tool", "well " * 40)
    (left,) = RefineSpeech(f"openai:writer@{server.url}").batch([document], context)
    assert [text.text for text in left.texts] == ["Pick the crop tool.", document.texts[1].text]
    assert [(n, reason.reason) for _, n, reason in context.notes] == [(0, "refined"), (1, "refine-refused")]
    assert [(t.n, t.role, t.place) for t in left.texts] == [(t.n, t.role, t.place) for t in document.texts]


def picture(context: MemoryContext, colour: str = "white") -> str:
    page = Picture.new("RGB", (320, 180), colour)
    ImageDraw.Draw(page).ellipse((100, 40, 220, 140), "orange")
    with io.BytesIO() as out:
        page.save(out, "PNG")
        return context.put(out.getvalue()).ref


def film(context: MemoryContext) -> Document:
    parts = (
        Image(0, picture(context), place="time:0.0-4.0"),
        Text(1, "INTRODUCTION", "ocr", place="time:0.0-4.0"),
        Text(2, "An orange.", "speech", place="time:1.0-2.0"),
        Image(3, picture(context, "blue"), place="time:4.0-9.0"),
        Text(4, "said after all of it", "speech", place="time:9.5-11.0"),
    )
    return Document("film", parts)


def test_a_shot_has_what_is_said_while_it_is_shown():
    document = film(MemoryContext())
    assert [(image.n, [text.n for text in said]) for image, said in shots(document)] == [(0, [2]), (3, [])]
    assert span("time:1.0-x") is None
    assert shots(document.evolve(parts=(Image(0), Text(1, "a", "speech")))) == []


def test_text_on_frames_goes_where_it_says_nothing_or_its_frame_is_gone():
    context = MemoryContext()
    document = film(context)
    more = (
        Text(5, "心", "ocr", place="time:4.0-9.0"),
        Text(6, "E=", "ocr", place="time:4.0-9.0"),
        Text(7, "x2", "ocr", place="time:4.0-9.0"),
    )
    document = document.evolve(parts=(*document.parts[1:], *more, Text(8, "a", "ocr", place="page:3")))
    (left,) = FrameText()(document, context)
    assert [part.n for part in left.parts] == [2, 3, 4, 7, 8]
    assert [(n, r.reason) for _, n, r in context.dropped] == [(1, "frame-gone"), (5, "few-letters"), (6, "few-letters")]
    (kept,) = FrameText(min_letters=1, gone="keep")(document, context)
    assert kept == document


def test_unrelated_frames_go_and_their_words_stay():
    bundled("efficientnet-lite0", "all-minilm-l6-v2", "imagenet-names")
    context = MemoryContext()
    document = film(context)
    (scores,) = ShotRelevance().scores([document], context)
    assert set(scores) == {0}
    value = scores[0]
    (left,) = ShotRelevance(threshold=value + 0.01, silent="drop").batch([document], context)
    assert [part.n for part in left.parts] == [1, 2, 4]
    assert [(n, reason.reason) for _, n, reason in context.dropped] == [(0, "shot-unrelated"), (3, "shot-silent")]
    (left,) = ShotRelevance(threshold=value - 0.01).batch([document], context)
    assert left == document


def test_what_is_seen_stands_after_its_frame_as_its_caption(asked):
    server = asked("An orange\n disc.")
    context = MemoryContext()
    address = f"openai:eye@{server.url}"
    (left,) = AnnotateShots(captioner=address, detector="").batch([film(context)], context)
    assert [(part.n, getattr(part, "of", None)) for part in left.parts] == [
        (0, None),
        (5, 0),
        (1, None),
        (2, None),
        (3, None),
        (6, 3),
        (4, None),
    ]
    assert {text.text for text in left.texts if text.role == "caption"} == {"An orange disc."}
    assert left.meta["shot"] == address
    sent = server.asked[0]["messages"][-1]["content"]
    assert [part["type"] for part in sent] == ["image_url", "text"]
    teller = asked("An orange disc, which is called so.")
    (told,) = NarrateShots(f"openai:pen@{teller.url}").batch([left], context)
    assert [(part.n, getattr(part, "role", "image")) for part in told.parts] == [
        (0, "image"),
        (7, "paragraph"),
        (3, "image"),
        (8, "paragraph"),
        (4, "speech"),
    ]
    prompts = [each["messages"][-1]["content"] for each in teller.asked]
    assert any("Seen: An orange disc.\nText on it: INTRODUCTION\nSaid: An orange." in prompt for prompt in prompts)


def test_settings_that_make_no_sense_are_refused():
    for make in (lambda: AnnotateShots("", ""), lambda: SpeechQuality(repeats=0.0), lambda: RefineSpeech("x", within=2.0)):
        with pytest.raises(ValueError, match="must be"):
            make()
