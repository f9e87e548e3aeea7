"""The report and what was checked from here, joined by the error: two vantage points on one fault. Pure."""

from collections.abc import Mapping

from diagnostics.catalogue import Catalogue
from diagnostics.explain.agreement import agreement
from diagnostics.explain.destinations import Spot
from diagnostics.explain.document import Live
from diagnostics.explain.explaining import Beside
from diagnostics.model import Result
from diagnostics.parse import ErrorReport


def beside(
    report: ErrorReport, spots: Mapping[int, Spot], results: Mapping[str, Result], catalogue: Catalogue
) -> Mapping[int, Beside]:
    """What stands beside each error that has a spot. `results`: by the word of the spot."""
    joined = {}
    for number, spot in spots.items():
        result = results[spot.word]
        agreed = agreement(report.errors[number], result, catalogue)
        joined[number] = Beside(spot.connector, Live(agreement=agreed, result=result))
    return joined
