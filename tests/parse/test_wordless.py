"""Texts without a code: Microsoft's words that stand for one, alerts by their names, both in the languages of the seed."""

import pytest

from diagnostics.findings import Reason
from diagnostics.parse import read, read_file
from tests.parse.making import codes, holds, mail, part, primary

STANDS_FOR = {
    "Connection was closed abruptly (SuspiciousRemoteServerError)": "450 4.4.318",
    "Error: SuspiciousRemoteServerError; retry will be delayed": "450 4.4.318",
    "DNS query failed [Message=InfoNoRecords]": "450 4.4.312",
    "Certificate validation failed": "450 4.7.320",
    "Last error: Cannot connect to remote server [Message=UntrustedRoot]": "450 4.4.317",
    "Connection refused (Socket error code 10061)": "450 4.4.316",
    "Message expired, connection refused(Socket error code 10061)": "550 5.4.316",
    "Access denied, tenant has exceeded threshold": "550 5.7.705",
    "tlsa-invalid: The domain failed DANE validation.": "450 4.7.323",
    "Сбой запроса DNS": "450 4.4.312",
    "Соединение было внезапно прервано": "450 4.4.318",
    "\u041d\u0435 удалось проверить сертификат": "450 4.7.320",
    "\u041d\u0435 удается подключиться к удаленному серверу": "450 4.4.317",
}


@pytest.mark.parametrize("text", STANDS_FOR)
def test_words_of_microsoft_stand_for_their_code(text: str) -> None:
    report = read(f"Hello,\n\n{text}\n\nWhat is that?")
    assert codes(report) == [STANDS_FOR[text]]
    holds(primary(report), {"code_inferred": True, "sender": "exchange-online"})


def test_what_stands_beside_the_words_is_read_too() -> None:
    error = primary(read("Cannot connect to remote server [Message=UntrustedRoot] [LastAttemptedServerName=mx.contoso.com]"))
    holds(error, {"reason": Reason.CERTIFICATE_UNTRUSTED, "server": "mx.contoso.com", "message": "UntrustedRoot"})


OTHERS_WORDS = [
    "curl: (7) Connection refused",
    "ssh: connect to host mx.contoso.com port 22: Connection timed out",
    "We could not verify the certificate, its validation is open.",
    "Сообщение доставлено.",
]


@pytest.mark.parametrize("text", OTHERS_WORDS)
def test_everybodys_words_stand_for_none(text: str) -> None:
    report = read(text)
    assert (codes(report), report.alert) == ([], None)


def test_a_code_goes_before_words() -> None:
    report = read("DNS query failed, they say. In the trace: 450 4.4.316 Connection refused")
    assert [(error.code, error.code_inferred) for error in report.errors] == [("450 4.4.316", False)]
    two = mail(part("text/plain", "Connection was closed abruptly\n\n550 5.1.1 User unknown"))
    assert codes(read_file("a.eml", two)) == ["550 5.1.1"]


DELAYED, QUEUED = "Messages have been delayed", "Queued messages"
ALERTS = {
    "Messages have been delayed": DELAYED,
    "A medium-severity alert has been triggered\n\n⚠ Messages have been delayed\n\nSeverity: Medium\nTime: 11/28/2026": DELAYED,
    "Subject: A high-severity alert: Messages have been delayed\n\nView alert details": DELAYED,
    '{"Operation": "AlertTriggered", "Name": "Messages have been delayed", "Severity": "Medium"}': DELAYED,
    "**Queued messages**\n2,113 messages are waiting": QUEUED,
    "Queued messages: 212": QUEUED,
    'Your alert policy "Messages have been delayed" was triggered': "Messages have been delayed",
    "Сообщения задерживаются": DELAYED,
    "Сообщения в очереди: 212": QUEUED,
    "Логика потока обработки почты": "Mail flow intelligence",
    "# Mail flow intelligence\n\nMicrosoft 365 queues the messages.": "Mail flow intelligence",
}


@pytest.mark.parametrize("text", ALERTS)
def test_an_alert_is_known_by_its_name(text: str) -> None:
    report = read(text)
    assert (report.alert, report.errors, report.primary) == (ALERTS[text], (), None)


def test_an_alert_as_a_mail() -> None:
    assert (
        read_file("alert.eml", mail(part("text/html", "<h1>Messages have been delayed</h1><p>Severity</p>", "base64"))).alert
        == DELAYED
    )
    by_subject = mail(part("text/plain", "View details")).replace(
        b"Undeliverable: plans", b"A low-severity alert: Messages have been delayed"
    )
    assert read_file("alert.eml", by_subject).alert == DELAYED


NO_ALERTS = [
    "We have queued messages since Monday",
    "Some messages have been delayed by the weekend",
    "Which messages have been delayed, please?",
    "A high-severity alert has been triggered: Suspicious sign-in",
    "",
]


@pytest.mark.parametrize("text", NO_ALERTS)
def test_a_sentence_is_no_alert(text: str) -> None:
    assert read(text).alert is None


def test_an_alert_with_an_error_is_that_error() -> None:
    report = read("Messages have been delayed\nLast error: 450 4.4.316 Connection refused")
    assert (report.alert, codes(report)) == (None, ["450 4.4.316"])


LOCALISED = "\n".join(
    (
        "Сбой доставки следующим получателям или группам:",
        "",
        "Создающий сервер: {}",
        "Принимающий сервер: mx.contoso.com (203.0.113.5)",
        "",
        "Remote Server returned '451 4.7.1 Try later'",
    )
)


def test_a_bounce_with_russian_labels() -> None:
    error = primary(read(LOCALISED.format("EX03.fabrikam.example")))
    holds(error, {"server": "mx.contoso.com", "ip": "203.0.113.5", "sender": "other", "state": "expired"})
    assert error.reported_by == "EX03.fabrikam.example"


@pytest.mark.parametrize("label", ["Конечный сервер", "Удаленный сервер", "Сервер получателя", "Промежуточный узел"])
def test_russian_names_of_the_destination(label: str) -> None:
    text = f"Код ошибки: 450 4.4.316 \u0412 подключении отказано\n{label}: mx.contoso.com\n"
    holds(primary(read(text)), {"code": "450 4.4.316", "server": "mx.contoso.com"})
