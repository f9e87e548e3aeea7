"""A text before anything is looked for in it: decoded, put back as it was, without people."""
