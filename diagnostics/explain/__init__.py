"""What an error report means, who must do what, and when the mail is tried again: contract 5. Pure.

`explain` joins report and catalogue (`meaning`: causes and fixes; `clock`). Where something is checked from here,
`destinations` says what may be, `vantages` joins it to the report by `agreement`; nothing else needs to load these.
"""

from diagnostics.explain.document import Clock, ExplainedError, Explanation, Live
from diagnostics.explain.explaining import Beside, explain

__all__ = ["Beside", "Clock", "ExplainedError", "Explanation", "Live", "explain"]
