"""`roost keys`: key presses by name."""

from __future__ import annotations

import click

from roost.cli.context import Invocation, json_option, pass_invocation, target_option
from roost.cli.failures import say
from roost.cli.output import print_json
from roost.errors import InvalidError, NoRunError


@click.command("keys", context_settings={"ignore_unknown_options": True})
@target_option()
@click.option("--text", default="", metavar="TEXT", help="Typed key by key before the keys.")
@json_option
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[TARGET] KEY...")
@pass_invocation
def keys_command(
    invocation: Invocation, /, *, target: str | None, text: str, as_json: bool, words: tuple[str, ...]
) -> int:
    """Press keys in a session: names such as Enter, C-c, M-x, S-F6, Up, PageDown, ^c, ctrl+c, or hex:1b5b41.

    A first word that is no key is the session (a session called like a key is named with --to). What a key sends
    follows the modes that the program has set. An unknown name is refused before anything is sent.
    """
    chosen, names = _told_apart(target, words)
    if not (names or text):
        raise click.UsageError("name at least one key, for example Enter")
    with invocation.client() as client:
        try:
            sent = client.keys(chosen, *names, text=text)
        except NoRunError as error:
            if target is None and chosen:
                text = f"{chosen!r} is neither a key nor a session; `roost keys --help` shows what keys are called"
                raise InvalidError(text) from error
            raise
    if as_json:
        print_json(sent)
    elif sent.inexact:
        say(f"the program cannot tell {', '.join(sent.inexact)} from a simpler key; the nearest was sent")
    return 0


def _told_apart(target: str | None, words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The session and the keys: the first word is the session if none was named and it is no key."""
    from roost.core.keys import is_key, parse_key

    if target is None and words and not is_key(words[0]):
        if len(words) == 1:
            parse_key(words[0])  # a single word is meant as a key: this says what is wrong with it
        return words[0], words[1:]
    return target or "", words
