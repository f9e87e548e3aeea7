"""How long reading takes, in seconds of CPU."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T", str, bytes)


def grown(reading: Callable[[T], object], half: T, whole: T) -> float:
    """What the whole takes, which must be less than three times what its half takes.

    Judged by the best of three, and only where there is something to measure.
    """
    for _ in range(3):
        short, long = _seconds(reading, half), _seconds(reading, whole)
        if long < max(3 * short, 0.2):
            break
    assert long < max(3 * short, 0.2)
    return long


def _seconds(reading: Callable[[T], object], text: T) -> float:
    started = time.process_time()
    reading(text)
    return time.process_time() - started
