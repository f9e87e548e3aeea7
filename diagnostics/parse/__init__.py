"""What a pasted bounce, trace, alert or file says, and no more than it says. Pure; nothing that is read can raise.

`read` takes apart what was given. Its rooms, in the order in which a text passes them:

files/      mails, Outlook's messages, archives, workbooks and tables → texts and rows
text/       character sets, what was done to a text on its way, people taken out, passages
forms/      statements of errors in their forms: bounces, delivery status, message traces, logs, free text
interpret/  what a statement means: reason, sender, what became of the mail; equal ones made one, and the primary one found
tokens/     status codes in text, hosts, times, labels: what all of them read
"""

from diagnostics.parse.read import read, read_file
from diagnostics.parse.report import ErrorReport, Reported, Submessage

__all__ = ["ErrorReport", "Reported", "Submessage", "read", "read_file"]
