"""COMMANDS: what a user can say, in the order of help. An explicit table of plain data.

A row stands here from the day it works. `run` names "module:function", imported when it is called.
Standard library only.
"""

from commands.command import Command, Front, Option, Verb

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

EXPLAIN = Command(
    name="explain",
    usage="explain [TEXT…]",
    summary="tell what an error text means: a bounce, a line of a message trace, an alert; and when it is tried again",
    run="commands.explain:run",
    options=(
        Option("--json", "", "print one JSON document (schema mailflow/explain/1)"),
        Option("--check", "HOST", "check that host beside it; hosts of known connectors are checked anyway"),
        Option(
            "--file",
            "FILE",
            "read a text, .eml, .msg, .csv, .xlsx or .zip; - as TEXT reads standard input",
            fronts=("terminal",),
        ),
    ),
    examples=(
        ('explain "450 4.4.316 Connection refused"', "a code, or all that stands around it"),
        ("explain --check mail.contoso.com 450 4.4.317", "and whether the same is seen from here"),
    ),
    terminal_examples=(
        ("explain - < bounce.txt", "a whole bounce, from standard input"),
        ("explain --file bounce.eml", "a mail; a text, Outlook's .msg, a .csv or .xlsx report or a .zip likewise"),
    ),
    chat_ways=(
        ("/mailflow explain", "alone: a form to paste the text into"),
        ("Diagnose mail error", "in the menu of a message: explains it in its thread"),
        ("@mailflow explain", "in a thread: finds the message that names an error, and explains it there"),
        (
            "Files",
            ".eml, .msg, .csv, .xlsx, .zip, text on such a message are read with it, where the app may (files:read)",
        ),
    ),
    max_words=1_000_000,
    text=True,
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
    front="chat",
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

PLAN = 6
"""Requests that a plan makes of a tenant: connectors, domains, rules, recipients, and each value once more at the end."""

DOMAIN = Option("--domain", "D", "the accepted domain to turn; needed where there is a choice", repeatable=True)
YES = Option("--yes", "", "do it, not only show it", fronts=("terminal", "click"))
GONE = Option("--gone-for-good", "", "with --yes: the servers are gone, no firewall admits Microsoft alone", fronts=("terminal",))
REASON = Option("--reason", "TEXT", "why; kept in the audit", fronts=("terminal", "click"))
FIX_JSON = Option("--json", "", "print one JSON document (schema mailflow/fix/1)")

FIX = Command(
    name="fix",
    usage="fix CONNECTOR [--domain D]…",
    summary="Fix now, for servers that are gone for good: connector off, domain Authoritative; before and after of each",
    run="commands.fix:run",
    options=(DOMAIN, Option("--again", "RESULT-ID", "the connector of that result"), FIX_JSON, REASON, YES, GONE),
    examples=(
        ('fix "Contoso on-premises"', "what would be changed, and what it means; changes nothing"),
        ('fix "Contoso on-premises" --domain contoso.com', "where the connector serves several domains"),
    ),
    cost=PLAN,
)

UNDO = Command(
    name="undo",
    usage="undo FIX-ID",
    summary="put back the values that a fix has changed, unless somebody else changed them since",
    run="commands.fix:undo",
    options=(FIX_JSON, YES),
    examples=(("undo f-0123456789abcdef", "what would be put back; the command fixes lists the ids"),),
    max_words=1,
    ledger=True,
    cost=PLAN,
)

RESUME = Command(
    name="resume",
    usage="resume FIX-ID",
    summary="finish a fix that is half done, or of which it is not known whether it is done",
    run="commands.fix:resume",
    options=(FIX_JSON, YES),
    examples=(("resume f-0123456789abcdef", "what is left to do"),),
    max_words=1,
    ledger=True,
    cost=PLAN,
)

FIXES = Command(
    name="fixes",
    usage="fixes",
    summary="the fixes made: who, when, why, before and after",
    run="commands.fixes:run",
    options=(Option("--json", "", "every fix and every line of the audit (schema mailflow/fixes/1)"),),
    examples=(("fixes", "the latest"), ("fixes --json", "all of it, for an archive")),
    max_words=0,
    ledger=True,
)


def _click(name: str, summary: str, run: str, *, cost: int = 1) -> Command:
    """What nobody types: a button or the clock says it, about a fix."""
    return Command(name, f"{name} FIX-ID", summary, run, front="click", max_words=1, cost=cost)


CLICKS = (
    _click("ask", "put a plan before the approvers", "commands.approval:ask", cost=PLAN),
    _click("approve", "be for a plan", "commands.approval:approve", cost=PLAN),
    _click("reject", "be against a plan", "commands.approval:reject"),
    _click("expire", "end a plan that nobody approved in time", "commands.approval:expire", cost=0),
    _click("verify", "look again at a fix that was done", "commands.verify:run", cost=0),
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

MANIFEST = Command(
    name="manifest",
    usage="manifest [--http]",
    summary="print the manifest that a Slack app is created from",
    run="",
    options=(Option("--http", "", "the one for signed HTTP; put your own address in place of the example's"),),
    examples=(("manifest", "for Socket Mode"), ("manifest --http > manifest.yaml", "for signed HTTP")),
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

COMMANDS: tuple[Command, ...] = (
    *(CHECK, EXPLAIN, CONNECTORS, RESULT, TRANSCRIPT, WATCH),
    *(FIX, UNDO, RESUME, FIXES),
    *CLICKS,
    *(SERVE, MANIFEST, DEMO, COMPLETION, HELP),
)


VERBS = (
    Verb("check-again", "Check again", ("check", "--again")),
    Verb("explain-error", "Explain an error", ("explain",), shows="form"),
    Verb("copy-for-partner", "Copy for partner", ("result", "--partner-text"), shows="form"),
    Verb("fix-now", "Fix now", ("fix", "--again"), shows="form"),
    Verb(
        "ask",
        "Ask for approval",
        ("ask",),
        confirm="The approvers are asked. Nothing is changed before they approve.",
        style="primary",
    ),
    Verb("do-it", "Do it", ("ask",), confirm="The connector is switched off and the domain turned now.", style="danger"),
    Verb("approve", "Approve", ("approve",), confirm="With the last approval it is done at once.", style="primary"),
    Verb("reject", "Reject", ("reject",), style="danger"),
    Verb("undo", "Undo", ("undo", "--yes"), confirm="The old values are put back now.", style="danger"),
    Verb("resume", "Resume", ("resume", "--yes"), confirm="What is left is done now."),
    Verb("transcript", "Transcript", ("transcript",), shows="menu"),
    Verb("json", "JSON", ("result", "--json"), shows="menu"),
    Verb("watch", "Tell me when it works again", ("watch",), shows="menu"),
    Verb("check-connector", "Which connector?", ("check",), shows="select"),
)
"""What a button or a menu entry says and does: the words before the id. A click is a command line, as if it were typed."""


def on(front: Front) -> tuple[Command, ...]:
    """The rows that a front has."""
    known = {"terminal": ("everywhere", "terminal"), "chat": ("everywhere", "chat"), "click": ("everywhere", "chat", "click")}
    return tuple(c for c in COMMANDS if c.front in known[front])


def find(name: str) -> Command | None:
    """The row of that name, or None."""
    return next((command for command in COMMANDS if command.name == name), None)
