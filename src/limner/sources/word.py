"""Word documents (DOCX), by way of the HTML that mammoth makes of them: its styles become headings, lists and tables."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from limner.corpus.media import MediaSink
from limner.document import Document
from limner.errors import MissingExtra, SourceError
from limner.sources.attach import attach
from limner.sources.html.whole import whole
from limner.sources.kinds import Page
from limner.sources.zipfolder import ZipFolder

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => h2:fresh
p[style-name='Caption'] => p.caption:fresh
p[style-name='caption'] => p.caption:fresh
p[style-name^='Code'] => pre:separator('\\n')
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
"""


def read_docx(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of Word documents. Needs the extra `office`."""
    try:
        import mammoth
    except ImportError:
        raise MissingExtra("office", "mammoth", f"reading {page.name}") from None
    ZipFolder(page.data, page.name).check()
    pictures: dict[str, bytes] = {}

    def picture(image: Any) -> dict[str, str]:
        with image.open() as file:
            data = file.read()
        name = f"picture-{len(pictures) + 1}.{str(image.content_type).rpartition('/')[2].partition('+')[0]}"
        pictures[name] = data
        return {"src": name}

    try:
        convert: Any = mammoth.convert_to_html
        html = convert(io.BytesIO(page.data), style_map=_STYLES, convert_image=mammoth.images.img_element(picture)).value
    except Exception as error:  # noqa: BLE001 - mammoth has no errors of its own: whatever a damaged file makes it do
        raise SourceError(f"{page.name}: a damaged Word document ({type(error).__name__}: {error})") from None
    document = whole(html, name=page.name, id=page.id, url=page.url)
    yield attach(document, pictures.get, media) if media is not None else document
