"""Answers to render: one as a check gives it, and any that can be thought of."""

from dataclasses import replace

from hypothesis import strategies as st

from commands.registry import VERBS
from commands.reply import Action, Field, Item, Reply, Section

PAGE = "https://learn.microsoft.com/exchange/mail-flow/mail-flow-intelligence?view=a&b=c"

FAILING = Reply(
    headline="Contoso on-premises: failing, 450 4.4.316 Connection refused",
    severity="bad",
    sections=(
        Section("", (Item("Both addresses of mail.contoso.com refuse connections on port 25, so mail is queued."),)),
        Section(
            "Likely causes",
            (
                Item("Nothing listens on port 25.", tag="likely", notes=("192.0.2.10 answered with a reset in 0.1 s",)),
                Item(
                    "A firewall refuses *.protection.outlook.com <by design> & tells so.",
                    tag="possible",
                    notes=("S: 554 <!channel> `rm -rf` *stop*", "fd00:100::1 answered likewise"),
                ),
            ),
            "bullets",
        ),
        Section(
            "What to do",
            (
                Item("Start the mail service.", tag="you"),
                Item("Let Microsoft 365 in on TCP port 25.", tag="network", url=PAGE),
            ),
            "steps",
        ),
        Section(
            "The path",
            (
                Item("mail.contoso.com 192.0.2.10    dns ok  tcp REFUSED"),
                Item("mail.contoso.com fd00:100::1   dns ok  tcp REFUSED"),
            ),
            "code",
        ),
    ),
    exit_code=1,
)

_NASTY = (
    *("<!channel>", "<@U01ALICE>", "<https://evil.example|bank.example>", "&lt;!here&gt;", "&", "```", "`", "*", "_", "~"),
    *(
        ":x:",
        "fd00:100::1",
        "2026-11-24 10:15 UTC",
        "*.contoso.com",
        "\n> quoted",
        "\u202e",
        "\x00",
        "\r",
        "\u2028",
        "\ud800",
        "😀",
        " ",
        "\n",
    ),
)
_WORDS = st.lists(st.one_of(st.sampled_from(_NASTY), st.text(max_size=20)), max_size=12).map("".join)
_LONG = st.builds(lambda word, times: word * times, _WORDS, st.integers(1, 2000)).filter(lambda t: len(t) < 20_000)
TEXTS = st.one_of(_WORDS, _WORDS, _WORDS, _LONG)
URLS = st.one_of(st.none(), st.just(PAGE), st.builds("https://a.example/{}".format, _WORDS), _WORDS)
PEOPLE = st.lists(st.one_of(st.sampled_from(("U01ALICE", "W01", "S1MAIL", "alice", "U1|x", "<!here>")), TEXTS), max_size=3).map(
    tuple
)
ITEMS = st.builds(Item, TEXTS, TEXTS, st.lists(TEXTS, max_size=3).map(tuple), URLS, PEOPLE)
SECTIONS = st.builds(
    Section, TEXTS, st.lists(ITEMS, max_size=6).map(tuple), st.sampled_from(("text", "bullets", "steps", "code"))
)
ACTIONS = st.lists(
    st.builds(
        Action,
        st.one_of(st.sampled_from([verb.name for verb in VERBS]), TEXTS),
        st.one_of(st.just("r-0123456789abcdef"), st.from_regex(r"[\w-]{0,160}", fullmatch=True), TEXTS),
    ),
    max_size=8,
).map(tuple)
PARTLESS = st.builds(
    Reply,
    TEXTS,
    st.sampled_from(("good", "mixed", "bad", "unknown", "info")),
    st.lists(SECTIONS, max_size=4).map(tuple),
    actions=ACTIONS,
)
REPLIES = st.builds(
    Reply,
    TEXTS,
    st.sampled_from(("good", "mixed", "bad", "unknown", "info")),
    st.lists(SECTIONS, max_size=4).map(tuple),
    st.lists(PARTLESS, max_size=14).map(tuple),
    actions=ACTIONS,
)
_FIELD = st.builds(
    Field,
    st.just(""),
    TEXTS,
    TEXTS,
    st.lists(st.one_of(st.from_regex(r"[a-z0-9.-]{1,200}", fullmatch=True), st.sampled_from(["a", "b"])), max_size=12).map(tuple),
    st.booleans(),
    st.booleans(),
    st.integers(1, 9000),
)
FIELDS = st.lists(_FIELD, min_size=1, max_size=4).map(
    lambda found: tuple(replace(field, name=f"--field-{name}") for field, name in zip(found, "abcd", strict=False))
)
