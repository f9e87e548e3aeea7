"""Questions and answers in any chat: from admission to the end of an answer, across restarts, on any platform.

No chat platform is named here: each one implements `bot.conversation.platform.Platform`.
"""
