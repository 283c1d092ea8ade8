"""Forms that a page sends, read within bounds."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import FormData

from limner.serve.errors import Refused


async def read_form(request: Request, files: int, fields: int) -> FormData:
    """The form of a request, of at most so many files and fields. Raises `Refused` for what is no form."""
    try:
        return await request.form(max_files=files, max_fields=fields)
    except Exception as error:  # noqa: BLE001 - starlette and its parser raise several kinds for what is no form
        raise Refused(f"the form cannot be read: {type(error).__name__}") from None


def field(form: FormData, name: str, most: int) -> str:
    """The beginning of a field's text, "" where there is none."""
    value = form.get(name)
    return value[:most] if isinstance(value, str) else ""
