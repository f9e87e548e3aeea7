"""What Slack makes of typed and pasted words, taken back."""

import pytest

from bot.slack.intake import plain


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("check contoso.com", "check contoso.com"),
        ("check <http://contoso.com|contoso.com>", "check contoso.com"),
        ("check <https://contoso.com/a?b=1&amp;c=2>", "check https://contoso.com/a?b=1&c=2"),
        ("explain <mailto:a@b.example|a@b.example> bounced", "explain a@b.example bounced"),
        ("explain <mailto:a@b.example>", "explain a@b.example"),
        ('check "A &amp; B &lt;on-premises&gt;"', 'check "A & B <on-premises>"'),
        ("explain &amp;lt;", "explain &lt;"),
        ("check <@U01ALICE|alice> <@U02BOB>", "check @alice @U02BOB"),
        ("check <#C01GEN|general>", "check #general"),
        ("explain <!here> <!subteam^S1|@mail-admins> <!date^0^{date}|1970-01-01>", "explain @here @mail-admins 1970-01-01"),
        ("check <!channel>", "check @channel"),
        ("explain < not a link > 1 < 2", "explain < not a link > 1 < 2"),
        ("check mx.contoso.com <http://mx.contoso.com|mx.contoso.com> &amp;", "check mx.contoso.com mx.contoso.com &"),
        ("", ""),
    ],
)
def test_plain(sent: str, seen: str) -> None:
    assert plain(sent) == seen
