"""The document: an ordered sequence of text, images and other media, and its forms for reading and storing."""

from limner.document.document import Document, document_id
from limner.document.jsonform import dumps, from_dict, loads, to_dict
from limner.document.parts import ROLES, Audio, Image, Media, Mesh, Part, Role, Text, Video

__all__ = [
    "ROLES",
    "Audio",
    "Document",
    "Image",
    "Media",
    "Mesh",
    "Part",
    "Role",
    "Text",
    "Video",
    "document_id",
    "dumps",
    "from_dict",
    "loads",
    "to_dict",
]
