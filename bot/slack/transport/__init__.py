"""Connections to Slack: the Web API client, Socket Mode, signed HTTP requests, and the bot token check."""
