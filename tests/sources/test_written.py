"""reStructuredText, DocBook and Mallard."""

from __future__ import annotations

import pytest

from limner.document import Document
from limner.sources.kinds import Page, documents, recognise
from sources.test_books import roles


def read(data: str, name: str) -> Document:
    (document,) = documents(Page(data.encode(), name, "1"), limit=10**7)
    return document


RST = """
Purring
=======

Cats purr, as :py:func:`~cats.purr` and :term:`purring <purr>` say.

.. figure:: img/cat.png
   :alt: A cat

   A cat that purrs.

.. code-block:: python
   :linenos:

   purr(25)

.. versionadded:: 1.2
   Quieter purring.

.. toctree::

   other

.. include:: /etc/passwd

.. raw:: html

   <p>raw</p>

- at rest
- in pain

.. math:: e = mc^2
"""


def test_rst_keeps_what_is_in_directives_that_docutils_does_not_know():
    pytest.importorskip("docutils", reason="limner[rst] is not installed")
    document = read(RST, "purring.rst")
    assert document.title == "Purring"
    assert "as purr and purring say" in document.text or "as cats.purr and purring say" in document.text
    (image,) = document.images
    assert (image.url, image.alt) == ("img/cat.png", "A cat")
    assert [part.text for part in document.texts if part.role == "caption"] == ["A cat that purrs."]
    assert [part.text for part in document.texts if part.role == "code"] == ["purr(25)"]
    assert "Quieter purring." in document.text
    assert "- at rest\n- in pain" in document.text
    assert "root:" not in document.text
    assert "raw" not in document.text


DOCBOOK = """<?xml version="1.0"?>
<!DOCTYPE article PUBLIC "-//OASIS//DTD DocBook XML V4.5//EN" "http://www.oasis-open.org/docbook/xml/4.5/docbookx.dtd">
<article lang="en_GB"><articleinfo><title>Cats</title><author>A. Cat</author></articleinfo>
<section><title>Purring</title><para>They <emphasis>purr</emphasis> softly.</para>
<figure><title>A cat</title><mediaobject><imageobject><imagedata fileref="img/cat.png"/></imageobject>
<textobject><phrase>left out</phrase></textobject></mediaobject></figure>
<itemizedlist><listitem><para>at rest</para></listitem></itemizedlist>
<programlisting>purr(25)
  stop()</programlisting>
<informaltable><tgroup cols="2"><thead><row><entry>cat</entry><entry>hertz</entry></row></thead>
<tbody><row><entry>Tom</entry><entry>25</entry></row></tbody></tgroup></informaltable></section></article>"""

MALLARD = """<page xmlns="http://projectmallard.org/1.0/" type="topic" id="purring"><info><desc>About</desc></info>
<title>Purring</title><p>They purr.</p><steps><item><p>Sit.</p></item><item><p>Wait.</p></item></steps>
<figure><title>A cat</title><media type="image" src="figures/cat.png"><p>Tom</p></media></figure>
<section><title>More</title><p>For long.</p></section></page>"""


def test_docbook_has_its_sections_figures_and_tables():
    document = read(DOCBOOK, "cats.xml")
    assert (document.title, document.language) == ("Cats", "en-GB")
    assert roles(document) == ["heading", "heading", "paragraph", "image", "caption", "list", "code", "table"]
    assert [(part.text, part.level) for part in document.texts if part.role == "heading"] == [("Cats", 1), ("Purring", 2)]
    assert document.images[0].url == "img/cat.png"
    assert "left out" not in document.text
    assert "purr(25)\n  stop()" in document.text


def test_mallard_has_its_steps_and_figures():
    document = read(MALLARD, "purring.page")
    assert document.title == "Purring"
    assert roles(document) == ["heading", "paragraph", "list", "image", "caption", "heading", "paragraph"]
    assert next(part.text for part in document.texts if part.role == "list") == "1. Sit.\n2. Wait."
    assert (document.images[0].url, document.images[0].alt) == ("figures/cat.png", "Tom")


def test_an_xml_file_is_told_by_what_it_is():
    assert recognise(DOCBOOK.encode(), "a") == "xml"
    assert recognise(MALLARD.encode(), "a") == "xml"
    assert recognise(b'<?xml version="1.0"?><note/>', "a.xml") == ""
