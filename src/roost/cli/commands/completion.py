"""`roost completion`: the script that teaches a shell to complete roost's commands and session names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(ctx: click.Context, /, *, shell: str) -> int:
    """Print the completion script for SHELL.

    bash: put `eval "$(roost completion bash)"` into ~/.bashrc; zsh the same into ~/.zshrc; fish:
    `roost completion fish > ~/.config/fish/completions/roost.fish`.
    """
    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise click.UsageError(f"there is no completion for {shell}")
    completion = completion_class(ctx.find_root().command, {}, "roost", "_ROOST_COMPLETE")
    print(completion.source())
    return 0
