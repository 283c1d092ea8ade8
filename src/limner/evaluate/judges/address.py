"""Addresses of judges of interleaved work.

`bundled:trained`      the default: a small scorer trained on planted defects, over the measures of the next two
`bundled:structural`   rules and counts, no model
`bundled:coherent`     encoders of texts and of pictures
`language:ADDRESS`     a language model that is asked (`language:openai:MODEL@URL`, `language:hf:NAME`, `language:bundled:smollm2-135m`)
`blind:ADDRESS`        the same, not shown pictures: for a server whose model takes none
`likelihood:ADDRESS`   a language model by how likely it holds each grade; it must run here
"""

from __future__ import annotations

from functools import cache

from limner.errors import ExpertError
from limner.evaluate.judges.asking import Asking
from limner.evaluate.judging import Judge

DEFAULT = "bundled:trained"
_BUNDLED = ("trained", "structural", "coherent")


@cache
def judge(address: str = DEFAULT, asking: Asking = Asking()) -> Judge:  # noqa: B008
    """The judge at `address`, made once a process; `asking` is for those that are asked. Raises `ExpertError` for an address that names none."""
    scheme, _, rest = address.partition(":")
    if scheme == "bundled":
        return _bundled(rest)
    if scheme not in ("language", "blind", "likelihood") or not rest.partition(":")[2]:
        raise ExpertError(
            f"{address!r} is no judge: write {' or '.join(f'bundled:{name}' for name in _BUNDLED)}, "
            "language:ADDRESS, blind:ADDRESS or likelihood:ADDRESS, as in language:openai:qwen3-vl@http://127.0.0.1:8000/v1"
        )
    from dataclasses import replace

    from limner.experts.language import language

    if scheme == "likelihood":
        from limner.evaluate.judges.likely import LikelihoodJudge

        return LikelihoodJudge(language(rest), rest, address, asking.characters)
    from limner.evaluate.judges.asking import LanguageJudge

    return LanguageJudge(language(rest), rest, address, replace(asking, blind=True) if scheme == "blind" else asking)


def _bundled(name: str) -> Judge:
    if name == "structural":
        from limner.evaluate.judges.structural import judge as structural

        return structural()
    if name == "coherent":
        from limner.evaluate.judges.coherent import judge as coherent

        return coherent()
    if name == "trained":
        from limner.evaluate.judges.trained import judge as trained

        return trained()
    raise ExpertError(f"there is no bundled judge {name!r}; there are {', '.join(f'bundled:{n}' for n in _BUNDLED)}")
