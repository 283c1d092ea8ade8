"""`limner build`: sources through a plan into a corpus."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from limner.cli.options import allow_private, as_json, by_port, experts
from limner.errors import LimnerError

if TYPE_CHECKING:
    from limner.pipeline import Plan


@click.command("build", epilog="Interrupted or killed, the same command continues; nothing is lost or doubled.")
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option("-o", "--output", required=True, metavar="CORPUS", help="The corpus: a folder or an fsspec URL.")
@click.option("--plan", "plan_name", default="default", show_default=True, metavar="FILE", help="A plan file, or one that ships.")
@click.option("--runner", "runner_name", type=click.Choice(["processes", "ray"]), default="processes", show_default=True)
@click.option("--workers", type=click.IntRange(0), default=0, help="How many processes; 0 for one a core.")
@click.option("--address", default="", help="The Ray cluster (auto, ray://host:10001); empty for one of its own.")
@click.option(
    "--memory", type=click.IntRange(64), default=1024, show_default=True, metavar="MiB", help="Budget of whole-corpus decisions."
)
@click.option("--fetch-images", is_flag=True, help="Fetch images that the pages name, politely.")
@experts
@allow_private
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
    experts: tuple[str, ...],
    allow_private: bool,
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
    limner build http://wiki.intranet/sitemap.xml -o corpus --allow-private
    limner build ~/scans -o corpus --expert ocr=bundled:rapidocr
    limner build ~/manuals -o corpus --dry-run 200 --try near-duplicates.threshold=0.6,0.7
    """
    from limner.cli.newcorpus import discard, making, unread
    from limner.cli.progress import listening, print_summary
    from limner.pipeline import build, load, runner
    from limner.pipeline.update import update

    if tries and not dry_run:
        raise click.UsageError("--try goes with --dry-run N: it says what other values would drop of N inputs")
    if updating and dry_run:
        raise click.UsageError("--update and --dry-run exclude each other")
    plan = _plan(load(plan_name), sources, fetch_images, allow_private, by_port(experts))
    if dry_run:
        from limner.cli.dryrun import dry

        try:
            dry(plan, dry_run, tries, runner(runner_name, workers, address), json_)
        except KeyboardInterrupt:
            raise click.Abort from None  # nothing is left of it to be continued
        return
    extra: dict[str, Any] = {}
    with listening(quiet=json_) as progress, making(output) as new:
        who = runner(runner_name, workers, address)
        if updating:
            changes, summary = update(plan, output, runner=who, progress=progress, memory=memory << 20)
            extra["changes"] = changes.to_dict()
            news = (("new", changes.new), ("changed", changes.changed), ("gone", changes.gone))
            progress.message(", ".join(f"{len(names)} {what}" for what, names in news) + f", {changes.same} as they were")
        else:
            summary = build(plan, output, runner=who, progress=progress, memory=memory << 20)
    failed = unread(summary.corpus, sum(summary.rejects.values()))
    if new and not summary.counts["documents"] and not summary.steps:
        discard(output)
        raise LimnerError(f"nothing could be read, and {output} was not made: {failed or 'the sources hold no page'}")
    if json_:
        click.echo(json.dumps({**summary.to_dict(), **extra}, ensure_ascii=False))
    else:
        print_summary(summary, unread=failed)
    if not summary.counts["documents"]:
        raise LimnerError(f"no document was kept; `limner view {output}` shows what was dropped and why")


def _plan(plan: Plan, sources: tuple[str, ...], fetch_images: bool, allow_private: bool, experts: dict[str, str]) -> Plan:
    """The plan with what the command line says in its place."""
    if sources:
        plan = plan.with_sources(sources)
    if not plan.sources:
        raise click.UsageError("Missing argument 'SOURCE...': a folder, a file, a URL, pip:NAME==VERSION#folder")
    if fetch_images:
        plan = replace(plan, fetch_images=True)
    if experts:
        known = {**plan.source_settings.get("experts", {}), **experts}
        plan = replace(plan, source_settings={**plan.source_settings, "experts": known})
    if allow_private:
        fetch = {**plan.source_settings.get("fetch", {}), "allow_private": True}
        plan = replace(plan, source_settings={**plan.source_settings, "fetch": fetch})
    return plan
