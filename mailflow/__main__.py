"""`mailflow` and `python -m mailflow`."""

import sys
from pathlib import Path

_HERE = Path(__file__).parent
# First on the path: another distribution's `diagnostics`, or a folder `bot` where the program is started, must not be ours.
sys.path.insert(0, str(_HERE if (_HERE / "bot").is_dir() else _HERE.parent))

from bot.__main__ import main  # noqa: E402 (only now it is known which one)

if __name__ == "__main__":
    sys.exit(main())
