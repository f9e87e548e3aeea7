"""What a pasted bounce, trace, alert or file says, and no more than it says. Pure; nothing that is read can raise.

`reading` takes apart what was given (`mime`, `compound`, `outlook`, `rtf` for files, `table` for rows, `charset`), undoes what
was done to it on its way (`clean`, `encoded`) and takes people out (`redact`). `stating` finds the statements of errors in their
forms: `ndr`, `dsn`, `trace`, `log`, `prose`, each around a `core` with one of `codes`; `helptext` takes titles of pages out, and
where no code is, `wordless` knows Microsoft's words for one and `alert` its alerts. `judging` says what a statement means
(`meaning`, with the words of `exchange`), who was sending (`sender`), what became of the mail (`fate`) and whose host (`origin`)
it names, or a field near it (`labels`); `counting` makes equal ones one, `ranking` puts one in front.
"""

from diagnostics.parse.reading import read, read_file
from diagnostics.parse.report import ErrorReport, Reported, Submessage

__all__ = ["ErrorReport", "Reported", "Submessage", "read", "read_file"]
