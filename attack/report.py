"""The figures of an attack, what was asked for, and the table."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

MEMORY_MIB = 512.0
"""MemoryMax= of deploy/mailflow.service."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A column: its title, the most that is allowed, and how a figure is shown."""

    title: str
    most: float
    unit: str


LIMITS: Mapping[str, Limit] = {
    "ack": Limit("slowest ack", 1.0, "s"),
    "healthz": Limit("/healthz", 0.2, "s"),
    "other": Limit("another's check", 2.0, "s"),
    "lost": Limit("lost", 0, ""),
    "memory": Limit("memory", MEMORY_MIB, "MiB"),
    "callback": Limit("callback", 0.1, "s"),
}


@dataclass(slots=True)
class Figures:
    """What one attack did. A figure that was not taken is absent. `wrong`: sentences on what must not be, besides figures."""

    attack: str
    transport: str
    values: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.wrong and not any(self.over(name) for name in self.values)

    def over(self, name: str) -> bool:
        return self.values[name] > LIMITS[name].most

    def worst(self, name: str, value: float) -> None:
        self.values[name] = max(value, self.values.get(name, 0.0))


Case = Callable[[], Awaitable[Figures]]
"""One line of the table, to be made when its turn comes."""


def head() -> str:
    titles = "".join(f"{limit.title:>17}" for limit in LIMITS.values())
    limits = "".join(f"{_shown(limit.most, limit):>17}" for limit in LIMITS.values())
    return f"{'attack':<34}{titles}\n{'  at most':<34}{limits}"


def row(figures: Figures) -> str:
    """One line, and one for each thing that is wrong. What is over its limit has a mark."""
    cells = []
    for name, limit in LIMITS.items():
        value = figures.values.get(name)
        mark = " !" if value is not None and figures.over(name) else "  "
        cells.append(f"{'-' if value is None else _shown(value, limit):>15}{mark}")
    lines = [f"{figures.attack + ' (' + figures.transport + ')':<34}{''.join(cells)}"]
    return "\n".join(
        [*lines, *(f"    wrong: {text}" for text in figures.wrong), *(f"    note: {text}" for text in figures.notes)]
    )


def _shown(value: float, limit: Limit) -> str:
    if limit.unit == "s":
        return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"
    return f"{value:.0f} {limit.unit}".strip()
