"""`limner generate`: a document that a model writes after a prompt."""

from __future__ import annotations

import json
from pathlib import Path

import click

from limner.cli.options import as_json


@click.command("generate")
@click.argument("model", metavar="RUN|ADDRESS")
@click.argument("prompt", metavar="PROMPT")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file: .md, its pictures in a folder beside it, .html or .json.",
)
@click.option("--tokens", type=click.IntRange(1, 100_000), default=200, show_default=True, help="Of text at most.")
@click.option("--images", type=click.IntRange(0, 64), default=2, show_default=True, help="Images at most.")
@click.option("--least-images", type=click.IntRange(0, 64), default=0, show_default=True, help="Images at least.")
@click.option("--temperature", type=click.FloatRange(0, 10), default=0.8, show_default=True)
@click.option("--top-p", type=click.FloatRange(0, 1, min_open=True), default=0.95, show_default=True)
@click.option(
    "--guidance", type=click.FloatRange(0, 50), default=1.0, show_default=True, help="How far images are led by the text."
)
@click.option("--seed", type=int, default=0, show_default=True)
@as_json
def command(
    model: str, prompt: str, output: Path | None, tokens: int, images: int, least_images: int, temperature: float, top_p: float,
    guidance: float, seed: int, json_: bool,
) -> None:  # fmt: skip
    """Let a model go on from a prompt: a text, a Markdown file with images, or a document as JSON.

    \b
    limner generate run "A capped cylinder" -o out.html
    limner generate run prompt.md -o out.md --images 3 --guidance 3
    limner generate hf:HuggingFaceTB/SmolLM2-135M "Once upon a time"
    """
    from limner.models.decoding import Control
    from limner.models.sampling_text import Draw
    from limner.write.generating import generate, given, kept

    control = Control(
        tokens=tokens, draw=Draw(temperature, top_p), image_draw=Draw(1.0), least=least_images, most=max(images, least_images),
        text_guidance=guidance, seed=seed,
    )  # fmt: skip
    document, media = generate(model, *given(prompt), control)
    if output is not None:
        kept(document, media, output)
        if not json_:
            click.echo(f"{output}: {len(document.text.split())} words, {len(document.images)} images")
    if json_ or output is None:
        from limner.document import to_dict
        from limner.document.render import terminal

        click.echo(json.dumps(to_dict(document), ensure_ascii=False) if json_ else terminal(document))
