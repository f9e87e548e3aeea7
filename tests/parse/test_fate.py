"""What became of the mail: what a bounce, a delay notice or a log line says of it counts more than the code's class."""

import pytest

from diagnostics.parse import read
from tests.parse.making import ATTEMPT, codes, primary, utc

STATUS = "Final-Recipient: rfc822; a@contoso.com\nAction: {}\nStatus: {}\nDiagnostic-Code: smtp; {}\n"
LINE = "postfix/smtp[7]: to=<a@b.com>, relay=mx.b.com[192.0.2.4]:25, dsn={}, status={} (host mx.b.com[192.0.2.4] said: {})"
STATES = {
    STATUS.format("failed", "4.7.1", "451 4.7.1 Try later"): "expired",
    STATUS.format("failed", "5.7.1", "550 5.7.1 No"): "rejected",
    STATUS.format("failed", "5.4.316", "550 5.4.316 Message expired, connection refused"): "expired",
    STATUS.format("delayed", "4.7.1", "451 4.7.1 Try later"): "queued",
    STATUS.format("delayed", "4.4.7", "400 4.4.7 Message delayed"): "queued",
    STATUS.format("delayed", "5.0.0", "550 Nobody is here"): "queued",
    LINE.format("4.7.1", "deferred", "451 4.7.1 Try later"): "queued",
    LINE.format("4.7.1", "bounced", "451 4.7.1 Try later"): "expired",
    LINE.format("5.7.1", "bounced", "550 5.7.1 No"): "rejected",
    LINE.format("4.7.1", "expired", "451 4.7.1 Try later"): "expired",
    LINE.format("5.7.1", "deferred", "550 5.7.1 No"): "queued",
    "sendmail[7]: to=<a@b.com>, relay=mx.b.com. [192.0.2.4], dsn=4.0.0, stat=Deferred: No answer from mx.b.com.": "queued",
    "sendmail[7]: to=<a@b.com>, relay=mx.b.com. [192.0.2.4], dsn=5.1.1, stat=User unknown": "rejected",
    "Delivery has failed to these recipients or groups:\n\nRemote Server returned '451 4.7.1 Try later'": "expired",
    "\u041d\u0435 удалось доставить сообщение следующим получателям:\n\nRemote Server returned '451 4.7.1 Try later'": "expired",
    "Delivery is delayed to these recipients or groups:\n\nRemote Server returned '451 4.7.1 Try later'": "queued",
    "THIS IS A WARNING MESSAGE ONLY. Your message couldn't be delivered yet.\n451 4.7.1 Try later": "queued",
    "Доставка следующим получателям задерживается:\n\nRemote Server returned '400 4.4.7 Message delayed'": "queued",
    "Delivery has failed to these recipients or groups:\n\nRemote Server returned '550 5.1.1 User unknown'": "rejected",
    "Sorry, no SMTP connection. (#4.4.1)\nThis message has been in the queue too long.": "expired",
    "This message hasn't been delivered yet.\n\nRemote Server returned '451 4.7.1 Try later'": "queued",
    "We see 451 4.7.1 Try later, is the mail lost?": "queued",
}


@pytest.mark.parametrize("text", STATES)
def test_a_notice_says_what_became_of_the_mail(text: str) -> None:
    assert primary(read(text)).state == STATES[text]


def test_what_was_sent_is_no_error() -> None:
    line = LINE.format("2.0.0", "sent", "250 2.0.0 OK 450 4.4.316")
    assert codes(read(line.replace("host mx.b.com[192.0.2.4] said: ", "").replace(" 450 4.4.316", ""))) == []


def test_a_returned_status_ends_the_wait_of_the_line_above_it() -> None:
    status = STATUS.format("failed", "4.4.316", "450 4.4.316 Connection refused")
    report = read(f"{ATTEMPT}\n\n{status}")
    assert {error.state for error in report.errors} == {"expired"}


def test_a_returned_status_ends_the_wait_of_what_was_said_before_it() -> None:
    said = "host mx.contoso.com[192.0.2.4] said: 451 4.7.1 Greylisted\n\n"
    failed, delayed = (STATUS.format(action, "4.4.7", "450 Too old") for action in ("failed", "delayed"))
    assert [error.state for error in read(said + failed).errors] == ["expired", "expired"]
    assert [error.state for error in read(said + delayed).errors] == ["queued", "queued"]


def test_until_when_it_is_tried_again() -> None:
    status = STATUS.format("delayed", "4.4.1", "450 4.4.1 No answer")
    assert primary(read(f"{status}Will-Retry-Until: Fri, 30 Jan 2026 21:28:58 -0800\n")).retry_until == utc(
        2026, 1, 31, 5, 28, 58
    )
    assert primary(read(status)).retry_until is None


NOTICE = (
    "The server will keep trying to deliver this message for the next {}.\n\n"
    "1/2/2026 3:04:05 PM - Remote Server at mx.contoso.com (192.0.2.1) returned '400 4.4.7 Message delayed'\n"
    "1/2/2026 2:50:05 PM - Remote Server at mx.contoso.com (192.0.2.1) returned '451 4.4.395 Target host responded with error.'\n"
)


def test_a_delay_notice_says_how_long_it_goes_on() -> None:
    report = read(NOTICE.format("1 days, 19 hours and 54 minutes"))
    assert {error.retry_until for error in report.errors} == {utc(2026, 1, 4, 10, 58, 5)}
    assert {error.retry_until for error in read(NOTICE.format("1 days,\n19 hours and 54 minutes")).errors} == {
        utc(2026, 1, 4, 10, 58, 5)
    }
    assert {error.retry_until for error in read(NOTICE.format("19 hours")).errors} == {utc(2026, 1, 3, 10, 4, 5)}
    assert {error.retry_until for error in read(NOTICE.format("while")).errors} == {None}
