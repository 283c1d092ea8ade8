"""`limner recipe`: the systems of the catalogue, what they claim, and what held."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from limner.cli.options import as_json
from limner.errors import LimnerError

_RESULTS = click.option(
    "--results", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("results"), show_default=True,
    help="Where results are kept.",
)  # fmt: skip


@click.group("recipe")
def command() -> None:
    """Recipes: systems from the literature, each with its claims measured.

    \b
    limner recipe list
    limner recipe run omnicorpus --scale laptop
    limner recipe table > docs/reproductions.md
    """


@command.command("list")
@as_json
def list_(json_: bool) -> None:
    """The recipes there are."""
    from limner.recipes.recipe import lacking, recipes

    known = recipes()
    if json_:
        click.echo(
            json.dumps(
                [{"slug": r.slug, "title": r.title, "reference": r.reference, "data": list(r.data())} for r in known.values()]
            )
        )
        return
    for found in known.values():
        click.echo(f"{found.slug:<22} {found.title}")
    if lacking():
        wanted = ", ".join(sorted(set(lacking().values())))
        click.echo(f"{len(lacking())} more modules need {wanted}: pip install 'limner[models]'", err=True)


@command.command()
@click.argument("slug")
@as_json
def show(slug: str, json_: bool) -> None:
    """The claims and settings of a recipe."""
    from limner.recipes.recipe import recipe

    found = recipe(slug)
    if json_:
        settings = {scale: asdict(value) for scale, value in found.settings.items()}
        click.echo(json.dumps({
            "slug": slug, "title": found.title, "reference": found.reference, "data": list(found.data()),
            "claims": [asdict(claim) for claim in found.claims], "settings": settings, "seeds": dict(found.seeds),
        }))  # fmt: skip
        return
    click.echo(f"{found.title}\n{found.reference}\n")
    for claim in found.claims:
        click.echo(f"claim    {claim.statement}\n  paper  {claim.paper}\n  ours   {claim.measured}")
        if claim.waits:
            click.echo(f"  waits  {claim.waits}")
    for scale, settings in found.settings.items():
        click.echo(f"{scale}: {', '.join(f'{k}={v!r}' for k, v in asdict(settings).items())}")


@command.command("run")
@click.argument("slug")
@click.option("--scale", type=click.Choice(["smoke", "laptop", "gpu"]), default="laptop", show_default=True)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a setting.")
@click.option("--seeds", type=click.IntRange(1), help="How many seeds, in place of the recipe's own number.")
@_RESULTS
@as_json
def run_(slug: str, scale: str, changes: tuple[str, ...], seeds: int | None, folder: Path, json_: bool) -> None:
    """Run a recipe and judge its claims. Only an unchanged laptop or gpu run over all its seeds is kept as its result."""
    from limner.recipes.recipe import recipe
    from limner.recipes.run import run, save

    given: dict[str, str] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise LimnerError(f"--set takes KEY=VALUE, not {change!r}")
        given[name] = value
    found = recipe(slug)
    result = run(found, scale, given, seeds, say=lambda text: click.echo(text, err=True))  # type: ignore[arg-type]
    if scale != "smoke" and not given and seeds is None:
        click.echo(f"written to {', '.join(map(str, save(found, result, folder)))}", err=True)
    if json_:
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    for claim in result["claims"]:
        click.echo(f"claim: {claim['statement']} (paper: {claim['paper']})   {claim['word']}")


def _there(folder: Path) -> Path:
    if not folder.is_dir():
        raise LimnerError(
            f"there is no folder {folder}; go where the results are (limner's repository has some) or name it: --results DIR"
        )
    return folder


@command.command()
@_RESULTS
def plot(folder: Path) -> None:
    """Draw the plots of the results again; `limner recipe run` draws them too."""
    from limner.recipes.recipe import recipes
    from limner.recipes.run import draw, results

    known = recipes()
    for slug, result in results(_there(folder)).items():
        for path in draw(known[slug], result, folder) if slug in known else ():
            click.echo(str(path))


@command.command()
@_RESULTS
@as_json
def table(folder: Path, json_: bool) -> None:
    """Every recipe's claims beside what was measured."""
    from limner.recipes.recipe import recipes
    from limner.recipes.run import results
    from limner.recipes.table import markdown

    found = results(_there(folder))
    click.echo(json.dumps(list(found.values()), ensure_ascii=False) if json_ else markdown(recipes(), found), nl=json_)
