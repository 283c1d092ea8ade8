"""Errors as OpenAI's interface words them, so that its clients raise what they would raise there."""

from __future__ import annotations

from starlette.responses import JSONResponse

from limner.errors import LimnerError

RETRY = 5  # seconds


class Busy(LimnerError):
    """More is waiting than will be answered in time."""


class Refused(LimnerError):
    """A request that cannot be answered as it is: `status` and `param` say why and what of it."""

    def __init__(self, message: str, status: int = 400, param: str | None = None, code: str | None = None):
        super().__init__(message)
        self.status, self.param, self.code = status, param, code


def problem(status: int, message: str, code: str | None = None, param: str | None = None) -> JSONResponse:
    """An error's answer."""
    kind = "rate_limit_error" if status == 429 else "invalid_request_error" if status < 500 else "server_error"
    headers = {"retry-after": str(RETRY)} if status in (429, 503) else None
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": code}}, status, headers)


def of(error: Exception) -> JSONResponse:
    """The answer to what was raised."""
    if isinstance(error, Busy):
        return problem(429, str(error), "busy")
    if isinstance(error, Refused):
        return problem(error.status, str(error), error.code, error.param)
    return problem(500, str(error), "server_error")
