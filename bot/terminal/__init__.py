"""The terminal front: Reply → text, progress, --json."""
