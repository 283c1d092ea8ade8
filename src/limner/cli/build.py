"""`limner build`: sources through a plan into a corpus."""

from __future__ import annotations

import json

import click

from limner.cli.options import as_json
from limner.errors import LimnerError


@click.command("build", epilog="Interrupted or killed, the same command continues; nothing is lost or doubled.")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("-o", "--output", required=True, metavar="CORPUS", help="The corpus: a folder or an fsspec URL.")
@click.option("--plan", "plan_name", default="default", show_default=True, metavar="FILE", help="A plan file, or one that ships.")
@click.option("--runner", "runner_name", type=click.Choice(["processes", "ray"]), default="processes", show_default=True)
@click.option("--workers", type=click.IntRange(0), default=0, help="How many processes; 0 for one a core.")
@click.option("--address", default="", help="The Ray cluster (auto, ray://host:10001); empty for one of its own.")
@click.option(
    "--memory", type=click.IntRange(64), default=1024, show_default=True, metavar="MiB", help="Budget of whole-corpus decisions."
)
@click.option("--fetch-images", is_flag=True, help="Fetch images that the pages name, politely.")
@click.option("--update", "updating", is_flag=True, help="Read again what changed since the corpus was built.")
@click.option("--dry-run", type=click.IntRange(1), metavar="N", help="Try the plan on N inputs and say what it would drop.")
@click.option("--try", "tries", multiple=True, metavar="STEP.SETTING=V,V", help="With --dry-run: other values for a threshold.")
@as_json
def command(
    sources: tuple[str, ...],
    output: str,
    plan_name: str,
    runner_name: str,
    workers: int,
    address: str,
    memory: int,
    fetch_images: bool,
    updating: bool,
    dry_run: int | None,
    tries: tuple[str, ...],
    json_: bool,
) -> None:
    """Build a corpus from web pages: files and folders, WARC, sitemaps, URL lists, packages.

    \b
    limner build ~/manuals crawl.warc.gz -o corpus
    limner build https://example.org/sitemap.xml -o corpus --fetch-images
    limner build https://example.org/sitemap.xml -o corpus --fetch-images --update
    limner build pip:sasview==6.1.3#sas/docs -o corpus --plan obelics
    limner build ~/manuals -o corpus --dry-run 200 --try near-duplicates.threshold=0.6,0.7
    """
    from dataclasses import replace

    from limner.cli.progress import listening, print_summary
    from limner.pipeline import build, load, runner
    from limner.pipeline.update import update

    plan = load(plan_name).with_sources(sources)
    if fetch_images:
        plan = replace(plan, fetch_images=True)
    if dry_run:
        from limner.cli.dryrun import dry

        dry(plan, dry_run, tries, runner(runner_name, workers, address), json_)
        return
    with listening(quiet=json_) as progress:
        who = runner(runner_name, workers, address)
        if updating:
            changes, summary = update(plan, output, runner=who, progress=progress, memory=memory << 20)
            news = (("new", changes.new), ("changed", changes.changed), ("gone", changes.gone))
            progress.message(", ".join(f"{len(names)} {what}" for what, names in news) + f", {changes.same} as they were")
        else:
            summary = build(plan, output, runner=who, progress=progress, memory=memory << 20)
    if json_:
        click.echo(json.dumps(summary.to_dict(), ensure_ascii=False))
    else:
        print_summary(summary)
    if not summary.counts["documents"]:
        raise LimnerError(f"no document was kept; `limner view {output}` shows what was dropped and why")
