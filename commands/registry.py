"""COMMANDS: what a user can say, in the order of help. An explicit table of plain data.

A row stands here from the day it works. `run` names "module:function", imported when it is called.
Standard library only.
"""

from commands.command import Command, Option, Verb

JSON = Option("--json", "", "print one JSON document (schema mailflow/check/1)")

OWNER_OPTIONS = (
    Option("--connectors", "FILE", "what Get-OutboundConnector | ConvertTo-Json printed", variable="MAILFLOW_CONNECTORS"),
    Option("--accepted-domains", "FILE", "likewise of Get-AcceptedDomain", variable="MAILFLOW_ACCEPTED_DOMAINS"),
    Option("--dns", "HOST[:PORT]", "DNS resolver to ask; default: the system's", repeatable=True, variable="MAILFLOW_DNS"),
    Option("--smtp-port", "N", "port of the mail servers: 25", variable="MAILFLOW_SMTP_PORT"),
    Option("--ca-file", "FILE", "PEM roots to trust instead of the default store", variable="MAILFLOW_CA_FILE"),
    Option("--ehlo-name", "NAME", "the name given in EHLO; default: this machine's", variable="MAILFLOW_EHLO_NAME"),
    Option("--timeout", "SECONDS", "connect, TLS handshake, one DNS query: 10", variable="MAILFLOW_TIMEOUT"),
    Option("--deadline", "SECONDS", "one path, all steps: 60", variable="MAILFLOW_DEADLINE"),
    Option("--concurrency", "N", "addresses probed at once: 256", variable="MAILFLOW_CONCURRENCY"),
    Option("--allow-net", "CIDR", "a non-public range that may be probed", repeatable=True, variable="MAILFLOW_ALLOW_NETS"),
    Option("--allow-private", "", "allow every non-public address (labs)", variable="MAILFLOW_ALLOW_PRIVATE"),
    Option(
        "--control-host",
        "HOST",
        "a host that is known to answer; tells our faults from theirs; empty: none",
        variable="MAILFLOW_CONTROL_HOST",
    ),
    Option("--env-file", "FILE", "read settings from FILE", variable=""),
)
"""The machine's owner decides these: the terminal takes them, Slack never does (contract 1)."""

AGAIN = Option("--again", "RESULT-ID", "repeat the check of that result, afresh")
PARTNER_TEXT = Option("--partner-text", "", "print the text for the partner who has to act")

CHECK = Command(
    name="check",
    usage="check [TARGET…]",
    summary="tell whether Microsoft 365 can deliver through a connector, and if not, why and what to do",
    run="commands.check:run",
    options=(JSON, AGAIN, PARTNER_TEXT),
    examples=(
        ("check", "every enabled connector"),
        ("check mail.contoso.com", "one smart host or server"),
        ('check "Contoso on-premises"', "one connector, by name or Guid"),
        ("check contoso.com --partner-text", "words for the partner"),
    ),
)

RESULT = Command(
    name="result",
    usage="result RESULT-ID",
    summary="a result once more, as it was seen then",
    run="commands.result:run",
    options=(JSON, PARTNER_TEXT),
    examples=(("result r-0123456789abcdef --json", "the id stands in the JSON of check"),),
    max_words=1,
)

TRANSCRIPT = Command(
    name="transcript",
    usage="transcript RESULT-ID",
    summary="what was said on the wire for a result",
    run="commands.result:transcript",
    examples=(("transcript r-0123456789abcdef", "S: the server, C: mailflow"),),
    max_words=1,
)

WATCH = Command(
    name="watch",
    usage="watch RESULT-ID",
    summary="check every 5 minutes for a day, and tell this thread once when it works again",
    run="commands.watch:run",
    examples=(("watch r-0123456789abcdef", "in the thread of that result"),),
    front="slack",
    max_words=1,
)

CONNECTORS = Command(
    name="connectors",
    usage="connectors",
    summary="the connectors known, where they came from, how old that is",
    run="commands.connectors:run",
    examples=(("connectors", "all of them"),),
    max_words=0,
)

SERVE = Command(
    name="serve",
    usage="serve",
    summary="run the Slack bot: Socket Mode with an app token, else signed HTTP",
    run="",
    examples=(("serve", "until Ctrl-C or SIGTERM"),),
    front="terminal",
    max_words=0,
)

COMPLETION = Command(
    name="completion",
    usage="completion bash|zsh|fish",
    summary="print the completion script of a shell",
    run="",
    examples=(("completion bash", 'eval "$(mailflow completion bash)"'),),
    front="terminal",
    max_words=1,
)

DEMO = Command(
    name="demo",
    usage="demo [--once]",
    summary="everything on this machine, nothing to configure: a fault lab, a local Slack, the bot",
    run="",
    options=(Option("--once", "", "check every target of the lab once, print the verdicts, end"),),
    examples=(("demo", "stays up until Ctrl-C"), ("demo --once", "one line a verdict, then ends")),
    front="terminal",
    max_words=0,
)

HELP = Command(
    name="help",
    usage="help [command]",
    summary="help with examples",
    run="",
    examples=(("help check", "everything about check"),),
    max_words=1,
)

COMMANDS: tuple[Command, ...] = (CHECK, CONNECTORS, RESULT, TRANSCRIPT, WATCH, SERVE, DEMO, COMPLETION, HELP)


VERBS = (
    Verb("check-again", "Check again", ("check", "--again")),
    Verb("copy-for-partner", "Copy for partner", ("result", "--partner-text"), shows="form"),
    Verb("transcript", "Transcript", ("transcript",), shows="menu"),
    Verb("json", "JSON", ("result", "--json"), shows="menu"),
    Verb("watch", "Tell me when it works again", ("watch",), shows="menu"),
)
"""What a button or a menu entry says and does: the words before the id. A click is a command line, as if it were typed."""


def on(front: str) -> tuple[Command, ...]:
    """The rows that a front has: "slack" or "terminal"."""
    return tuple(c for c in COMMANDS if c.front in ("everywhere", front))


def find(name: str) -> Command | None:
    """The row of that name, or None."""
    return next((command for command in COMMANDS if command.name == name), None)
