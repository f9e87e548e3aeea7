"""`mailflow demo`: a fault lab, a local Slack and the bot on this machine, nothing to configure."""
