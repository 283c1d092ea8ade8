"""Handing mails to a server by SMTP, each digest once.

SMTP cannot be exactly once: where the connection ends between the last byte and the server's answer, nobody knows whether it took the mail. Here a
digest goes at most once: it is recorded as begun before it is sent, as sent after the server has taken it, and taken back only where the server
surely refused it. What was begun and neither (a kill, a lost connection) is counted as unsure and left, unless it is asked for again.
"""

from __future__ import annotations

import ipaddress
import smtplib
import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal, Protocol

from limner.errors import LimnerError
from limner.serve.papers.digest import Edition, Sender, invitation, message

Secured = Literal["none", "starttls", "implicit"]
TIMEOUT = 60.0
"""Seconds in which the server must answer each command."""


class Unsent(LimnerError):
    """The server surely did not take a mail."""


class Unreachable(Unsent):
    """There is no talking to the server."""


class Unsure(LimnerError):
    """The connection was lost while the server took a mail: it may have it."""


@dataclass(frozen=True)
class Server:
    """A server of mail. `secured` is how the connection is encrypted: not, from the command STARTTLS on (RFC 3207), or from the first byte (RFC
    8314); a certificate is checked. `user` and `password` are given only over an encrypted connection or to this machine."""

    host: str
    port: int = 25
    secured: Secured = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = TIMEOUT

    @classmethod
    def at(cls, place: str, secured: Secured = "none", user: str = "", password: str = "") -> Server:
        """The one at HOST:PORT, or at HOST and the usual port. Raises `LimnerError` for what is none."""
        host, colon, port = place.rpartition(":")
        if not colon or "]" in port:
            host, port = place, {"none": "25", "starttls": "587", "implicit": "465"}[secured]
        host = host.strip("[]")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
            raise LimnerError(f"{place!r} is no server; write one as mail.example.org:587")
        if user and secured == "none" and not _here(host):
            raise LimnerError(f"{host}: a password is sent over an encrypted connection only; choose starttls or implicit TLS")
        return cls(host, int(port), secured, user, password)


class Post(Protocol):
    """What takes mails over."""

    def send(self, mail: EmailMessage) -> None:
        """Hand one over. Raises `Unsent` where it was surely not taken, `Unsure` where that is not known."""
        ...


class Connection:
    """A connection to a server, made anew for the next mail where it was lost."""

    def __init__(self, server: Server):
        self._server = server
        self._smtp: smtplib.SMTP | None = None

    def send(self, mail: EmailMessage) -> None:
        """See `Post`."""
        smtp = self._opened()
        try:
            smtp.send_message(mail)
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError) as error:
            with suppress(OSError):
                smtp.rset()
            raise Unsent(f"{self._server.host} refused it: {error}") from None
        except OSError as error:  # smtplib's own errors are of this kind too
            smtp.close()  # without a farewell, for which it would wait again
            self._smtp = None
            raise Unsure(f"{self._server.host}: the connection was lost on the way ({error})") from None

    def _opened(self) -> smtplib.SMTP:
        server = self._server
        if self._smtp is not None:
            with suppress(OSError):  # servers close what was idle or has sent much: another connection is made
                if self._smtp.noop()[0] == 250:
                    return self._smtp
            self.close()
        try:
            context = ssl.create_default_context()
            if server.secured == "implicit":
                self._smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout, context=context)
            else:
                self._smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
            if server.secured == "starttls":
                self._smtp.starttls(context=context)
            if server.user:
                self._smtp.login(server.user, server.password)
        except OSError as error:
            self.close()
            raise Unreachable(f"{server.host}:{server.port} cannot be reached: {error}") from None
        return self._smtp

    def close(self) -> None:
        """End it."""
        if self._smtp is not None:
            with suppress(OSError):
                self._smtp.quit()
            self._smtp = None


@contextmanager
def connected(server: Server) -> Generator[Connection]:
    """A connection for the length of a `with` block; it is made with the first mail."""
    connection = Connection(server)
    try:
        yield connection
    finally:
        connection.close()


@dataclass(frozen=True)
class Sent:
    """What became of the digests of a day, in subscribers: sent now; sent before; begun before, and nobody knows whether it went; without a paper for
    them; not sent, with the first error. `invited` were asked to confirm; `waiting` could not be, without a site to confirm on."""

    sent: int = 0
    before: int = 0
    unsure: int = 0
    nothing: int = 0
    failed: int = 0
    invited: int = 0
    waiting: int = 0
    error: str = ""


AGAIN = 600.0
"""Seconds after which a digest that was begun is no longer on its way, in whatever process."""


def deliver(edition: Edition, sender: Sender, post: Post, again: float | None = None) -> Sent:
    """Send the digest of a day to everyone who has confirmed and has not had it; first ask who has not confirmed. What is unsure since more than
    `again` seconds is sent once more. May be run by several at a time, and again after a kill: nobody gets a digest twice but by `again`."""
    board = edition.feed.board
    counts = dict.fromkeys(("sent", "before", "unsure", "nothing", "failed", "invited", "waiting"), 0)
    errors: list[str] = []
    down = False

    def handed(mail: EmailMessage) -> bool | None:
        """Whether the server took it; None where nobody knows."""
        nonlocal down
        try:
            post.send(mail)
        except (Unsent, Unsure) as error:
            # A server that loses one mail may lose them all: the others wait for the next run.
            down = isinstance(error, Unreachable | Unsure)
            errors.append(str(error))
            return None if isinstance(error, Unsure) else False
        return True

    for subscriber in board.subscribers("asked"):
        # Recorded first: whoever types in a stranger's address makes them get one mail, not one a day.
        if down or not sender.site or not board.advance(subscriber.token, "invited", before="asked"):
            counts["waiting"] += 1
        elif handed(invitation(subscriber, sender)) is False:
            board.advance(subscriber.token, "asked", before="invited")
            counts["waiting"] += 1
        else:
            counts["invited"] += 1
    for subscriber in board.subscribers("confirmed"):
        known = board.sent(subscriber).get(edition.day)
        if known is not None and (known or again is None):
            counts["before" if known else "unsure"] += 1
            continue
        picks = edition.picks(subscriber)
        if not picks or down:
            counts["failed" if picks else "nothing"] += 1
            continue
        mail = message(edition, subscriber, picks, sender)
        if not board.begin(subscriber, edition.day, [pick.paper.id for pick in picks], again):
            counts["unsure"] += 1  # another has begun it
            continue
        taken = handed(mail)
        if taken is not None:
            board.end(subscriber, edition.day, taken)
        counts["unsure" if taken is None else "sent" if taken else "failed"] += 1
    return Sent(**counts, error=errors[0] if errors else "")


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
