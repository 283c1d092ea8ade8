"""`limner papers`: the papers of a corpus by day, who subscribes to them, and their digest by e-mail."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from limner.cli.options import as_json
from limner.cli.terminal import safe
from limner.document.wording import plural
from limner.errors import LimnerError

if TYPE_CHECKING:
    from limner.serve.papers.board import Board
    from limner.serve.papers.digest import Edition, Sender
    from limner.serve.papers.feed import Feed
    from limner.serve.papers.paper import Paper

PASSWORD = "LIMNER_SMTP_PASSWORD"


@click.group("papers")
@click.argument("corpus", metavar="CORPUS")
@click.pass_context
def command(ctx: click.Context, corpus: str) -> None:
    """Follow the papers of an indexed corpus: a feed by day, what trends, subscriptions, and a digest by e-mail with their figures.

    `limner serve CORPUS` has the same as pages, at /papers. Votes and subscriptions are kept beside the corpus, in CORPUS.papers.sqlite.

    \b
    limner build ~/papers -o corpus && limner index corpus
    limner papers corpus feed
    limner papers corpus subscribe ada@example.org --topic "kriging of soil data"
    limner papers corpus digest --smtp localhost:25 --from papers@example.org
    """
    ctx.obj = corpus


def _board(corpus: str) -> Board:
    from limner.corpus import Corpus
    from limner.serve.papers.board import Board

    return Board.of(Corpus.open(corpus))


def _feed(corpus: str) -> Feed:
    from limner.search import Search
    from limner.serve.papers.board import Board
    from limner.serve.papers.feed import Feed

    search = Search.open(corpus)
    return Feed(search, Board.of(search.corpus))


def _day(feed: Feed, day: str) -> str:
    """A day as it was given: itself, `today`, or `latest`, the last that has papers."""
    if day == "latest":
        return feed.days[-1] if feed.days else feed.today
    return feed.today if day == "today" else day


@command.command("feed")
@click.option("--day", default="latest", show_default=True, metavar="DAY|today|latest", help="Which day, as 2024-05-31.")
@click.option("--trending", is_flag=True, help="What has the most votes of late, of all days.")
@click.option("--find", "text", default="", metavar="TEXT", help="What suits a description, of all days.")
@click.option("-k", "most", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@as_json
@click.pass_obj
def feed_(corpus: str, day: str, trending: bool, text: str, most: int, json_: bool) -> None:
    """List papers: of a day, those that trend, or those that suit a description."""
    feed = _feed(corpus)
    day = _day(feed, day)
    ids = [id for id, _ in feed.trending(most)] if trending else feed.find(text, most) if text else feed.of(day)[:most]
    papers = [feed.paper(id) for id in ids]
    if json_:
        click.echo(json.dumps([asdict(paper) for paper in papers], ensure_ascii=False))
        return
    _list(papers)
    if not trending and not text:
        before, after = feed.near(day)
        near = " · ".join(filter(None, (before and f"before: {before}", after and f"after: {after}")))
        click.echo(f"{plural(len(papers), 'paper')} of {day}{f' ({near})' if near else ''}")


def _list(papers: Sequence[Paper]) -> None:
    for paper in papers:
        click.echo(safe(f"{paper.day}  {paper.id[:8]}  {paper.title}"))


@command.command("subscribe")
@click.argument("email")
@click.option(
    "--topic", "topics", multiple=True, metavar="TEXT", help="In words of their own; may be repeated. Without any: all papers."
)
@click.pass_obj
def subscribe_(corpus: str, email: str, topics: tuple[str, ...]) -> None:
    """Subscribe EMAIL, or change the topics of one that is. You say that they want it: no confirmation is asked for."""
    subscriber = _board(corpus).subscribe(email, topics, confirmed=True)
    about = "; ".join(subscriber.topics) or "all papers"
    click.echo(safe(f"{subscriber.email} gets {about}"))


@command.command("unsubscribe")
@click.argument("email")
@click.pass_obj
def unsubscribe_(corpus: str, email: str) -> None:
    """Forget EMAIL, and what was sent to it."""
    if not _board(corpus).leave(email=email):
        raise LimnerError(f"{email} is not subscribed; `limner papers {corpus} subscribers` lists who is")
    click.echo(safe(f"{email} gets nothing any more"))


@command.command("subscribers")
@as_json
@click.pass_obj
def subscribers_(corpus: str, json_: bool) -> None:
    """List who subscribes to what."""
    found = _board(corpus).subscribers()
    if json_:
        click.echo(json.dumps([{"email": s.email, "topics": s.topics, "state": s.state} for s in found], ensure_ascii=False))
        return
    for each in found:
        click.echo(safe(f"{each.email}  {'' if each.state == 'confirmed' else '(not confirmed)  '}{'; '.join(each.topics)}"))
    click.echo(plural(len(found), "subscriber"))


@command.command(
    "digest",
    epilog=f"The password is taken from ${PASSWORD}. Run it once a day (cron, a systemd timer); more often does no harm.",
)
@click.option("--smtp", metavar="HOST:PORT", help="The server that takes the mails.")
@click.option(
    "--eml", type=click.Path(file_okay=False, path_type=Path), help="Write the mails to this folder instead, and record nothing."
)
@click.option("--from", "sender", required=True, metavar="EMAIL", help="The address that they are from.")
@click.option("--name", default="Daily papers", show_default=True, help="The name beside it.")
@click.option(
    "--site", default="", metavar="URL", help="Where readers reach `limner serve`: links to papers, and to unsubscribe."
)
@click.option("--day", default="today", show_default=True, metavar="DAY|today|latest", help="The last day of the digest.")
@click.option(
    "--days",
    type=click.IntRange(1, 36_500),
    default=1,
    show_default=True,
    help="How many days it is of; nobody gets a paper twice.",
)
@click.option("--most", type=click.IntRange(1, 50), default=5, show_default=True, help="Papers in one digest.")
@click.option(
    "--tls",
    type=click.Choice(["none", "starttls", "implicit"]),
    default="none",
    show_default=True,
    help="How the connection is encrypted.",
)
@click.option("--user", default="", help="Whom to log in as.")
@click.option(
    "--again", is_flag=True, help="Send once more what was begun before, more than ten minutes ago, and may not have arrived."
)
@as_json
@click.pass_obj
def digest_(
    corpus: str, smtp: str | None, eml: Path | None, sender: str, name: str, site: str, day: str, days: int, most: int, tls: Any, user: str,
    again: bool, json_: bool,
) -> None:  # fmt: skip
    """Send each subscriber the papers of a day that suit their topics, each once.

    What the server refused is tried again by the next run; what was on its way when the connection or this command ended is not, unless
    you ask with --again: it may have arrived.

    \b
    limner papers corpus digest --smtp localhost:25 --from papers@example.org
    limner papers corpus digest --smtp mail.example.org --tls starttls --user papers --from papers@example.org --site https://papers.example.org
    limner papers corpus digest --eml outbox --from papers@example.org --day latest --days 30
    """
    from limner.serve.papers.digest import Edition, Sender, Settings
    from limner.serve.papers.post import AGAIN, Server, connected, deliver

    if (smtp is None) == (eml is None):
        raise click.UsageError("give one of --smtp HOST:PORT and --eml FOLDER")
    who = Sender(sender, name, site)
    server = Server.at(smtp, tls, user, os.environ.get(PASSWORD, "")) if smtp else None
    feed = _feed(corpus)
    edition = Edition(feed, _day(feed, day), days, Settings(most=most))
    if server is None:
        assert eml is not None
        written = _written(edition, who, eml)
        click.echo(
            json.dumps({"written": written})
            if json_
            else f"{plural(written, 'digest')} of {edition.day} in {eml}; none was recorded"
        )
        return
    with connected(server) as post:
        done = deliver(edition, who, post, AGAIN if again else None)
    if json_:
        click.echo(json.dumps({"day": edition.day, "papers": len(edition.papers), **asdict(done)}))
    else:
        counted = (
            (done.before, "sent before"),
            (done.nothing, "without a paper for them"),
            (done.unsure, "begun and perhaps not arrived (--again)"),
            (done.failed, "refused, to be tried again"),
            (done.invited, "asked to confirm"),
            (done.waiting, "to be asked to confirm" + ("" if site else " (needs --site)")),
        )
        said = [f"{edition.day}: {plural(len(edition.papers), 'paper')}", f"{plural(done.sent, 'digest')} sent"]
        click.echo(", ".join([*said, *(f"{count:,} {what}" for count, what in counted if count)]))
    if done.error:
        raise LimnerError(done.error)


def _written(edition: Edition, sender: Sender, folder: Path) -> int:
    from limner.serve.papers.digest import message

    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for subscriber in edition.feed.board.subscribers("confirmed"):
        if picks := edition.picks(subscriber):
            mail = message(edition, subscriber, picks, sender)
            (folder / f"{edition.day}-{subscriber.id}.eml").write_bytes(mail.as_bytes())
            count += 1
    return count
