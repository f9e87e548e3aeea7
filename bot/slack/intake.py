"""Text as Slack sends it → the text that the person saw. Pure.

Slack wraps what looks like an address and escapes three characters, in commands too when the manifest's `should_escape`
is on, and always in what people paste from messages (docs.slack.dev/messaging/formatting-message-text).
"""

import re

_WRAPPED = re.compile(r"<((?:[@#!]|[a-z][a-z0-9+.-]*:)[^<>|]*)(?:\|([^<>]*))?>")


def plain(text: str) -> str:
    """`<http://contoso.com|contoso.com>` → `contoso.com`, `<mailto:a@b.c|a@b.c>` → `a@b.c`, `&amp;` → `&`."""
    unwrapped = _WRAPPED.sub(_seen, text)
    # & last: "&amp;lt;" is somebody's "&lt;", not "<"
    return unwrapped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _seen(match: re.Match[str]) -> str:
    """What stood on the screen for `<target|label>`: the label, or a name made of the target."""
    target, label = match[1], match[2]
    if target.startswith(("@", "#")):
        return target[0] + (label or target[1:])
    if label:
        return label
    if target.startswith("!"):
        return "@" + target[1:].partition("^")[0]
    return target.removeprefix("mailto:")
