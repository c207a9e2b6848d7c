"""``cmkctl completion``."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Final

import typer


class Shell(StrEnum):
    """The shells with a completion script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


_SCRIPTS: Final = {
    Shell.BASH: """_cmkctl() {
    local IFS=$'\\n'
    COMP_WORDBREAKS=${COMP_WORDBREAKS//=/}
    COMPREPLY=($(cmkctl complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}
complete -o default -F _cmkctl cmkctl
""",
    Shell.ZSH: """#compdef cmkctl
_cmkctl() {
    local -a found
    found=("${(@f)$(cmkctl complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n ${found[1]} ]]; then
        compadd -S '' -a -- found
    else
        _files
    fi
}
compdef _cmkctl cmkctl
""",
    Shell.FISH: """function __cmkctl_complete
    set -l words (commandline -opc) (commandline -ct)
    cmkctl complete -- $words[2..-1] 2>/dev/null
end
complete -c cmkctl -a '(__cmkctl_complete)'
""",
    Shell.POWERSHELL: """Register-ArgumentCompleter -Native -CommandName cmkctl -ScriptBlock {
    param($word, $ast, $position)
    $words = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    if (-not $word) { $words += '' }
    cmkctl complete -- $words 2>$null | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }
}
""",
}


def command(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.")],
) -> int:
    """Print the completion script of a shell, for its start-up file."""
    sys.stdout.write(_SCRIPTS[shell])
    return 0
