"""The Slack front: words in (intake), Block Kit out (blocks), and the way there and back (app, deliver, tasks)."""
