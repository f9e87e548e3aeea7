"""Replies → Block Kit, and Block Kit form input → command-line words. Pure."""
