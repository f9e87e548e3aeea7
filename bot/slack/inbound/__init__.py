"""Slack payloads and messages → questions: who asked what, where, with which text and files."""
