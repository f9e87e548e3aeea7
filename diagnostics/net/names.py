"""Host names, domains and address literals as people write them → the form in which they are asked for. Pure."""

import ipaddress
import re
import unicodedata

import idna

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
MAX_NAME = 253


class NameFault(ValueError):
    """Not a host name, and why, in a sentence fit to be shown."""


def address(text: str) -> Address | None:
    """An address literal, with or without brackets; None for anything else.

    Strict: `127.1`, `0x7f.1` and numbers, which the C library takes for addresses, are none here. Raises NameFault for a zone id.
    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    bare = bare.removeprefix("IPv6:")
    if "%" in bare and ":" in bare:
        raise NameFault(f"{text[:80]!r} has a zone id: an address that only this machine understands cannot be checked.")
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        return None


def is_literal(host: str) -> bool:
    """Whether a host is an address literal, as mailflow itself writes one."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def network(text: str) -> bool:
    """Whether this is a range in CIDR form, which is legal as a smart host."""
    if "/" not in text:
        return False
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def host(text: str) -> str:
    """The A-label form of a host name, lower case, without a trailing dot. Raises NameFault.

    Rules: RFC 1123 section 2.1 letters, digits, hyphens (underscores are seen in the wild), RFC 1035 lengths, IDNA 2008.
    """
    name = unicodedata.normalize("NFKC", text.strip()).lower().removesuffix(".")
    if not name:
        raise NameFault("That is no host name: it is empty.")
    if len(name) > MAX_NAME:
        raise NameFault(f"That is no host name: {len(name)} characters; at most {MAX_NAME} are allowed.")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True, std3_rules=True).decode().lower()
        except (idna.IDNAError, UnicodeError) as error:
            raise NameFault(f"{text[:80]!r} is no host name: {str(error)[:120]}.") from None
    labels = name.split(".")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise NameFault(f"{text[:80]!r} is no host name: the part {label[:70]!r} may hold letters, digits and hyphens only.")
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        raise NameFault(
            f"{text[:80]!r} is no host name: its last part is a number. Write an address in full, such as 192.0.2.25."
        )
    return name


_MICROSOFT_MX = (
    ".mail.protection.outlook.com",
    ".mx.microsoft",
    ".mail.protection.office365.us",
    ".mail.protection.partner.outlook.cn",
    ".mail.eo.outlook.com",
)


def is_microsoft(host: str) -> bool:
    """Whether an MX host is Exchange Online's own, in any of its clouds."""
    return host.lower().rstrip(".").endswith(_MICROSOFT_MX)
