"""Completion scripts, made from the parsers themselves.

Rule: no list of commands or options stands here; what a word is (file, configuration, choice) is known by
its metavar and choices.  The libraries were weighed: argcomplete starts Python, and tuimon's own imports,
at every Tab, and shtab knows no fish.
"""

import argparse
import re
from collections.abc import Iterator

from msgspec import Struct

from tuimon.commands import COMMANDS, tree

_FILES = {"FILE", "F"}
_CONFIGURATIONS = {"PATH", "TARGET", "INSTANCE"}


class Word(Struct, frozen=True):
    """An option or a positional argument: its spellings, what it is for, what may follow it."""

    flags: tuple[str, ...]
    help: str
    takes: bool
    metavar: str
    choices: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """`files`, `configs`, `choices` or `nothing`."""
        if self.choices:
            return "choices"
        kinds = (("files", _FILES), ("configs", _CONFIGURATIONS))
        return next((kind for kind, names in kinds if self.metavar in names), "nothing")


def words(parser: argparse.ArgumentParser) -> list[Word]:
    """Every argument of a parser that is not a subcommand."""
    found = []
    for each in parser._actions:  # argparse has no public name for them
        if isinstance(each, argparse._SubParsersAction):
            continue
        metavar = each.metavar if isinstance(each.metavar, str) else each.dest.upper()
        choices = tuple(map(str, each.choices or ()))
        text = re.sub(r"\s+", " ", each.help or "")
        takes = each.nargs != 0 or not each.option_strings
        found.append(Word(tuple(each.option_strings), text, takes, metavar, choices))
    return found


def script(shell: str) -> str:
    """The completion script of a shell."""
    commands = {"screen": words(tree.screen())} | {name: words(tree.named(name)[1]) for name in COMMANDS}
    made = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands)
    return "\n".join(made) + "\n"


def _bash(commands: dict[str, list[Word]]) -> Iterator[str]:
    yield "# bash completion of tuimon, printed by: tuimon completion bash"
    yield _BASH_HEAD.replace("@COMMANDS@", "|".join(COMMANDS))
    yield '    case "$command $previous" in'
    for name, each in _with_values(commands):
        pattern = "|".join(f"'{name} {flag}'" for flag in each.flags)
        yield f"        {pattern}) {_BASH[each.kind].replace('@WORDS@', ' '.join(each.choices))}; return ;;"
    yield "    esac"
    yield '    case "$command" in'
    for name, known in commands.items():
        flags = " ".join(flag for each in known for flag in each.flags)
        yield f"        {name})"
        yield "            if [[ $current == -* ]]; then"
        yield f"                {_BASH['choices'].replace('@WORDS@', flags)}; return"
        yield "            fi"
        for each in known:
            if not each.flags:
                yield f"            {_BASH[each.kind].replace('@WORDS@', ' '.join(each.choices))}"
        if name == "screen":
            yield f"            (( named )) || {_BASH['more'].replace('@WORDS@', ' '.join(COMMANDS))}"
        yield "            ;;"
    yield "    esac\n}\ncomplete -F _tuimon tuimon"


def _with_values(commands: dict[str, list[Word]]) -> Iterator[tuple[str, Word]]:
    """Options that a value follows, with the command they belong to."""
    for name, known in commands.items():
        yield from ((name, each) for each in known if each.flags and each.takes)


_BASH_HEAD = r"""_tuimon() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=screen named=0 i
    COMPREPLY=()
    [[ $current == = ]] && current=
    [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD-2]}
    for (( i = 1; i < COMP_CWORD; i++ )); do
        case ${COMP_WORDS[i]} in
            --config) (( i++ )) ;;
            -*|=) ;;
            @COMMANDS@) command=${COMP_WORDS[i]}; named=1; break ;;
            *) named=1; break ;;
        esac
    done"""
_BASH = {
    "files": 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current")',
    "configs": "compopt -o filenames; mapfile -t COMPREPLY < "
    """<(compgen -f -X '!*.conf' -- "$current"; compgen -d -- "$current")""",
    "choices": "mapfile -t COMPREPLY < <(compgen -W '@WORDS@' -- \"$current\")",
    "more": "mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W '@WORDS@' -- \"$current\")",
    "nothing": ":",
}


def _zsh(commands: dict[str, list[Word]]) -> Iterator[str]:
    yield "#compdef tuimon"
    yield "# zsh completion of tuimon, printed by: tuimon completion zsh"
    yield "_tuimon() {\n    local context state state_descr line\n    typeset -A opt_args"
    yield "    _arguments -C -A '-*' \\"
    yield from (f"        {_zsh_word(each)} \\" for each in commands["screen"] if each.flags)
    yield "        '1: :->first' '*:: :->rest'"
    yield "    case $state in\n        first)\n            local -a names=("
    for name in COMMANDS:
        yield f"                {_quoted(f'{name}:{_plain(tree.command(name).HELP)}')}"
    yield "            )\n            _alternative 'commands:command:{_describe command names}' \\"
    yield f"                {_quoted('files:configuration:' + _ZSH['configs'])}\n            ;;"
    yield "        rest)\n            case $words[1] in"
    for name in COMMANDS:
        yield f"                {name})\n                    _arguments \\"
        yield from (f"                        {_zsh_word(each)} \\" for each in commands[name])
        yield "                    ;;"
    yield f"                *) {_ZSH['configs']} ;;"
    yield "            esac ;;\n    esac\n}"
    yield 'if [[ $funcstack[1] == _tuimon ]]; then _tuimon "$@"; else compdef _tuimon tuimon; fi'


_ZSH = {"files": "_files", "configs": '_files -g "*.conf(-.)"', "nothing": " "}


def _zsh_word(word: Word) -> str:
    action = f"({' '.join(word.choices)})" if word.choices else _ZSH[word.kind]
    value = f":{word.metavar.replace(':', chr(92) + ':')}:{action}" if word.takes else ""
    if not word.flags:
        return _quoted(f"*{value}")
    said = f"[{_plain(word.help)}]".replace(":", "\\:") + value
    if len(word.flags) == 1:
        return _quoted(word.flags[0] + said)
    return f"'({' '.join(word.flags)})'{{{','.join(word.flags)}}}{_quoted(said)}"


def _fish(commands: dict[str, list[Word]]) -> Iterator[str]:
    yield "# fish completion of tuimon, printed by: tuimon completion fish"
    yield "complete -c tuimon -f"
    names = " ".join(COMMANDS)
    none = f"not __fish_seen_subcommand_from {names}"
    for name in COMMANDS:
        yield f"complete -c tuimon -n {_quoted(none)} -a {name} -d {_quoted(_plain(tree.command(name).HELP))}"
    for name, known in commands.items():
        where = none if name == "screen" else f"__fish_seen_subcommand_from {name}"
        for each in known:
            yield f"complete -c tuimon -n {_quoted(where)} {_fish_word(each)}"


_FISH = {
    "files": "-r -F",
    "configs": """-x -a '(__fish_complete_suffix .conf | string match -er "(\\.conf|/)(\\t|\\z)")'""",
    "nothing": "-x",
}


def _fish_word(word: Word) -> str:
    values = f"-x -a {_quoted(' '.join(word.choices))}" if word.choices else _FISH[word.kind]
    if not word.flags:
        return values.removeprefix("-r ").removeprefix("-x ")
    spelt = (f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in word.flags)
    return " ".join(filter(None, (*spelt, values if word.takes else "", f"-d {_quoted(_plain(word.help))}")))


def _plain(text: str) -> str:
    """The first half sentence of a help, without what means something to a shell's completion."""
    return re.sub(r"[\[\]\"\\$`]", "", text.partition(";")[0]).replace("'", "’")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
