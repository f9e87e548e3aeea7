"""Completion scripts for bash, zsh and fish, made from the registry. Standard library only."""

from commands.command import CommandError
from commands.registry import OWNER_OPTIONS, on

COMMANDS = on("terminal")

_BASH = """_mailflow() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  case $before in {files}) COMPREPLY=($(compgen -f -- "$word")); return ;; esac
  if [[ $COMP_CWORD -eq 1 ]]; then COMPREPLY=($(compgen -W "{names}" -- "$word")); return; fi
  case ${{COMP_WORDS[1]}} in
{cases}
  esac
}}
complete -o default -F _mailflow mailflow
"""


def script(shell: str) -> str:
    """The script to be evaluated by that shell. Raises CommandError for another one."""
    makers = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    if shell not in makers:
        raise CommandError(f"There is no completion for {shell[:40]!r}: bash, zsh or fish.")
    return makers[shell]()


def _flags(name: str) -> list[str]:
    command = next(c for c in COMMANDS if c.name == name)
    owner = OWNER_OPTIONS if name in ("check", "explain", "serve") else ()
    return [option.flag for option in (*command.options, *owner)]


def _bash() -> str:
    names = " ".join(c.name for c in COMMANDS)
    words = {c.name: " ".join(_flags(c.name)) for c in COMMANDS}
    words["help"], words["completion"] = names, "bash zsh fish"
    cases = "\n".join(f'    {name}) COMPREPLY=($(compgen -W "{known}" -- "$word")) ;;' for name, known in words.items() if known)
    options = [option for command in COMMANDS for option in command.options] + [*OWNER_OPTIONS]
    files = "|".join(dict.fromkeys(option.flag for option in options if option.metavar == "FILE"))
    return _BASH.format(names=names, cases=cases, files=files)


def _zsh() -> str:
    return "autoload -U +X bashcompinit && bashcompinit\n" + _bash()


def _fish() -> str:
    lines = ["complete -c mailflow -f"]
    for command in COMMANDS:
        lines.append(f"complete -c mailflow -n __fish_use_subcommand -a {command.name} -d '{_quoted(command.summary)}'")
        known = {o.flag: o for o in (*command.options, *OWNER_OPTIONS)}
        for flag in _flags(command.name):
            needs = " -r -F" if known[flag].metavar == "FILE" else " -x" if known[flag].metavar else ""
            of = f"-n '__fish_seen_subcommand_from {command.name}'"
            lines.append(f"complete -c mailflow {of} -l {flag[2:]}{needs} -d '{_quoted(known[flag].summary)}'")
    lines.append("complete -c mailflow -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
