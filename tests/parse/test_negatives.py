"""What is no code stays none, and an error of another kind never becomes one of a connector's."""

import pytest

from diagnostics.parse import read
from tests.parse.making import codes, primary

NOTHING = {
    "empty": "",
    "blank": " \n\t\u00a0\n",
    "ordinary-mail": "Dear all,\n\nroom 450 is free from 4 to 5, call 4.43 pounds. We sent 550 invitations.\n\nBest",
    "receipt": "Your message to someone@contoso.com has been delivered.\nStatus: 2.0.0 (success)\n250 2.0.0 OK 1724400000",
    "delivered": "Final-Recipient: rfc822;a@b.com\nAction: delivered\nStatus: 2.1.5\nDiagnostic-Code: smtp;250 2.1.5 OK",
    "relayed": "Final-Recipient: rfc822;a@b.com\nAction: relayed\nStatus: 4.4.1",
    "expanded": "Reason: [{LED=250 2.1.5 RESOLVER.GRP.Expanded; distribution list expanded};{MSG=};{FQDN=};{IP=};{LRT=}]",
    "message-id": "Message-ID: <4.4.316.2024@mail.contoso.com>\nIn-Reply-To: <x=4.4.317=y@z.com>\nReferences: <550-5.4.316@h>",
    "subject": "Subject: 450 4.4.316 Connection refused?\n  and 550 5.1.1\nThread-Topic: 550 5.7.1 plans",
    "localised-subject": "Betreff: 450 4.4.316\n件名\uff1a 550 5.1.1\nAsunto: 550 5.7.1",
    "a-long-detail": "550 5.7.999999 and 450 4.4.3161 and 1450 4.4.316",
    "address": "host 450 4.4.31.6, 5.4.316.7, 10.4.4.316",
    "versions": "Exchange 5.4.312, kernel 5.4.310-generic, v4.4.316, Linux 4.4.302, Version: 5.7.323, a/4.4.316",
    "versions-of-systems": "Android 4.4.4",
    "versions-in-a-sentence": "we went from version 5.4.310 to 5.4.312, build 4.4.316, and saw 7 4.4.317 of it",
    "versions-of-servers": "X-Mailer: Foo 5.7.323\nReceived: from a by b (Postfix 4.4.317) id 15.20.5.4; x 4.4.316-rc1",
    "section-numbers": "5.1.1 Installing\n4.4.3 Connectors\n# 5.7.1 Rights",
    "section-of-microsoft's-words": "See chapter 5.4.14 Hop count exceeded, 5.7.64 TenantAttribution",
    "times": "at 4:45:04.4 on 4.4.2026 or 04.04.26, 450 ms",
    "arabic-digits": "\u0664\u0665\u0660 \u0664.\u0664.\u0663\u0661\u0666 Connection refused",
    "devanagari-digits": "\u096a\u096b\u0966 \u096a.\u096a.\u0969\u0967\u096c",
    "footnotes": "\u2074\u2075\u2070 \u2074.\u2074.\u00b3\u00b9\u2076",
    "a-digit-of-another-script-beside-it": "450 4.4.316\u0669 and \u06694.4.316",
    "basic-code-in-prose": "The server said 550 and closed; 421 again later.",
    "localised-without-code": "Die Nachricht konnte nicht zugestellt werden. Verbindung abgelehnt.",
    "base64-of-something": "QUJD" * 30,
    "mail-addresses": "4.4.316@contoso.com, a.4.4.316@contoso.com, mailto:550-5.4.316@x.com",
    "web-addresses": "https://contoso.com/4.4.316/ and https://contoso.com/kb-5.4.316",
}


@pytest.mark.parametrize("case", NOTHING)
def test_no_code_is_no_error(case: str) -> None:
    report = read(NOTHING[case])
    assert codes(report) == []
    assert report.primary is None


OTHERS = {
    "550 5.1.1 <someone@contoso.com>: Recipient address rejected: User unknown in virtual mailbox table": "550 5.1.1",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient someone@contoso.com not found by SMTP address lookup": "550 5.1.10",
    "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException": "554 5.2.2",
    "550 5.7.23 The message was rejected because of Sender Policy Framework violation -> 550 5.7.1 SPF fail": "550 5.7.23",
    "550-5.7.26 Unauthenticated email from contoso.com is not accepted due to domain's DMARC policy.": "550 5.7.26",
    "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required": "550 5.7.133",
    "552 5.3.4 Message size exceeds fixed maximum message size": "552 5.3.4",
    "451 4.7.1 Greylisting in action, please come back in 00:04:59": "451 4.7.1",
    "550 5.7.1 Service unavailable; Client host [203.0.113.4] blocked using dbl": "550 5.7.1",
    "smtp; 550-5.1.1 The account that you tried to reach does not exist. 550-5.1.1 Please check": "550 5.1.1",
}


@pytest.mark.parametrize("text", OTHERS)
def test_another_bounce_has_its_own_code(text: str) -> None:
    report = read(text)
    assert codes(report) == [OTHERS[text]]
    error = primary(report)
    assert error.reason is None
    assert (error.server, error.ip) == (None, None)
