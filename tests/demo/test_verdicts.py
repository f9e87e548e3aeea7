"""What `mailflow demo --once` prints, and what it calls a difference."""

from bot.demo.verdicts import Row, differences, found, table
from commands.run import mistake

GOOD = Row("Contoso on-premises", "healthy", "-", "-")
BAD = Row("Branch", "failing", "450 4.4.316", "tcp-refused")


def test_absent_fields_are_dashes() -> None:
    assert Row.of({"target": "Contoso on-premises", "verdict": "healthy", "code": None}) == GOOD


def test_columns_stand_two_blanks_apart() -> None:
    lines = table([GOOD, BAD])
    assert [line.split("  ")[0] for line in lines] == ["Contoso on-premises", "Branch"]
    assert [[cell.strip() for cell in line.split("  ") if cell] for line in lines] == [
        ["Contoso on-premises", "healthy", "-", "-"],
        ["Branch", "failing", "450 4.4.316", "tcp-refused"],
    ]


def test_a_long_name_keeps_its_distance() -> None:
    assert table([Row("x" * 64, "failing", "-", "-")])[0].startswith("x" * 64 + "  failing")


def test_as_built() -> None:
    assert differences([GOOD, BAD], [BAD, GOOD]) == []


def test_every_difference_is_named() -> None:
    told = [Row("Contoso on-premises", "healthy", "-", "plain"), Row("Other", "healthy", "-", "-")]
    assert differences([GOOD, BAD], told) == [
        "Contoso on-premises: the lab built healthy - -, the check says healthy - plain.",
        "Branch: the lab built failing 450 4.4.316 tcp-refused, the check says nothing.",
        "Other: the lab did not build this target.",
    ]


def test_an_error_has_no_rows() -> None:
    assert found(mistake("There is no file x.")) == []
