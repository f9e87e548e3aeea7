"""Replies → Slack: posted, edited, sent to one person, offered again while Slack fails."""
