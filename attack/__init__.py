"""Attacks on a real `mailflow serve`, from all sides it has: `make attack`. Loopback only, bounded in count and time.

report    the figures, what is asked for, the table
stage     local-slack behind the strict proxy, the peers, the bot; what people ask and what they get
service   the processes; measured.py starts `serve` with a clock on its event loop
watcher   what everybody else sees meanwhile
peers     mail servers and a resolver, sound and hostile, in processes of their own
attacks   one module an attack: `def attack(transport, *, short) -> list[Case]`, and a row of ATTACKS in __main__.py

The bot is never spared: every attack has a new process, store and Slack. A figure over its limit makes the exit code 1.
"""
