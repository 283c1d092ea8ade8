"""Personal data in text: found where it is sure, and masked.

Precision comes first: a manual is full of version numbers, times, serial numbers and example addresses, and none of
them is anyone's. So a number is a telephone number only in international form, in the North American form, or after
a word that says so; a dotted quad is an address only when it is one of the public Internet and nothing about it reads
as a version; addresses that standards reserve for examples (RFC 2606, 5737, 3849) stay.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from limner.curate.operator import Context, Reason
from limner.document import Document, Image, Part, Role, Text

Kind = Literal["email", "phone", "ip", "iban", "card"]

_EMAIL = re.compile(
    r"(?<![\w.+%/-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_+-])?"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,6}([A-Za-z]{2,18})(?![\w@-])"
)
# Endings of file names: logo@2x.png is no one's address.
_FILE_ENDING = re.compile(
    r"(?:png|jpe?g|gif|svg|webp|avif|bmp|ico|pdf|m?js|ts|css|html?|json|xml|ya?ml|md|txt|zip|gz|local)\Z", re.IGNORECASE
)
_EXAMPLE_HOSTS = re.compile(r"@(?:[\w-]+\.)*(?:example\.(?:com|org|net)|example|test|invalid|localhost)\Z", re.IGNORECASE)

_IPV4 = re.compile(r"(?<![\w.\-+])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\w\-+]|\.\w)")
_IPV6 = re.compile(r"(?<![\w:.])[23][0-9A-Fa-f]{3}:(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{0,4}(?![\w:])")
_VERSION_BEFORE = re.compile(
    r"(?:\b(?:v|ver|vers|versions?|versión|versione|versão|versie|версия|версии|releases?|rel|build|firmware|driver|"
    r"section|sections|chapter|kapitel|abschnitt|chapitre|§|rfc|update|upgrade|patch|revision|rev|sdk|api|"
    r"package|library)[\s.:=#(]*|バージョン\s*|版本\s*|[A-Za-z]/|==|>=|<=|~=|[<>]\s*)\Z",
    re.IGNORECASE,
)
_ADDRESS_NEAR = re.compile(
    r"\b(?:ipv?4?|ip-?address(?:es)?|address|addr|adresse|dirección|indirizzo|адрес|host|hosts|server|serveur|servidor|"
    r"gateway|router|proxy|dns|nameserver|ping|ssh|traceroute|whois|login|logged|client|remote|peer|banned?|blocked)\b|"
    r"アドレス|サーバ|地址|服务器|://",
    re.IGNORECASE,
)

_SEVEN_DIGITS = re.compile(r"\d(?:\D{0,3}\d){6}")
_INTERNATIONAL = re.compile(
    r"(?<![\w+./=-])\+[1-9]\d{0,2}(?:[ \u00a0.\-/]?\(\d{1,5}\))?(?:[ \u00a0.\-/]?\d{1,12}){1,7}(?![\w]|[.,]\d)"
)
_NORTH_AMERICAN = re.compile(
    r"(?<![\w+.\-/(])(?:1[-. ])?(?:\([2-9]\d{2}\)[ \u00a0-]?|[2-9]\d{2}-)[2-9]\d{2}[-. ]\d{4}(?![\w-]|\.\d)"
)
_AFTER_WORD = re.compile(
    r"(?:(?<![\w])(?:tel|telephone|phone|phones|ph|mobile|cell|fax|call|hotline|whatsapp|telefon|telefoon|telefono|"
    r"teléfono|telefone|téléphone|tél|telefax|handy|rufnummer|mobil|móvil|celular|portable|тел|телефон|факс)|"
    r"電話(?:番号)?|携帯|电话|手机|전화)"
    r"(?:\s(?:number|no|nr|us|at|on|numéro|número|numero|nummer))?\s?[.:：\-–]?\s{0,2}#?"
    r"(\(?\d{1,5}\)?(?:[ \u00a0.\-/]{1,2}\(?\d{1,8}\)?){1,6}|\d{7,14})(?![\w]|[.,]\d|-\d)",
    re.IGNORECASE,
)
_DECIMAL = re.compile(r"\+\d+\.\d+")
_DATE = re.compile(r"(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{4})")

_IBAN = re.compile(r"(?<![\w])[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]{4}){2,7}(?:[ \u00a0]?[A-Z0-9]{1,3})?(?![\w])")
_CARD = re.compile(r"(?<![\w.\-+])(?:[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -])\d{6}\2\d{5})(?![\w-]|\.\d)")

Found = tuple[int, int]


def _emails(text: str, role: str) -> Iterator[Found]:
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        if _FILE_ENDING.match(match[1]) or _EXAMPLE_HOSTS.search(match[0]):
            continue
        if match[0].startswith("git@") or text[match.end() : match.end() + 2].strip(" ") in (":/", ":~"):
            continue  # the address of a repository, scp's HOST:PATH
        yield match.span()


def _ips(text: str, role: str) -> Iterator[Found]:
    if text.count(".") >= 3:
        for match in _IPV4.finditer(text):
            if _public(match[0]) and _is_address(text, match, role):
                yield match.span()
    if text.count(":") >= 2:
        for match in _IPV6.finditer(text):
            if _public(match[0]):
                yield match.span()


def _public(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def _is_address(text: str, match: re.Match[str], role: str) -> bool:
    before, after = text[max(match.start() - 40, 0) : match.start()], text[match.end() : match.end() + 25]
    if _ADDRESS_NEAR.search(before[-25:]):
        return True
    if _VERSION_BEFORE.search(before):
        return False
    if not before.strip() and (role == "heading" or after[:1] == " "):
        return False  # the number of a section, before its title
    # Parts of a version are small as a rule: without a word that says address, one part must be of three digits.
    return max(int(part) for part in match.groups()) >= 100 or bool(_ADDRESS_NEAR.search(after))


def _phones(text: str, role: str) -> Iterator[Found]:
    if not _SEVEN_DIGITS.search(text):
        return
    for match in _INTERNATIONAL.finditer(text):
        digits = sum(character.isdecimal() for character in match[0])
        if _DECIMAL.fullmatch(match[0]):
            continue
        # A sum in a table, +12345678, has no separators; a number for the telephone has, or stands in prose.
        if 8 <= digits <= 15 and (role != "table" or any(c in " -(\u00a0" for c in match[0])):
            yield match.span()
    for match in _NORTH_AMERICAN.finditer(text):
        yield match.span()
    for match in _AFTER_WORD.finditer(text):
        digits = sum(character.isdecimal() for character in match[1])
        if 7 <= digits <= 15 and not _DATE.fullmatch(match[1]):
            yield match.span(1)


def _ibans(text: str, role: str) -> Iterator[Found]:
    for match in _IBAN.finditer(text):
        bare = match[0].replace(" ", "").replace("\u00a0", "")
        if 15 <= len(bare) <= 34 and int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1:  # ISO 13616
            yield match.span()


def _cards(text: str, role: str) -> Iterator[Found]:
    for match in _CARD.finditer(text):
        digits = [int(c) for c in match[0] if c.isdecimal()]
        doubled = [d if i % 2 else sum(divmod(2 * d, 10)) for i, d in enumerate(reversed(digits), 1)]
        if sum(doubled) % 10 == 0:  # ISO/IEC 7812-1, annex B
            yield match.span()


_FINDERS: Mapping[str, Callable[[str, str], Iterator[Found]]] = {
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "ip": _ips,
    "phone": _phones,
}


def find(text: str, kinds: tuple[Kind, ...] = ("email", "phone", "ip"), role: str = "paragraph") -> list[tuple[int, int, Kind]]:
    """Where personal data stands in `text`: begin, end and kind, in order, without overlap.

    >>> find("Write to jane@uni-x.de, not to me@example.com; we use version 1.2.3.4.")
    [(9, 22, 'email')]
    """
    found: list[tuple[int, int, Kind]] = []
    for kind, finder in _FINDERS.items():
        if kind in kinds:
            for start, end in finder(text, role):
                if not any(start < taken_end and taken_start < end for taken_start, taken_end, _ in found):
                    found.append((start, end, kind))  # type: ignore[arg-type]
    return sorted(found)


def _masks() -> Mapping[str, str]:
    return {"email": "[email]", "phone": "[phone]", "ip": "[ip]", "iban": "[iban]", "card": "[card]"}


@dataclass(frozen=True)
class MaskPii:
    """Mask e-mail addresses, telephone numbers and public IP addresses in text, alternative texts and titles.

    As many web corpora do, C4 and Dolma (Soldaini et al. 2024, arXiv 2402.00159, 5.3) among them, by pattern and
    context; bank accounts and cards are checked by their check digits. Notes `pii` for each part changed: how many,
    and how many of each kind, never the values.

    `kinds`  what is masked: email, phone, ip, iban, card
    `masks`  what stands in its place, by kind
    `exempt`  roles that stay as they are
    """

    kinds: tuple[Kind, ...] = ("email", "phone", "ip")
    masks: Mapping[str, str] = field(default_factory=_masks, hash=False)
    exempt: tuple[Role, ...] = ("code", "formula")

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        """The document with masks."""
        parts: list[Part] = []
        changed = False
        for part in document.parts:
            masked = self._part(part)
            if masked is not None:
                changed = True
                context.note(document, part, masked[1])
            parts.append(masked[0] if masked else part)
        title, counts = self._mask(document.title, "heading")
        if counts:
            context.note(document, None, _reason(counts))
        yield document.evolve(parts=tuple(parts), title=title) if changed or counts else document

    def _part(self, part: Part) -> tuple[Part, Reason] | None:
        if isinstance(part, Text) and part.role not in self.exempt:
            text, counts = self._mask(part.text, part.role)
            return (replace(part, text=text), _reason(counts)) if counts else None
        if isinstance(part, Image):
            alt, counts = self._mask(part.alt, "caption")
            return (replace(part, alt=alt), _reason(counts)) if counts else None
        return None

    def _mask(self, text: str, role: str) -> tuple[str, Counter[str]]:
        counts = Counter[str]()
        found = find(text, self.kinds, role)
        if not found:
            return text, counts
        out: list[str] = []
        end = 0
        for start, stop, kind in found:
            out += (text[end:start], self.masks.get(kind, f"[{kind}]"))
            counts[kind] += 1
            end = stop
        return "".join([*out, text[end:]]), counts


def _reason(counts: Counter[str]) -> Reason:
    return Reason("pii", counts.total(), None, ", ".join(f"{kind} {n}" for kind, n in sorted(counts.items())))
