"""The files of a message, fetched where the Slack app may: `files:read` is optional.

Slack is asked about each file first (`files.info`): it says there in a word that the scope is missing, where a download shows
the page to sign in, and a file that another organisation shared is in the message by its id alone. What is fetched stays in
memory, and only until it is explained.
"""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.conversation.question import File
from bot.slack.inbound.message_text import file_of
from bot.slack.transport.client import FAILURES, Slack, error_code, noted, noted_as
from commands.request import Attached

log = logging.getLogger("mailflow.slack")

MOST = 5 * 1024 * 1024
"""Bytes of all files together: nobody's message is worth more memory, and the parser reads no more of one."""

FILES = 5
SECONDS = 10.0
"""For all of them: somebody waits for the answer, and half of it is better than none."""

_PIECE = 64 * 1024
_FORMS = (
    ("picture", re.compile(r"image/(?!svg).*|png|jpe?g|gif|webp|heic|bmp|tiff?")),
    ("recording", re.compile(r"(?:video|audio)/.*|mp[34]|mov|webm|m4a|wav")),
    ("pdf", re.compile(r"application/pdf|pdf")),
    ("word", re.compile(r"application/(?:msword|vnd\.openxmlformats-officedocument\.wordprocessingml\..*)|docx?")),
    (
        "presentation",
        re.compile(
            r"application/(?:vnd\.ms-powerpoint|vnd\.openxmlformats-officedocument\.presentationml\..*)|pptx?|application/vnd\.google-apps\.presentation"
        ),
    ),
    ("old-workbook", re.compile(r"application/vnd\.ms-excel\.sheet\.binary.*|xlsb")),
    (
        "office-document",
        re.compile(
            r"application/vnd\.(?:oasis\.opendocument|slack-docs|google-apps).*|font/.*|quip|canvas|list|gdoc|gsheet|od[tsp]"
        ),
    ),
    (
        "archive",
        re.compile(r"application/(?:(?:x-)?tar|x-7z-compressed|(?:x-|vnd\.)?rar(?:-compressed)?|x-xz)|tar|7z|rar"),
    ),
)
"""What nothing here reads, by the media type or the type that Slack gives; each is one of `commands.explain.FORMS`."""

_SLACKS_OWN = re.compile(r"https://(?:[a-z0-9-]{1,63}\.){0,4}slack(?:-gov)?\.com/[!-~]*")

_SCOPE = "the Slack app lacks the optional scope files:read"


class _NotHad(Exception):
    """The text says why, for people; or it is not read, being of that form."""

    def __init__(self, why: str = "", form: str = "") -> None:
        super().__init__(why)
        self.form = form


async def fetched(slack: Slack, files: Sequence[File]) -> tuple[Attached, ...]:
    """Each of them in its order, with its content or with why it has none. Raises nothing but when cancelled."""
    fetching = _Fetching(slack)
    return tuple([await fetching.attached(file) for file in files])


def is_worth_fetching(file: File) -> bool:
    """Whether anything here reads files of that kind, as far as Slack says it."""
    return not _form(file)


def _form(file: File) -> str:
    """Of which form it is, if that is not read."""
    return next((form for form, said in _FORMS if said.fullmatch(file.mimetype) or said.fullmatch(file.filetype)), "")


def may_have_token(url: str, api: str) -> bool:
    """Whether the bot token may go to that address: to hosts that Slack alone runs, encrypted, and to the origin of `api`.

    The latter has it with every call. No parser is asked for the host of a hostile address, since the next one may see another:
    the whole text has to look like an address of Slack's, without user or port.
    """
    own = urlsplit(api)
    return bool(_SLACKS_OWN.fullmatch(url)) or url.startswith(f"{own.scheme}://{own.netloc}/")


class _Fetching:
    """What is left of time and room, from one file to the next."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._ends = asyncio.get_running_loop().time() + SECONDS
        self._room = MOST
        self._left = FILES
        self._scope_is_missing = False

    async def attached(self, file: File) -> Attached:
        try:
            self._may_begin(file)
            async with asyncio.timeout_at(self._ends):
                told = await self._told(file.id)
                file = file_of(told)
                return Attached(file.name, await self._content(told, file))
        except _NotHad as why:
            return Attached(file.name, trouble=str(why), form=why.form)
        except TimeoutError:
            noted_as("files.download", "TimeoutError")
            return Attached(file.name, trouble=f"not fetched within {SECONDS:g} seconds")

    def _may_begin(self, file: File) -> None:
        """Raises _NotHad for a file that Slack need not be asked about."""
        _readable(file)
        if self._scope_is_missing:
            raise _NotHad(_SCOPE)
        if not self._left:
            raise _NotHad(f"more than {FILES} files")
        self._left -= 1

    async def _told(self, id: str) -> Mapping[str, Any]:
        """The file object, as Slack has it now. Raises _NotHad."""
        try:
            found = (await self._slack.no_retry.files_info(file=id)).get("file")
        except FAILURES as error:
            noted("files.info", error)
            code = error_code(error)
            if code == "missing_scope":
                self._scope_is_missing = True
                raise _NotHad(_SCOPE) from None
            raise _NotHad(f"Slack did not give it: {code or 'no answer'}") from None
        return found if isinstance(found, Mapping) else {}

    async def _content(self, told: Mapping[str, Any], file: File) -> bytes:
        """Raises _NotHad."""
        _readable(file)
        if told.get("is_external") is True:
            raise _NotHad("kept outside Slack")
        if isinstance(size := told.get("size"), int):
            self._fits(size)
        url = next((u for key in ("url_private_download", "url_private") if isinstance(u := told.get(key), str)), "")
        client = self._slack.no_retry
        if not may_have_token(url, client.base_url):
            log.warning("a file has an address that is not Slack's own")
            raise _NotHad("Slack gave no address of its own for it")
        # not unpacked: what is small on the wire must not become large here
        headers = {"Authorization": f"Bearer {client.token}", "Accept-Encoding": "identity"}
        plain: Mapping[str, Any] = {"allow_redirects": False, "auto_decompress": False, "proxy": client.proxy}
        try:
            async with self._slack.session.get(url, headers=headers, **plain) as answer:
                _is_the_file(answer, file)
                return await self._read(answer.content)
        except aiohttp.ClientError as error:
            noted("files.download", error)
            raise _NotHad("Slack did not give it: no answer") from None

    async def _read(self, stream: aiohttp.StreamReader) -> bytes:
        raw = bytearray()
        async for piece in stream.iter_chunked(_PIECE):
            raw += piece
            self._fits(len(raw))
        self._room -= len(raw)
        return bytes(raw)

    def _fits(self, size: int) -> None:
        if size > MOST:
            raise _NotHad("larger than 5 MiB")
        if size > self._room:
            raise _NotHad("larger than 5 MiB together with the files before it")


def _readable(file: File) -> None:
    """Raises _NotHad for pictures, films, documents and the like: what nothing here can read needs no fetching."""
    if form := _form(file):
        raise _NotHad(form=form)


def _is_the_file(answer: aiohttp.ClientResponse, file: File) -> None:
    """Raises _NotHad for errors, for a redirect to the page to sign in, and for that page itself."""
    if answer.status != 200:
        noted_as("files.download", f"HTTP {answer.status}")
        raise _NotHad(f"Slack did not give it: HTTP {answer.status}")
    if answer.content_type == "text/html" != file.mimetype:
        noted_as("files.download", "signed_out")
        raise _NotHad("Slack asked to sign in instead of giving it")
