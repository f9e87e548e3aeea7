"""Lines that PowerShell writes beside its output when all of its streams go to one file."""

import re

_NOISE = re.compile(
    r"(?:WARNING|VERBOSE|DEBUG|INFORMATION|WARNUNG|AUSF\xdcHRLICH|AVERTISSEMENT|ADVERTENCIA): "
    r"|PS [A-Za-z]:\\|PS>|PS /|\[PS\] |\*{10,}"
)


def is_noise(line: str) -> bool:
    """Whether this is a message, a prompt, or a rule of a transcript."""
    return _NOISE.match(line) is not None


def without_noise(text: str) -> str:
    """The text from its first line on that is neither blank nor such a line. Messages that are wrapped keep their rest."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        line = text[start:end]
        if line.strip() and not is_noise(line):
            break
        start = end
    return text[start:].lstrip("\ufeff \t")
