"""`roost record`: recordings of sessions as asciicasts."""

from __future__ import annotations

import click

from roost.cli.context import Invocation, complete_target, json_option, pass_invocation, some_target, target_argument
from roost.cli.failures import say
from roost.cli.output import print_json
from roost.cli.record_options import chosen_events, record_options
from roost.core.shown import aligned, printable
from roost.model.files import RecordingInfo

_COLUMNS = ("SESSION", "REC", "STATE", "RECORDED", "MISSED", "FILE")


@click.group("record")
def record_command() -> None:
    """Record what a session shows, to be played with `roost replay` or drawn with `roost export`."""


@record_command.command("start")
@target_argument(required=True)
@click.argument("file", type=click.Path(dir_okay=False, path_type=bytes))
@click.option("--retained", is_flag=True, help="Begin with the output that is still retained, not with the next byte.")
@click.option("--append", is_flag=True, help="Go on in FILE, if it is a recording.")
@click.option("--stream", type=click.Choice(["stdout", "stderr"]), default="stdout", help="Of a pipe session.")
@record_options("")
@json_option
@pass_invocation
def start_command(
    invocation: Invocation,
    /,
    *,
    target: str,
    file: bytes,
    retained: bool,
    append: bool,
    stream: str,
    record_input: bool,
    record_hold: bool,
    record_events: tuple[str, ...],
    redact: tuple[str, ...],
    redact_common: bool,
    as_json: bool,
) -> int:
    """Record TARGET to FILE (asciicast version 3, readable by you alone); prints the recording's number.

    It ends with the program, or by `roost record stop`. Rules (--redact) see the output line by line, before anything
    is written.
    """
    with invocation.client() as client:
        recording = client.start_recording(
            target,
            file,
            stream=stream,
            append=append,
            input=record_input,
            hold=record_hold,
            redact=list(redact),
            redact_common=redact_common,
            events=chosen_events(record_events),
            retained=retained,
        )
    print_json(recording) if as_json else print(recording.handle)
    return 0


@record_command.command("stop")
@target_argument()
@click.argument("number", required=False, type=click.IntRange(min=1))
@json_option
@pass_invocation
def stop_command(invocation: Invocation, /, *, target: str, number: int | None, as_json: bool) -> int:
    """Stop a recording, once its file has what was written up to now. Without NUMBER the only one of TARGET."""
    with invocation.client() as client:
        recording = client.stop_recording(target, number)
    if as_json:
        print_json(recording)
    elif recording.error:
        say(f"recording {recording.handle} of {recording.name} has ended: {recording.error}")
    else:
        say(f"recording {recording.handle} of {recording.name} has ended: {printable(recording.path)}")
    return 0


@record_command.command("list")
@click.argument("target", required=False, shell_complete=complete_target, callback=some_target)
@json_option
@pass_invocation
def list_command(invocation: Invocation, /, *, target: str | None, as_json: bool) -> int:
    """List recordings, of TARGET or of all sessions. MISSED counts bytes that are not in the file."""
    with invocation.client() as client:
        recordings = client.recordings(target)
    if as_json:
        print_json(recordings)
        return 0
    print(aligned([_COLUMNS, *map(_row, recordings)]), end="")
    for recording in recordings:
        if recording.error:
            say(f"recording {recording.handle} of {recording.name}: {printable(recording.path)}: {recording.error}")
    return 0


def _row(recording: RecordingInfo) -> tuple[str, ...]:
    state = f"{recording.state}, uncertain" if recording.uncertain else recording.state
    counts = (str(recording.recorded_bytes), str(recording.missed_bytes))
    return (printable(recording.name), str(recording.handle), state, *counts, printable(recording.path))
