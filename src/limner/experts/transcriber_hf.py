"""Whisper-class models in the layout of Hugging Face transformers, run by torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from limner.errors import ExpertError
from limner.experts.device import place, torch_for, transformers_for
from limner.experts.transcriber import Cue, Samples, Transcript
from limner.experts.voice import RATE

BATCH = 8
"""Pieces that the model hears at once."""


def from_hub(rest: str) -> HubWhisper:
    """The model at a name of the Hub or in a folder."""
    return HubWhisper(rest)


class HubWhisper:
    """A model, its tokenizer and what turns sound into its input."""

    def __init__(self, name: str) -> None:
        purpose = f"the transcriber hf:{name}"
        self._torch = torch_for(purpose)
        transformers = transformers_for(purpose)
        self._device, self._type = place()
        try:
            self._processor: Any = transformers.WhisperProcessor.from_pretrained(name)
            model = transformers.WhisperForConditionalGeneration.from_pretrained(name, use_safetensors=True)
        except (OSError, ValueError, TypeError) as error:
            raise ExpertError(f"hf:{name} is not a Whisper-class model that can be loaded: {error}") from error
        self._model: Any = model.to(self._device, self._type).eval()
        self._many = bool(getattr(model.generation_config, "is_multilingual", False))

    def transcribe(self, pieces: Sequence[Samples], language: str = "") -> list[Transcript]:
        """See `Transcriber`."""
        if not pieces:
            return []
        with self._torch.inference_mode():
            features = [self._features(pieces[at : at + BATCH]) for at in range(0, len(pieces), BATCH)]
            language = language.partition("-")[0] or self._language(features)
            return [transcript for batch in features for transcript in self._batch(batch, language)]

    def _features(self, pieces: Sequence[Samples]) -> Any:
        made = self._processor.feature_extractor(
            list(pieces), sampling_rate=RATE, return_tensors="pt", return_attention_mask=True
        )
        return {
            "input_features": made.input_features.to(self._device, self._type),
            "attention_mask": made.attention_mask.to(self._device),
        }

    def _language(self, features: Sequence[Any]) -> str:
        """The language that most pieces are in."""
        if not self._many:
            return "en"
        ids = [int(i) for batch in features for i in self._model.detect_language(batch["input_features"]).reshape(-1)]
        token, _ = Counter(ids).most_common(1)[0]
        return cast("str", self._processor.tokenizer.decode([token])).strip("<|>")

    def _batch(self, batch: Any, language: str) -> list[Transcript]:
        asked = {"language": language, "task": "transcribe"} if self._many else {}
        out = self._model.generate(**batch, **asked, return_timestamps=True, return_segments=True, do_sample=False)
        return [Transcript(language, tuple(self._cues(segments))) for segments in out["segments"]]

    def _cues(self, segments: Sequence[Any]) -> list[Cue]:
        cues: list[Cue] = []
        for segment in segments:
            text = self._processor.tokenizer.decode(segment["tokens"], skip_special_tokens=True).strip()
            start, end = float(segment["start"]), float(segment["end"])
            if text and end >= start:
                cues.append(Cue(start, end, text))
        return cues
