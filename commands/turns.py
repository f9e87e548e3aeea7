"""Turns that people share fairly, for fronts."""

from diagnostics.fair import FairQueue, Party

__all__ = ["FairQueue", "Party"]
