"""How long reading takes, in seconds of CPU."""

import gc
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T", str, bytes)

ENOUGH = 0.4
"""Seconds below which a ratio says nothing."""


def grown(reading: Callable[[T], object], half: T, whole: T) -> float:
    """What the whole takes, which must be less than three times what its half takes.

    Judged by the best of five, and only where there is something to measure: other processes take the cache away, and what grows
    with the square needs many times that.
    """
    for _ in range(5):
        short, long = _seconds(reading, half), _seconds(reading, whole)
        if long < max(3 * short, ENOUGH):
            break
    assert long < max(3 * short, ENOUGH)
    return long


def _seconds(reading: Callable[[T], object], text: T) -> float:
    gc.collect()
    gc.disable()  # what other tests left behind is not this text's
    try:
        started = time.thread_time()
        reading(text)
        return time.thread_time() - started
    finally:
        gc.enable()
