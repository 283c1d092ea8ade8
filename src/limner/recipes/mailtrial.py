"""A trial of mails: a server on this machine takes them, and kills who sends while it takes some."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from limner.errors import MissingExtra


@dataclass
class Box:
    """A handler of aiosmtpd that keeps what comes, and kills the process `sender` at the mails whose numbers are `fatal`: at an even one before
    it has kept it, at an odd one after. `kills` counts them."""

    fatal: frozenset[int] = frozenset()
    mails: list[EmailMessage] = field(default_factory=list[EmailMessage])
    sender: int = 0
    kills: int = 0
    _count: int = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail."""
        number, self._count = self._count, self._count + 1
        fatal = number in self.fatal and self.sender > 0
        if not fatal or number % 2:
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # pyright: ignore[reportArgumentType]
        if fatal:
            self.kills += 1
            os.kill(self.sender, signal.SIGKILL)
        return "250 taken"

    @property
    def came(self) -> Counter[str]:
        """How many mails came to each address."""
        return Counter(str(mail["To"]) for mail in self.mails)


@contextmanager
def taking(box: Box) -> Generator[int]:
    """A server of SMTP on 127.0.0.1 that puts mails into a box, for the length of a `with` block; gives its port."""
    try:
        from aiosmtpd.controller import Controller
    except ImportError:
        raise MissingExtra("dev", "aiosmtpd", "a trial of mails") from None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    controller: Any = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def until_it_lives(command: Sequence[str], box: Box) -> int:
    """Run a command again and again until the box does not kill it; its exit status."""
    while True:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as sender:
            box.sender = sender.pid
            code = sender.wait()
            box.sender = 0
        if code != -signal.SIGKILL:
            return code
