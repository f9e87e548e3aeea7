"""Exchange Online's enforcement against old Exchange servers: which build a text shows, and what it is compared with. Pure."""

from collections.abc import Sequence

from diagnostics.catalogue import Catalogue

OUTDATED = ("4.7.230", "5.7.230")


def told(enhanced: str, builds: Sequence[str], catalogue: Catalogue) -> str:
    """Sentences on the builds of the text and on how the enforcement rises; "" for any other code."""
    if enhanced not in OUTDATED:
        return ""
    say = catalogue.enforcement.say
    return " ".join((*(_compared(build, catalogue) for build in builds), say("ladder", {})))


def _compared(build: str, catalogue: Catalogue) -> str:
    minimum = catalogue.oldest.minimum.get(".".join(build.split(".")[:2]))
    facts = {"build": build, "since": catalogue.oldest.since}
    if minimum is None:
        return catalogue.enforcement.say("unsupported", facts)
    facts |= {"minimum": minimum.build, "name": minimum.name, "update": minimum.update}
    return catalogue.enforcement.say("outdated" if _number(build) < _number(minimum.build) else "current", facts)


def _number(build: str) -> tuple[int, ...]:
    return tuple(map(int, build.split(".")))
