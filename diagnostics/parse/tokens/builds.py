"""Builds of Exchange servers on premises, which they write into the Received: line of each mail that they pass on."""

import re
from itertools import islice

_BUILD = re.compile(
    r"with\s{1,8}Microsoft\s{1,8}SMTP\s{1,8}Server\b[^;]{0,120}?\bid\s{1,8}(15\.[0-9]\.[0-9]{1,5}\.[0-9]{1,5})(?![0-9.])"
)
_MICROSOFTS = re.compile(r"15\.20\.")  # Exchange Online itself
MAX_BUILDS = 16


def builds(text: str) -> list[str]:
    """As written ("15.1.2507.39"), each once, in order."""
    if "Microsoft SMTP" not in text and "Microsoft\n" not in text:
        return []
    found = dict.fromkeys(match[1] for match in islice(_BUILD.finditer(text), 64))
    return [build for build in found if not _MICROSOFTS.match(build)][:MAX_BUILDS]
