"""Choose the pages whose images are labelled, show them to the person who labels, and write the labels down.

    python bench/extraction/label_pages.py choose --data WCXB [--more]
    python bench/extraction/label_pages.py sheets --data WCXB --out DIR [--chromium PATH] [--more]
    python bench/extraction/label_pages.py assemble --sheets DIR --decisions FILE [--more | --second]
    python bench/extraction/label_pages.py agree                 how often the second pass of labels says what the first says

`sheets` renders each page in headless Chromium, script off and every request refused, each image a numbered box with its
alternative text and file name, and writes a contact sheet (DIR/ID.png) and the list of its images (DIR/ID.json,
DIR/ID.txt). `assemble` turns decisions ({ID: {"content": "1-4,7+8", "doubtful": "9", "note": ""}}, every other image being
other) into image_labels.json. The guideline is in README.md.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

LABELS = Path(__file__).resolve().parent / "image_labels.json"
"""What is measured on."""
MORE = LABELS.with_name("image_labels_more.json")
"""Pages of a second draw, only ever trained on."""
SECOND = LABELS.with_name("image_labels_second.json")
"""Pages of the second draw, labelled a second time by another pass that had not seen the first's labels of them."""
SEED, SEED_MORE = 2026, 2027
SHARES = {
    "article": 28, "collection": 12, "documentation": 12, "forum": 12, "listing": 12, "product": 12, "service": 12,
}  # fmt: skip
MOST_IMAGES = 60
"""Pages with more `img` elements are not chosen: a sheet of them cannot be looked at with care."""

# Numbers and boxes the images, and tells of each what it says of itself and where it stands. Run inside the page.
_SURVEY = r"""
() => {
  const reset = document.createElement('style');
  reset.textContent = 'html,body{opacity:1!important;visibility:visible!important;height:auto!important;overflow:visible!important;' +
    'display:block!important} .LBX{display:inline-block!important;visibility:visible!important;opacity:1!important;border:3px solid #c00!important;' +
    'background:#ffef9e!important;color:#000!important;font:14px/1.15 sans-serif!important;overflow:hidden!important;box-sizing:border-box;' +
    'vertical-align:top;text-align:left;max-width:420px;word-break:break-all} .LBX b{font:bold 34px sans-serif!important;color:#c00!important}';
  (document.head || document.documentElement).appendChild(reset);
  const path = e => { const out = []; for (let p = e.parentElement; p && out.length < 6; p = p.parentElement)
      out.push(p.tagName.toLowerCase() + (p.id ? '#' + p.id : '') + (p.classList.length ? '.' + [...p.classList].slice(0, 2).join('.') : ''));
    return out; };
  const images = [...document.querySelectorAll('img, amp-img')];
  const walker = document.createTreeWalker(document.body || document.documentElement, NodeFilter.SHOW_ALL);
  const before = new Map(), after = new Map(); let last = '', open = [];
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    if (n.nodeType === 3 && !['SCRIPT', 'STYLE', 'TEMPLATE'].includes(n.parentElement.tagName)) {
      const t = n.data.replace(/\s+/g, ' ').trim();
      if (t.length > 2) { last = (last + ' ' + t).slice(-90); open.forEach(o => after.set(o, ((after.get(o) || '') + ' ' + t).slice(0, 90)));
        open = open.filter(o => (after.get(o) || '').length < 90); }
    } else if (n.nodeType === 1 && images.includes(n)) { before.set(n, last); open.push(n); }
  }
  return images.map((e, i) => {
    const attrs = {}; for (const a of e.attributes) attrs[a.name] = a.value.slice(0, 4000);
    const sources = []; if (e.parentElement && e.parentElement.tagName === 'PICTURE')
      for (const s of e.parentElement.querySelectorAll('source')) for (const a of s.attributes) if (/srcset|src$/.test(a.name))
        sources.push([a.name, a.value]);
    const r = e.getBoundingClientRect();
    return {index: i, attrs, sources, path: path(e), width: Math.round(r.width), height: Math.round(r.height), top: Math.round(r.top + scrollY),
      before: before.get(e) || '', after: after.get(e) || '', noscript: !!e.closest('noscript')};
  });
}
"""
_BOX = r"""
(names) => {
  [...document.querySelectorAll('img, amp-img')].forEach((e, i) => {
    if (!names[i]) return;
    const w = parseInt(e.getAttribute('width')) || e.getBoundingClientRect().width || 0;
    const h = parseInt(e.getAttribute('height')) || e.getBoundingClientRect().height || 0;
    const box = document.createElement('span'); box.className = 'LBX';
    box.style.width = Math.min(Math.max(w, 110), 420) + 'px'; box.style.height = Math.min(Math.max(h, 60), 200) + 'px';
    const b = document.createElement('b'); b.textContent = names[i][0]; box.append(b, ' ' + names[i][1]);
    e.replaceWith(box);
  });
  return Math.min(Math.max(document.documentElement.scrollHeight, document.body ? document.body.scrollHeight : 0), 40000);
}
"""

_LAZY = re.compile(r"src|original|lazy|image|img|url|full|large|orig|thumb", re.IGNORECASE)
_ADDRESS = re.compile(r"^(?:https?:)?//\S+$|^/\S*$|^[^\s:]+\.(?:jpe?g|png|gif|webp|avif|svg|bmp)(?:[?#]\S*)?$", re.IGNORECASE)
_NO_ADDRESS = frozenset({"alt", "title", "class", "id", "style", "sizes", "href"})
_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|svg|bmp|tiff?)(?:[^a-z]|$)", re.IGNORECASE)


def srcset(value: str) -> list[str]:
    """The addresses of a `srcset`."""
    return [m[1] for m in re.finditer(r"\s*,*\s*(\S*[^\s,])(?:\s+[\d.]+[wxh])?\s*(?:,|$)", value)]


def candidates(attrs: dict[str, str], sources: list[list[str]], base: str) -> tuple[str, list[str]]:
    """The image's `src`, and every other address it may be loaded from, absolute; data URIs are none."""
    others: list[str] = []
    pairs = [(name, value) for name, value in attrs.items() if name != "src"] + [(name, value) for name, value in sources]
    for name, value in pairs:
        if "srcset" in name.lower():
            others += srcset(value)
        elif _is_lazy(name, value.strip()):
            others.append(value)
    src = absolute(attrs.get("src", ""), base)
    resolved = [absolute(u, base) for u in others]
    return src, list(dict.fromkeys(u for u in resolved if u and u != src))


def _is_lazy(name: str, value: str) -> bool:
    if name in _NO_ADDRESS or not _LAZY.search(name) or not _ADDRESS.match(value):
        return False
    return name.startswith("data-") or name == "src" or _PICTURE.search(value) is not None


def absolute(url: str, base: str) -> str:
    """The address without its fragment, resolved; "" for data URIs and what is no address."""
    url = url.strip()
    if not url or url.startswith(("data:", "blob:", "about:", "javascript:")):
        return ""
    try:
        found = urljoin(base, url).split("#")[0].replace(" ", "%20")
    except ValueError:
        return ""
    return "" if found == base.split("#")[0] else found  # `src=""` and `src="#"` name the page itself


def group(survey: list[dict[str, Any]], base: str) -> list[dict[str, Any]]:
    """The images of a page: elements that share an address are one. A `src` that several elements have with different
    lazy addresses is a placeholder, and no address of theirs."""
    found = [(*candidates(e["attrs"], e["sources"], base), e) for e in survey]
    lazy: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for src, others, _ in found:
        lazy[src].add(tuple(others))
    images: list[dict[str, Any]] = []
    by_url: dict[str, dict[str, Any]] = {}
    for src, others, e in found:
        placeholder = others and len(lazy[src] - {()}) > 1
        urls = list(dict.fromkeys(([src] if src and not placeholder else []) + others))
        if not urls:
            continue
        image = next((by_url[u] for u in urls if u in by_url), None)
        if image is None:
            image = {"urls": [], "elements": []}
            images.append(image)
        image["urls"] += [u for u in urls if u not in image["urls"]]
        image["elements"].append(e)
        for u in urls:
            by_url[u] = image
    return images


def choose(data: Path, more: bool = False) -> list[str]:
    """The pages: of each type as many as `SHARES` says, drawn with `SEED` from those with 1 to `MOST_IMAGES` images; for
    `more`, drawn with `SEED_MORE` from those that the first draw left, on sites that it does not have."""
    first = set(choose(data)) if more else set()
    files = json.loads((data / "metadata.json").read_text("utf-8"))["files"]
    sites = {files[file_id]["domain"] for file_id in first}
    by_type: dict[str, list[str]] = defaultdict(list)
    for file_id, facts in sorted(files.items()):
        if facts["split"] != "dev" or facts["domain"] in sites:
            continue
        tree = LexborHTMLParser(gzip.decompress((data / "dev/html" / f"{file_id}.html.gz").read_bytes()))
        images = [
            n for n in tree.css("img") if not (n.attributes.get("src") or "data:").startswith("data:") or len(n.attributes) > 3
        ]
        if images and len(tree.css("img")) <= MOST_IMAGES:
            by_type[facts["page_type"]].append(file_id)
    draw = random.Random(SEED_MORE if more else SEED)
    return sorted(i for kind, share in SHARES.items() for i in draw.sample(by_type[kind], min(share, len(by_type[kind]))))


def sheets(data: Path, out: Path, chromium: str, more: bool) -> None:
    """A contact sheet and a list for every chosen page."""
    from playwright.sync_api import sync_playwright

    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium or None, args=["--no-sandbox"])
        for file_id in choose(data, more):
            if (out / f"{file_id}.json").exists():
                continue
            context = browser.new_context(java_script_enabled=False, viewport={"width": 1000, "height": 1000})
            page = context.new_page()
            page.route("**/*", lambda route: route.abort())
            truth = json.loads((data / "dev/ground-truth" / f"{file_id}.json").read_text("utf-8"))
            html = gzip.decompress((data / "dev/html" / f"{file_id}.html.gz").read_bytes()).decode("utf-8", "replace")
            # Nothing may be fetched, and pages that wait for a style sheet would be slow to give up.
            page.set_content(
                re.sub(r"<link\b[^>]*>|<script\b.*?</script>|<iframe\b", "", html, flags=re.S | re.I), wait_until="commit"
            )
            page.wait_for_timeout(300)
            survey = page.evaluate(_SURVEY)
            images = group(survey, base_of(html, truth["url"]))
            names: list[list[str] | None] = [None] * len(survey)
            for number, image in enumerate(images, 1):
                for e in image["elements"]:
                    names[e["index"]] = [str(number), f"{e['attrs'].get('alt', '')[:60]} [{short(image['urls'][0])}]"]
            height = page.evaluate(_BOX, names)
            shot = page.screenshot(
                full_page=True, clip={"x": 0, "y": 0, "width": 1000, "height": max(height, 100)}, timeout=60_000
            )
            contact_sheet(shot, out / f"{file_id}.png")
            write_list(out, file_id, truth, images)
            context.close()
        browser.close()


def base_of(html: str, url: str) -> str:
    """What relative addresses are resolved against: the page's `base`, or its address."""
    node = LexborHTMLParser(html).css_first("base[href]")
    return urljoin(url, (node.attributes.get("href") or "") if node else "")


def short(url: str) -> str:
    return url.split("?")[0].rstrip("/").rsplit("/", 1)[-1][-40:]


def contact_sheet(shot: bytes, path: Path, side: int = 1560) -> None:
    """The long screenshot cut into columns, side by side on one square sheet."""
    import io

    from PIL import Image

    image = Image.open(io.BytesIO(shot)).convert("RGB")
    scale = min(0.75, side / math.sqrt(image.width * image.height))
    columns = max(1, math.floor(side / (image.width * scale)))
    rows = math.ceil(image.height / columns)
    scale = min(side / rows, side / (columns * image.width), 0.8)
    sheet = Image.new("RGB", (round(columns * image.width * scale) + 6 * columns, round(rows * scale)), "gray")
    for c in range(columns):
        part = image.crop((0, c * rows, image.width, min((c + 1) * rows, image.height)))
        part = part.resize((max(round(part.width * scale), 1), max(round(part.height * scale), 1)), Image.Resampling.LANCZOS)
        sheet.paste(part, (round(c * (image.width * scale + 6)), 0))
    sheet.save(path)


def write_list(out: Path, file_id: str, truth: dict[str, Any], images: list[dict[str, Any]]) -> None:
    """The list of images, as JSON for `assemble` and as text to read: `T` marks neighbouring text that is in the truth."""
    kind = truth["_internal"]["page_type"]["primary"]
    main_text = truth["ground_truth"].get("main_content") or ""
    main = squeezed(main_text)
    (out / f"{file_id}.json").write_text(json.dumps({"type": kind, "images": [i["urls"] for i in images]}), "utf-8")
    lines = [f"== {file_id} {kind} {truth['url']} | {len(main)} | {main_text[:150]!r}"]
    for number, image in enumerate(images, 1):
        e = next((x for x in image["elements"] if not x["noscript"]), image["elements"][0])
        before, after = squeezed(e["before"])[-24:], squeezed(e["after"])[:24]
        marks = ("T" if len(before) > 8 and before in main else "-") + ("T" if len(after) > 8 and after in main else "-")
        size = f"{e['attrs'].get('width', '')}x{e['attrs'].get('height', '')}"
        path = " ".join(p[:40] for p in e["path"][:4])
        many = f" x{len(image['elements'])}" if len(image["elements"]) > 1 else ""
        lines.append(
            f"{number}{many} {marks} {size} alt={e['attrs'].get('alt', '')[:50]!r} {short(image['urls'][0])} < {path}"
            f" | …{e['before'][-30:]!r} {e['after'][:40]!r}"
        )
    (out / f"{file_id}.txt").write_text("\n".join(lines) + "\n", "utf-8")


def squeezed(text: str) -> str:
    return re.sub(r"\W+", "", text).lower()


def numbers(ranges: str) -> list[list[int]]:
    """`1-3,7+9` as [[1], [2], [3], [7, 9]]: a plus joins the addresses of one picture."""
    out: list[list[int]] = []
    for piece in filter(None, ranges.replace(" ", "").split(",")):
        if "+" in piece:
            out.append([int(n) for n in piece.split("+")])
        else:
            first, _, last = piece.partition("-")
            out += [[n] for n in range(int(first), int(last or first) + 1)]
    return out


def assemble(folder: Path, decisions: Path, to: Path) -> None:
    """Write the labels."""
    labels: dict[str, Any] = {}
    for file_id, decision in sorted(json.loads(decisions.read_text("utf-8")).items()):
        page = json.loads((folder / f"{file_id}.json").read_text("utf-8"))
        content, doubtful = numbers(decision.get("content", "")), numbers(decision.get("doubtful", ""))
        urls = dict(enumerate(page["images"], 1))
        named = [n for group in [*content, *doubtful] for n in group]
        if len(named) != len(set(named)) or not set(named) <= set(urls):
            raise SystemExit(f"{file_id}: the decisions name an image twice, or one that is not there")
        labels[file_id] = {
            "type": page["type"],
            "content": [[u for n in group for u in urls[n]] for group in content],
            "other": [urls[n] for n in sorted(set(urls) - set(named))],
            "doubtful": [[u for n in group for u in urls[n]] for group in doubtful],
            "note": decision.get("note", ""),
        }
    to.write_text(json.dumps(labels, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{len(labels)} pages, {sum(len(p['content']) for p in labels.values())} content images: {to}")


def agreement(first: dict[str, Any], second: dict[str, Any]) -> Counter[tuple[str, str]]:
    """What two passes say of each address, on the pages that both have."""
    pairs: Counter[tuple[str, str]] = Counter()
    for file_id in first.keys() & second.keys():
        kinds = [
            {url: kind for kind in ("content", "other", "doubtful") for urls in labels[file_id][kind] for url in urls}
            for labels in (first, second)
        ]
        pairs.update((kinds[0][url], kinds[1][url]) for url in kinds[0].keys() & kinds[1].keys())
    return pairs


def agree() -> None:
    """Print how far the two passes over the second draw agree."""
    first, second = (json.loads(path.read_text("utf-8")) for path in (MORE, SECOND))
    pairs = agreement(first, second)
    same = sum(count for (a, b), count in pairs.items() if a == b)
    opposed = pairs["content", "other"] + pairs["other", "content"]
    print(
        f"{len(first.keys() & second.keys())} pages: {same:,} of {pairs.total():,} addresses have one label, {opposed} are content to one and other"
    )
    print("to the other pass; the rest are doubtful to one of them")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    steps = parser.add_subparsers(dest="step", required=True)
    for step in ("choose", "sheets"):
        sub = steps.add_parser(step)
        sub.add_argument("--data", type=Path, required=True, help="the folder of WCXB")
        sub.add_argument("--more", action="store_true", help="the second draw, to train on")
        if step == "sheets":
            sub.add_argument("--out", type=Path, required=True)
            sub.add_argument("--chromium", default="", help="the browser (default: Playwright's own)")
    sub = steps.add_parser("assemble")
    sub.add_argument("--sheets", type=Path, required=True)
    sub.add_argument("--decisions", type=Path, required=True)
    which = sub.add_mutually_exclusive_group()
    which.add_argument("--more", action="store_true", help="these are of the second draw")
    which.add_argument("--second", action="store_true", help="these are of the second draw, and of the second pass")
    steps.add_parser("agree")
    options = parser.parse_args()
    if options.step == "choose":
        print(*choose(options.data, options.more), sep="\n")
    elif options.step == "sheets":
        sheets(options.data, options.out, options.chromium, options.more)
    elif options.step == "agree":
        agree()
    else:
        assemble(options.sheets, options.decisions, SECOND if options.second else MORE if options.more else LABELS)


if __name__ == "__main__":
    main()
