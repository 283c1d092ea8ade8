"""What can be wrong with a corpus."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Damage:
    """One finding: how bad it is, its kind (a fixed word), the file, and what is wrong there.

    `error`: something that counts cannot be read or is not what was written. `warning`: readable, but not as it should be.
    `info`: left over, without effect on what is read.
    """

    level: Level
    kind: str
    file: str
    message: str

    def __str__(self) -> str:
        return f"{self.level:7} {self.kind:12} {self.file}: {self.message}"

    def to_dict(self) -> dict[str, str]:
        """The finding as a JSON-ready dictionary."""
        return asdict(self)
