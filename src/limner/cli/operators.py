"""`limner operators`: what can stand in a plan, and its settings."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from limner.curate import registry
from limner.curate.catalogue import first_sentence, markdown, text


@click.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="As JSON: a list of objects.")
@click.option("--markdown", "as_markdown", is_flag=True, help="As the page docs/operators.md.")
def command(names: tuple[str, ...], as_json: bool, as_markdown: bool) -> None:
    """List the operators a plan can name, or describe some of them.

    \b
    limner operators                      all, one line each
    limner operators quality pii          what they do, and their settings
    limner operators --json quality
    limner operators --markdown > docs/operators.md
    """
    described = [registry.describe(name) for name in names or registry.names()]
    if as_json:
        click.echo(json.dumps([asdict(about) for about in described], indent=2))
    elif as_markdown:
        click.echo(markdown(described), nl=False)
    elif names:
        click.echo("\n\n".join(text(about) for about in described))
    else:
        width = max(len(about.name) for about in described)
        for about in described:
            click.echo(f"{about.name:{width}}  {first_sentence(about)}")
