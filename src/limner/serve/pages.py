"""The pages: each a function from a request to HTML, through templates that escape everything."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast
from urllib.parse import quote, urlencode

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from limner.corpus import ledger
from limner.corpus.card import card
from limner.corpus.trace import figures
from limner.curate import registry
from limner.document import Document, Text, to_dict
from limner.document.jsonform import from_dict, part_from_dict
from limner.document.render import part_line
from limner.document.wording import plural
from limner.errors import LimnerError
from limner.serve import media, plots, reading
from limner.serve.catalogue import Filter
from limner.serve.site import Site
from limner.serve.wording import language_name, size

PAGE = 24
REJECTS = 100


class Pages:
    """The handlers, one a route. They are plain functions: starlette runs them in threads."""

    def __init__(self, site: Site, asks: bool = False):
        self.site = site
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("limner.serve"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        names: dict[str, Any] = {"plots": plots, "urlencode": urlencode, "quote": quote, "asks": asks}
        filters: dict[str, Any] = {"short": plots.short, "size": size, "plural": plural, "language": language_name}
        cast("dict[str, Any]", self._templates.globals).update(names)
        cast("dict[str, Any]", self._templates.filters).update(filters, number=lambda n: f"{n:,}")

    def page(self, template: str, status: int = 200, **given: Any) -> HTMLResponse:
        """A template, filled."""
        filled = self._templates.get_template(template).render(site=self.site, **given)
        return HTMLResponse(filled, status, {"cache-control": "no-cache"})

    def fragment(self, template: str, **given: Any) -> Markup:
        """A piece of a page, filled."""
        return Markup(self._templates.get_template(template).render(site=self.site, **given))

    def missing(self, what: str, status: int = 404) -> HTMLResponse:
        """A page that says what is not there."""
        return self.page("missing.html", status, active="", what=what)

    def home(self, request: Request) -> Response:
        """What this corpus is."""
        facts = self.site.corpus.facts
        plan: dict[str, Any] = facts["plan"] if isinstance(facts.get("plan"), dict) else {}
        return self.page(
            "home.html",
            active="home",
            s=self.site.statistics,
            languages=_by_name(self.site.statistics.languages),
            plan=plan,
            facts=facts,
            chosen=[self._entry(i, {}) for i in self._chosen()],
        )

    def _chosen(self, most: int = 6) -> list[int]:
        """Rows spread over the corpus, of documents with several stored images."""
        catalogue = self.site.catalogue
        for least in (3, 1, 0):
            rows = catalogue.select(Filter(images=least)).tolist()
            if len(rows) >= most:
                break
        step = max(len(rows) // most, 1)
        return rows[step // 2 :: step][:most]

    def documents(self, request: Request) -> Response:
        """Browse and filter."""
        query = dict(request.query_params)
        filter = Filter.of(query)
        catalogue = self.site.catalogue
        rows = catalogue.select(filter)
        last = max((len(rows) - 1) // PAGE, 0)
        number = min(_whole(query.get("page", "")), last)
        kept = filter.to_query()
        entries = [self._entry(row, kept) for row in rows[number * PAGE : (number + 1) * PAGE].tolist()]
        return self.page(
            "documents.html", active="documents", filter=filter, kept=kept, entries=entries, total=len(rows), all=len(catalogue),
            number=number, last=last, languages=catalogue.values("language"), hosts=catalogue.values("host"),
            sources=catalogue.values("source"),
        )  # fmt: skip

    def _entry(self, row: int, kept: dict[str, str]) -> dict[str, Any]:
        facts = self.site.catalogue.facts(row)
        document = self.site.document(facts["id"])
        if document is None:
            return {**facts, "picture": "", "excerpt": "", "words": 0, "link": "#", "heading": facts["title"] or facts["id"]}
        picture = max(
            (image for image in document.images if image.ref), key=lambda i: min(i.width * i.height, 40_000), default=None
        )
        return {
            **facts,
            "picture": f"/media/{picture.ref}" if picture and self.site.stored(picture.ref) else "",
            "alt": picture.alt if picture else "",
            "excerpt": reading.excerpt(document),
            "words": sum(len(text.text.split()) for text in document.texts),
            "link": _link(f"/d/{quote(document.id, safe='')}", kept),
            "heading": reading.heading(document).title,
        }

    def document(self, request: Request) -> Response:
        """One document as it reads."""
        id = request.path_params["id"]
        query = dict(request.query_params)
        kept = Filter.of(query).to_query()
        show = query.get("dropped") == "1"
        document = self.site.document(id)
        here = document is not None
        events, gone = self.site.records(id)
        if document is None:
            document = self.site.dropped(id)
            if document is None and not events:
                return self.missing(f"This corpus has no document {id}.")
            document = document or Document(id)
        head = reading.heading(document)
        before, after, position, total = self._neighbours(id, Filter.of(query)) if here else (None, None, 0, 0)
        extra = {"dropped": "1"} if show else {}
        return self.page(
            "document.html", active="documents", d=document, title=head.title, site_name=head.site, repeated=head.repeated, here=here,
            runs=list(reading.runs(document, gone if show else [], self.site, _whole(query.get("at", "")) if "at" in query else -1)),
            taken=reading.taken(events), gone=len(gone), lost=sum(e.action == "drop" and e.part >= 0 for e in events), show=show,
            words=sum(len(text.text.split()) for text in document.texts), images=document.images,
            before=before and _link(f"/d/{quote(before, safe='')}", {**kept, **extra}),
            after=after and _link(f"/d/{quote(after, safe='')}", {**kept, **extra}),
            toggle=_link(f"/d/{quote(id, safe='')}", kept if show else {**kept, "dropped": "1"}),
            back=_link("/documents", {**kept, **({"page": str((position - 1) // PAGE)} if position > PAGE else {})}),
            position=position, total=total, filtered=bool(kept), link=reading.web_link(document.url), web_link=reading.web_link,
            batch=self.site.batch_of(id) if here else "",
        )  # fmt: skip

    def _neighbours(self, id: str, filter: Filter) -> tuple[str | None, str | None, int, int]:
        catalogue = self.site.catalogue
        rows = catalogue.select(filter)
        row = catalogue.row(id)
        found = (rows == row).nonzero()[0] if row is not None else []
        if not len(found):
            if filter != Filter():
                return self._neighbours(id, Filter())
            return None, None, 0, len(rows)
        at = int(found[0])
        before = catalogue.id(int(rows[at - 1])) if at else None
        after = catalogue.id(int(rows[at + 1])) if at + 1 < len(rows) else None
        return before, after, at + 1, len(rows)

    def document_json(self, request: Request) -> Response:
        """One document as JSON."""
        document = self.site.document(request.path_params["id"])
        return JSONResponse(to_dict(document)) if document else self.missing("This corpus has no such document.")

    def statistics(self, request: Request) -> Response:
        """Figures and plots."""
        s = self.site.statistics
        return self.page("statistics.html", active="statistics", s=s, languages=_by_name(s.languages))

    def ledger(self, request: Request) -> Response:
        """The steps, and what each took."""
        return self.page("ledger.html", active="ledger", steps=self.site.steps, s=self.site.statistics)

    def step(self, request: Request) -> Response:
        """One step: its reasons, values against thresholds, examples."""
        name = request.query_params.get("name", "")
        step = next((s for s in self.site.steps if s.name == name), None)
        if step is None:
            return self.missing(f"The ledger has no step {name!r}.")
        tally = {(r.action, r.reason): r for r in step.reasons}
        shown = [
            (tally[d.action, d.reason], plots.against(d.values, d.thresholds), [_example(self.site, e) for e in d.examples])
            for d in self.site.details(name)
            if (d.action, d.reason) in tally
        ]
        return self.page("step.html", active="ledger", step=step, shown=shown, about=_about(step.use))

    def rejects(self, request: Request) -> Response:
        """Inputs that could not be read."""
        error = request.query_params.get("error", "")
        number = _whole(request.query_params.get("page", ""))
        rows, total = self.site.rejects(number * REJECTS, REJECTS, error)
        return self.page(
            "rejects.html", active="rejects", rows=rows, total=total, error=error, number=number,
            last=max((total - 1) // REJECTS, 0), s=self.site.statistics,
            links={name: _link("/rejects", {"error": name}) for name in self.site.statistics.rejects},
        )  # fmt: skip

    def why(self, request: Request) -> Response:
        """Where something went."""
        text = request.query_params.get("q", "").strip()[:2_000]
        try:
            trace = self.site.trace(text) if text else None
        except LimnerError as error:
            return self.missing(str(error), 400)
        found = {fate.id: self.site.document(fate.id) or self.site.dropped(fate.id) for fate in trace.fates} if trace else {}
        titles = {id: reading.heading(document).title for id, document in found.items() if document is not None}
        return self.page("why.html", active="ledger", q=text, trace=trace, titles=titles)

    def card(self, request: Request) -> Response:
        """The data card."""
        store = self.site.corpus.store
        if store.exists("CARD.md"):
            text = store.read("CARD.md").decode("utf-8", "replace")
        else:
            text = card(self.site.corpus, self.site.statistics)
        return self.page("card.html", active="card", html=_markdown(text))

    def media(self, request: Request) -> Response:
        """A stored file."""
        found = self.site.media(request.path_params["ref"])
        if found is None:
            return self.missing("No file of that sha256 is stored here.")
        return media.response(*found, request.headers.get("range", ""))


def _markdown(text: str) -> Markup:
    from markdown_it import MarkdownIt

    # With html off, every tag in the text is escaped; links are checked by the parser (no javascript:).
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = parser.parse(text)
    for token in tokens:
        # Alignment comes as a style attribute, which our policy forbids.
        if "right" in str(token.attrs.pop("style", "")):
            token.attrs["class"] = "figure"
    html = parser.renderer.render(tokens, parser.options, {})
    # A table scrolls in a box of its own. Text cannot write these tags: it is escaped.
    return Markup(html.replace("<table>", '<div class="table" tabindex="0"><table>').replace("</table>", "</table></div>"))


def _example(site: Site, example: ledger.Example) -> dict[str, Any]:
    """What a step took, fit for showing: a document's title, a text's beginning, an image where its bytes are still here."""
    out: dict[str, Any] = {"e": example, "kind": "", "line": "", "title": "", "picture": "", "images": 0}
    out["measured"] = figures(example.value, example.threshold)
    try:
        data = json.loads(example.json) if example.json else None
        if data is None:
            return out
        if example.part < 0:
            texts = [p.get("text", "") for p in data.get("parts", []) if p.get("type") == "text"]
            said = " ".join(" ".join(texts)[:2_000].split())
            return {
                **out, "kind": "document", "title": reading.heading(from_dict(data)).title, "line": _cut(said),
                "images": sum(p.get("type") == "image" for p in data.get("parts", [])),
            }  # fmt: skip
        part = part_from_dict(data)
    except (ValueError, RecursionError, AttributeError):
        return out  # damage, which `limner check` names; the row itself is shown
    if isinstance(part, Text):
        return {**out, "kind": part.role, "line": _cut(" ".join(part.text.split()))}
    picture = f"/media/{part.ref}" if site.stored(part.ref) else ""
    return {**out, "kind": data["type"], "line": part_line(part, 200), "picture": picture}


def _cut(text: str, length: int = 320) -> str:
    return text if len(text) <= length else text[:length].rsplit(" ", 1)[0] + " …"


def _about(use: str) -> str:
    """What an operator does, as its own documentation says; "" for one that this limner does not know."""
    try:
        return registry.describe(use).summary.replace("`", "") if use else ""
    except LimnerError:
        return ""


def _link(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _by_name(counts: dict[str, int]) -> list[plots.Row]:
    """Bars of languages by their names, each leading to its documents."""
    return [
        replace(
            row,
            label=language_name(row.label),
            link="" if row.label in ("unknown", "(other)") else _link("/documents", {"language": row.label}),
        )
        for row in plots.bars(counts)
    ]
