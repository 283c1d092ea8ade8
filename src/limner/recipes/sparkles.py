"""Sparkles: a model that reads single images tuned on dialogues whose images stand in the middle of sentences, and asked about several.

Huang et al. 2023, arXiv 2308.16463 (abstract and the authors' programs; figures of tasks from the names of the result files that their README lists).
There MiniGPT-4's projection, trained on single images, is tuned on dialogues that GPT-4 wrote; SparklesEval grades both turns of held-out ones, BISON
asks which of two images a caption is of, NLVR2 whether a statement about two is true; answers reason first and conclude then.

Here a decoder of less than a million weights reads frozen features, one token an image, and dialogues are composed of emoji
(`limner.recipes.dialogues`), so that a rule tells what is right. It learns to name single images first (*before*, which is asked nothing else),
and is then tuned on dialogues over several images, or on as many tokens of dialogues about one (*single*): the fair baseline, since it
knows how questions are answered. Asked are dialogues of pictures by an artist whom the decoder has not seen (the frozen encoder has). A model this
small follows no instruction of a form that it has not read, so the forms of both tasks are among the turns of the dialogues; there they are
not. Where an answer concludes nothing, half is counted: what guessing would give.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from limner.evaluate.benchmark import Item, Output
from limner.evaluate.benchmarks.dialoguefacts import pointed, truths
from limner.evaluate.benchmarks.sparkleseval import SPARKLES_EVAL
from limner.evaluate.judges.address import judge
from limner.evaluate.judging import Judge
from limner.experts.onnx import Floats
from limner.models.decoder import DecoderSettings
from limner.models.interleaved import Interleaved
from limner.models.vocabulary import Vocabulary
from limner.recipes.chatting import ChatSettings, Writer, chatted, made, taught
from limner.recipes.dialogues import Composer, Dialogue, Shown, Turn, things, written
from limner.recipes.gains import compared
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe

_WORDS = 512  # of a vocabulary; names of things are one each
_MEASURES = {"whole": "ruled whole", "one": "ruled turn one", "two": "ruled turn two"}


@dataclass(frozen=True)
class Settings:
    """What is trained and asked.

    `data`       sets of emoji, the last is asked about and the others are trained on; `things` that all of them draw
    `chat`       the model
    `named`, `tuned`   steps of naming single images, and of either tuning
    `dialogues`  that are composed for tuning; they come again
    `evaluated`, `asked`  dialogues of the evaluation, questions of each of both tasks
    `judge`      address of a judge that grades the evaluation too, "" for the rule alone
    """

    data: tuple[str, ...] = ("fluent-emoji", "openmoji", "noto-emoji")
    things: int = 20
    chat: ChatSettings = field(default_factory=ChatSettings)
    named: int = 100
    tuned: int = 1_200
    dialogues: int = 8_000
    evaluated: int = 60
    asked: int = 150
    judge: str = ""


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Compose, name, tune on both kinds, ask; `seed` composes and draws weights."""
    s, of = settings, things(settings.data, settings.things)
    known, new = list(range(len(s.data) - 1)), [len(s.data) - 1]
    train, test = (Composer(of, who, random.Random(f"{seed} {what}")) for who, what in ((known, "train"), (new, "test")))
    several = [train.dialogue() for _ in range(s.dialogues)]
    alone = [train.single() for _ in range(s.dialogues)]
    vocabulary = Vocabulary.learnt(_texts([*several[:1_000], *alone[:1_000]]), _WORDS)
    writer = Writer(of, vocabulary)
    yield Measurement("things", len(of.names), note="that every artist drew")
    before = made(s.chat, of, vocabulary, seed)
    yield Measurement("parameters", sum(p.numel() for p in before.parameters()) / 1e6, "million")
    pairs = [writer.pair(Shown(artist, thing)) for artist in known for thing in range(len(of.names))]
    many = 1 + s.named * s.chat.tokens // sum(map(len, pairs))
    ended = taught(before, pairs * many, s.chat, of.channels, s.named, seed)
    yield Measurement("before.loss", ended.loss, "nats", "a token of names, at the end of training")
    models = {"before": before}
    for way, dialogues in (("tuned", several), ("single", alone)):
        models[way] = deepcopy(before)
        ended = taught(models[way], [writer.dialogue(turns) for turns in dialogues], s.chat, of.channels, s.tuned, seed)
        yield Measurement(f"{way}.loss", ended.loss, "nats", "a token of answers, at the end of tuning")
        yield Measurement(f"{way}.tokens", ended.tokens, "tokens", "that it was tuned on")
    yield from _asked(models, writer, test, s)


def _texts(dialogues: Sequence[Dialogue]) -> Iterator[str]:
    for turn in (turn for turns in dialogues for turn in turns):
        yield from (piece for piece in turn.asked if isinstance(piece, str))
        yield f" {turn.answer}"


def _asked(models: Mapping[str, Interleaved], writer: Writer, test: Composer, s: Settings) -> Iterator[Measurement]:
    """The evaluation and both tasks, of each model, and of the tuned one with blank images."""
    dialogues = [test.evaluated() for _ in range(s.evaluated)]
    tasks = {"selection": [test.selection() for _ in range(s.asked)], "statement": [test.statement() for _ in range(s.asked)]}
    asks = {name: (model, writer) for name, model in models.items()}
    asks["blank"] = models["tuned"], Writer(writer.of, writer.vocabulary, blank=True)
    found: dict[str, dict[str, Floats]] = {}
    with TemporaryDirectory(prefix="limner-recipe-") as place:
        written(dialogues, writer.of, Path(place))
        items = list(SPARKLES_EVAL.items(Path(place)))
        for name, (model, own) in asks.items():
            answers = chatted(model, own, dialogues)
            found[name] = _graded(items, answers, judge(s.judge) if s.judge else None)
            for task, turns in tasks.items():
                said = [told[0] for told in chatted(model, own, [(turn,) for turn in turns])]
                found[name][task] = np.array([right(turn, text) for turn, text in zip(turns, said, strict=True)], np.float32)
                unread = 100 * float(np.mean([not concluded(turn, text) for turn, text in zip(turns, said, strict=True)]))
                yield Measurement(f"{name}.{task}.unread", unread, "%", "of answers conclude nothing, or both: half right")
    for name, figures in found.items():
        for figure, values in figures.items():
            yield Measurement(f"{name}.{figure}", float(values.mean()), "%" if figure in tasks else "of 10")
    for figure in found["tuned"]:
        unit = "%" if figure in tasks else ""
        for key, worse in (("gain", "before"), ("ablation", "single"), ("sees", "blank")):
            yield from compared(f"{key}.{figure}", found["tuned"][figure], found[worse][figure], ("tuned", worse), unit)


def _graded(items: Sequence[Item], answers: Sequence[tuple[str, ...]], by: Judge | None) -> dict[str, Floats]:
    """Grades by rule; with a judge, its own as well, where it did not fail."""
    scored = [
        SPARKLES_EVAL.score(item, Output(tuple((text,) for text in told)), by) for item, told in zip(items, answers, strict=True)
    ]
    found = {name: np.array([one.values[key] for one in scored], np.float32) for name, key in _MEASURES.items()}
    if by is not None:
        lowest = 1.0  # a grade that failed is no grade: it counts as the lowest, and how many failed stands beside it
        found["judged"] = np.array([one.values.get("whole", lowest) for one in scored], np.float32)
        found["judged.failed"] = np.array([float("whole" in one.failed) for one in scored], np.float32)
    return found


def concluded(turn: Turn, answer: str) -> bool:
    """Whether an answer concludes one thing."""
    return len(pointed(answer) if turn.facts.meant is not None else truths(answer)) == 1


def right(turn: Turn, answer: str) -> float:
    """Whether what an answer concludes is right, in percent; half of it where it concludes nothing."""
    if not concluded(turn, answer):
        return 50.0
    if turn.facts.meant is not None:
        return 100.0 * (pointed(answer) == {turn.facts.meant})
    return 100.0 * (truths(answer) == {turn.facts.agree})


def _claims() -> Iterator[Claim]:
    table = "not at hand: the paper compares tuning data, but its table could not be looked up here"
    rule = "graded by rule, paired over held-out dialogues"
    for key, figure, statement, paper, effect in (
        ("whole", "whole", "tuning on dialogues over several images lifts SparklesEval", "3.91 to 8.56 of 10 (abstract)", 1.0),
        ("one", "one", "... in the first turn", "no figure of turns in the abstract", 1.0),
        ("two", "two", "... and in the second, which brings new images", "no figure of turns in the abstract", 1.0),
        (
            "selection",
            "selection",
            "it lifts the selection of one of two images",
            "BISON 46.0 to 56.7 % (the authors' result files)",
            5.0,
        ),
        (
            "statement",
            "statement",
            "it lifts true and false about two images",
            "NLVR2 51.3 to 58.0 % (the authors' result files)",
            5.0,
        ),
    ):
        measured = "questions answered right, %, paired; by chance 50" if effect > 1 else rule
        yield Claim(key, statement, paper, f"{measured}: tuned against before", effect=effect, within=f"gain.{figure}")
    for figure, what, effect in (
        ("whole", "SparklesEval", 1.0),
        ("selection", "selection", 5.0),
        ("statement", "true and false", 5.0),
    ):
        yield Claim(
            f"ablation-{figure}", f"dialogues over several images teach more than as many tokens about single ones ({what})", table,
            "tuned on several against tuned on single images, paired", effect=effect, within=f"ablation.{figure}",
        )  # fmt: skip
    yield Claim(
        "sees", "the images are what it goes by", "not claimed: our control", "whole by rule, against the same model with blank images, paired",
        effect=1.0, within="sees.whole",
    )  # fmt: skip
    yield Claim(
        "published", "SparklesChat nears GPT-4", "8.56 against 9.26", "the authors' dialogues and judge",
        waits="their files and a judge of the size of GPT-4: the benchmark `sparkles-eval` (`limner.evaluate.benchmarks.sparkleseval`) reads them",
    )  # fmt: skip


_LAPTOP = Settings(chat=ChatSettings(DecoderSettings(128, 3, 4, 4, 344), tokens=512, rate=3e-3))
_SMOKE = ChatSettings(DecoderSettings(32, 1, 2, 2, 64), tokens=256)
RECIPE = Recipe(
    slug="sparkles",
    title="Sparkles: dialogues over several images, each where a word would stand",
    reference="Huang et al. 2023, Sparkles: Unlocking Chats Across Multiple Images for Multimodal Instruction-Following Models, arXiv 2308.16463",
    claims=list(_claims()),
    settings={
        "smoke": replace(_LAPTOP, things=8, chat=_SMOKE, named=4, tuned=8, dialogues=60, evaluated=3, asked=4),
        "laptop": _LAPTOP,
        "gpu": replace(
            _LAPTOP, things=1_000, chat=ChatSettings(DecoderSettings(512, 8, 8, 8, 1_376), tokens=16_384, rate=6e-4), named=2_000, tuned=10_000,
            dialogues=500_000, evaluated=500, asked=1_000,
        ),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("SparklesEval by rule, of 10", "{series}.{row}", ("before", "single", "tuned")),
        Panel("Questions about two images answered right (%)", "{row}.{series}", ("selection", "statement")),
    ],
)  # fmt: skip
