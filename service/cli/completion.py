"""Print the script with which a shell completes slotforge's commands, options and names."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command(name="completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script of SHELL.

    For bash: slotforge completion bash > ~/.local/share/bash-completion/completions/slotforge
    """
    from click.shell_completion import get_completion_class

    from slotforge.service.cli import program

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(program, {}, "slotforge", "_SLOTFORGE_COMPLETE").source())
