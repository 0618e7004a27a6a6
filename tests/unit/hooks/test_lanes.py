"""Lanes and their dispatcher: bounds, order, retries, counters, and that no sink notices another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.hooks import FakeJournal, GatedSink, PromptSink, event, hub, soon

from roost.core.config_sinks import Command, Jsonl, SinkConfig, Stdout
from roost.core.event_choice import EventChoice, check_pattern
from roost.errors import InvalidError, NoRunError
from roost.hooks.lane import BATCH_EVENTS, Key
from roost.hooks.roster import Roster
from roost.hooks.sink import RefusedError, Sink, SinkError


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once."""
    monkeypatch.setattr("roost.hooks.lane.FIRST_RETRY_S", 0.001)
    monkeypatch.setattr("roost.hooks.lane.MOST_RETRY_S", 0.01)


def config(name: str = "a", **fields: Any) -> SinkConfig:
    return SinkConfig(name, "stdout", Stdout(), **fields)


# --- choices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "sessions", "passes"),
    [
        ((), None, True),
        (("exited",), None, True),
        (("exec",), None, False),
        (("category:lifecycle",), None, True),
        (("category:process", "ex*"), None, True),
        ((), {"originator": ("ci:*",), "name": ("build*",)}, True),
        ((), {"originator": ("ci:*",), "name": ("test*",)}, False),
        ((), {"name": ("test*", "bu?ld")}, True),
        ((), {"name": ("buil",)}, False),
    ],
)
def test_a_choice_passes_what_it_names(patterns: tuple[str, ...], sessions: Any, passes: bool) -> None:
    assert EventChoice(patterns, sessions).wants(event(1)) is passes


def test_events_of_no_session_pass_only_without_a_choice_of_sessions() -> None:
    daemons = event(1, "config_reloaded", category="daemon", session_id="", session_name="", originator="")
    assert EventChoice().wants(daemons)
    assert not EventChoice((), {"name": ("*",)}).wants(daemons)


def test_costly_sources_run_for_those_who_name_them_only() -> None:
    assert EventChoice().active.isdisjoint({"process", "file", "network"})
    assert EventChoice(("*",)).active >= {"process", "file", "network", "lifecycle"}
    assert EventChoice(("connect",)).active == {"network"}
    assert EventChoice(("category:file",)).active == {"file"}


@pytest.mark.parametrize("pattern", ["exitd", "category:netwrk", "x*"])
def test_a_pattern_that_matches_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidError, match=r"[kK]nown are"):
        check_pattern(pattern)


# --- one lane ---------------------------------------------------------------------------------------------------------


async def test_events_come_in_order_and_are_counted(tmp_path: Path) -> None:
    sink = GatedSink()
    sink.gate.set()
    async with hub(tmp_path, config(), made={"a": sink}) as it:
        for _ in range(2000):
            it.emit()
        await soon(lambda: len(sink.taken) == 2000)
        assert [one.seq for one in sink.taken] == list(range(1, 2001))
        status = it.status("a")
        assert (status["delivered"], status["queued"], status["lag_s"], status["state"]) == (2000, 0, 0.0, "ok")
    assert sink.closed


async def test_who_can_be_sent_to_has_an_event_before_emit_returns_and_all_have_it_in_order(
    tmp_path: Path,
) -> None:
    stuck, gathering, prompt, other = PromptSink(), GatedSink(), PromptSink(), GatedSink()
    gathering.gather_s = 0.001
    for sink in (gathering, prompt, other):
        sink.gate.set()
    made: dict[str, Sink] = {"stuck": stuck, "gathering": gathering, "prompt": prompt, "other": other}
    async with hub(tmp_path, *map(config, made), made=made) as it:
        lanes = {running.lane.config.name: running.lane for running in it.dispatcher._lanes.values()}
        await soon(lambda: all(lane._idle for lane in lanes.values()))
        it.emit()
        assert (prompt.sent, [one.seq for one in prompt.taken]) == (1, [1])
        assert [lanes[name].queued for name in made] == [1, 0, 0, 0], "those behind are offered it after this turn"
        for _ in range(1200):
            it.emit()
        assert prompt.sent == 1, "what else happens in a turn is sent together"
        stuck.gate.set()
        sinks = (stuck, gathering, prompt, other)
        await soon(lambda: all(len(sink.taken) == 1201 for sink in sinks))
        for sink in sinks:
            assert [one.seq for one in sink.taken] == list(range(1, 1202)), "each in order, whoever came first"
        assert it.status("prompt")["delivered"] == 1201
        assert it.status("prompt")["reached"] == "1.1201"


async def test_an_event_is_not_sent_past_others_that_wait(tmp_path: Path) -> None:
    sink = PromptSink()
    async with hub(tmp_path, config(), made={"a": sink}) as it:
        await soon(lambda: it.dispatcher._lanes["a"].lane._idle)
        it.emit()
        await soon(lambda: sink.asked)
        sink.gate.set()
        it.emit()
        assert not sink.taken, "the first one is still under way"
        await soon(lambda: len(sink.taken) == 2)
        assert ([one.seq for one in sink.taken], sink.sent) == ([1, 2], 0)


async def test_a_sink_gathers_also_what_comes_while_it_is_busy(tmp_path: Path) -> None:
    """Else a slow one would be given events one at a time for ever after."""
    sink = GatedSink()
    sink.gather_s = 3600.0
    async with hub(tmp_path, config(), made={"a": sink}) as it:
        lane = it.dispatcher._lanes["a"].lane
        await soon(lambda: lane._idle)
        for _ in range(BATCH_EVENTS):
            it.emit()
        await soon(lambda: sink.asked)
        it.emit()
        sink.gate.set()
        await soon(lambda: len(sink.taken) == BATCH_EVENTS)
        it.emit()
        await it.dispatcher.retry("a")  # looks at what is gathered
        await soon(lambda: len(sink.taken) == BATCH_EVENTS + 2)
        assert sink.batches == [BATCH_EVENTS, 2]


async def test_an_event_read_from_the_journal_before_it_was_offered_comes_once(tmp_path: Path) -> None:
    journal, durable, quick = FakeJournal([event(1)]), GatedSink(durable=True), GatedSink()
    durable.gather_s = 0.001
    durable.gate.set()
    made = {"durable": durable, "quick": quick}
    async with hub(tmp_path, *map(config, made), journal=journal, made=made, seq=1) as it:
        lane = it.dispatcher._lanes["durable"].lane
        await soon(lambda: it.status("durable")["state"] == "ok" and it.status("quick")["state"] == "ok")
        lane._behind = True
        journal.events.append(it.emit())
        assert not lane.queued
        assert [one.event.seq for one in await lane._from_journal()] == [2]
        it.dispatcher.status()  # offers what was left for later
        assert not lane.queued


async def test_a_full_queue_drops_the_oldest_and_says_how_many(tmp_path: Path) -> None:
    sink = GatedSink()
    async with hub(tmp_path, config(queue=10), made={"a": sink}) as it:
        it.emit()
        await soon(lambda: sink.asked)
        for _ in range(100):
            it.emit()
        status = it.status("a")
        assert (status["queued"], status["dropped"]) == (11, 90)
        assert status["lag_s"] > 0
        assert it.told[0] == ("hooks_dropped", {"sink": "a", "dropped": 1, "dropped_in_all": 1})
        sink.gate.set()
        await soon(lambda: len(sink.taken) == 11)
        assert [one.seq for one in sink.taken] == [1, *range(92, 102)]
        assert it.kinds() == ["hooks_dropped"], "told of once, not once an event"


async def test_a_failure_is_tried_again_and_told_once_at_its_begin_and_end(tmp_path: Path) -> None:
    sink = GatedSink()
    sink.gate.set()
    sink.error = SinkError("no room")
    async with hub(tmp_path, config(), made={"a": sink}) as it:
        it.emit()
        await soon(lambda: sink.asked > 3)
        status = it.status("a")
        assert (status["state"], status["last_error"]) == ("failing", "no room")
        assert status["retried"] >= 3
        sink.error = None
        await soon(lambda: sink.taken)
        await soon(lambda: it.status("a")["state"] == "ok")
        assert it.kinds() == ["sink_failing", "sink_recovered"]


async def test_what_was_taken_in_part_is_not_offered_again(tmp_path: Path) -> None:
    sink = GatedSink()
    async with hub(tmp_path, config(), made={"a": sink}) as it:
        it.emit()
        await soon(lambda: sink.asked)
        sink.error = SinkError("stopped", done=2)
        for _ in range(4):
            it.emit()
        sink.gate.set()
        await soon(lambda: it.status("a")["delivered"] >= 3)
        sink.error = None
        await soon(lambda: it.status("a")["queued"] == 0)
        assert it.status("a")["delivered"] == 5
        assert [one.seq for one in sink.taken] in ([1, 4, 5], [1]), "events 2 to 5 were told as taken two by two"


async def test_a_refused_batch_is_dropped_and_the_next_one_offered(tmp_path: Path) -> None:
    sink = GatedSink()
    sink.gate.set()
    sink.error = RefusedError("nonsense")
    async with hub(tmp_path, config(), made={"a": sink}) as it:
        it.emit()
        await soon(lambda: it.status("a")["dropped"] == 1)
        sink.error = None
        it.emit()
        await soon(lambda: it.status("a")["delivered"] == 1)
        assert it.status("a")["last_error"] == "refused: nonsense"


async def test_a_bug_in_a_sink_is_its_own_failure(tmp_path: Path) -> None:
    bad, good = GatedSink(), GatedSink()
    bad.error = ZeroDivisionError("oops")
    good.gate.set()
    async with hub(tmp_path, config("bad"), config("good"), made={"bad": bad, "good": good}) as it:
        for _ in range(10):
            it.emit()
        await soon(lambda: len(good.taken) == 10)
        assert it.status("bad")["last_error"] == "ZeroDivisionError: oops"
        assert it.status("good")["last_error"] == ""
        bad.error = None
        bad.gate.set()


async def test_a_sink_gets_nothing_about_itself(tmp_path: Path) -> None:
    one, other = GatedSink(), GatedSink()
    one.gate.set()
    other.gate.set()
    async with hub(tmp_path, config("one"), config("other"), made={"one": one, "other": other}) as it:
        it.emit("sink_failing", category="daemon", session_id="", data={"sink": "one"})
        await soon(lambda: other.taken)
        assert (one.taken, it.status("one")["queued"]) == ([], 0)


@pytest.mark.parametrize("kind", [GatedSink, PromptSink])
async def test_a_high_frequency_event_is_gathered(tmp_path: Path, kind: type[GatedSink]) -> None:
    sink = kind()
    sink.gate.set()
    async with hub(tmp_path, config(), made={"a": sink}) as it:
        for _ in range(50):
            it.emit("response_delta", category="agent")
            await soon(lambda: True)
        await soon(lambda: len(sink.taken) == 50)
        assert len(sink.batches) < 10
        it.emit("response_delta", category="agent")
        it.emit("response_end", category="agent")
        await soon(lambda: len(sink.taken) == 52)
        assert sink.batches[-1] == 2, "what is not gathered takes along what waits in front of it"


async def test_nothing_is_kept_for_a_sink_where_nobody_listens(tmp_path: Path) -> None:
    sink = GatedSink()
    sink.listening = False
    async with hub(tmp_path, config(), made={"a": sink}) as it:
        assert (it.dispatcher.taking, it.dispatcher.active) == (False, frozenset())
        it.emit()
        assert (it.status("a")["queued"], it.status("a")["state"]) == (0, "idle")
        changes = it.changes
        sink.listening = True
        sink.on_listening()
        assert it.dispatcher.taking
        assert it.changes == changes + 1
        it.emit()
        assert it.status("a")["queued"] == 1
        sink.listening = False
        sink.on_listening()
        assert it.status("a")["queued"] <= 1
        sink.gate.set()


# --- the journal ------------------------------------------------------------------------------------------------------


async def test_a_durable_sink_resumes_at_the_id_it_had_reached(tmp_path: Path) -> None:
    journal = FakeJournal([event(n) for n in range(1, 1201)])
    sink = GatedSink(durable=True)
    sink.gate.set()
    sink.key = (1, 100)
    async with hub(tmp_path, config(), journal=journal, made={"a": sink}, seq=1200) as it:
        journal.events.append(it.emit())
        await soon(lambda: len(sink.taken) == 1101)
        assert [one.seq for one in sink.taken] == list(range(101, 1202))


@pytest.mark.parametrize(("known", "first"), [(frozenset(), 1201), (frozenset("a"), 101), (None, 101)])
async def test_only_a_sink_that_the_last_daemon_had_resumes(
    tmp_path: Path, known: frozenset[str] | None, first: int
) -> None:
    """One that was taken out and comes back after a month is not told of the month."""
    journal = FakeJournal([event(n) for n in range(1, 1201)])
    sink = GatedSink(durable=True)
    sink.gate.set()
    sink.key = (1, 100)
    async with hub(tmp_path, journal=journal, made={"a": sink}, seq=1200) as it:
        it.dispatcher.begin([config()], known)
        journal.events.append(it.emit())
        await soon(lambda: sink.taken and sink.taken[-1].seq == 1201)
        assert sink.taken[0].seq == first


def test_the_roster_outlives_the_daemon_and_need_not_be_there(tmp_path: Path) -> None:
    roster = Roster(str(tmp_path / "hooks"))
    assert roster.read() is None
    roster.write([])
    assert not (tmp_path / "hooks").exists(), "nothing is written for daemons without a sink"
    roster.write(["b", "a"])
    assert Roster(str(tmp_path / "hooks")).read() == {"a", "b"}
    roster.write([])
    assert Roster(str(tmp_path / "hooks")).read() == frozenset()
    (tmp_path / "hooks/sinks.json").write_text("{")
    assert roster.read() is None


async def test_a_new_durable_sink_begins_with_the_next_event(tmp_path: Path) -> None:
    sink = GatedSink(durable=True)
    sink.gate.set()
    async with hub(tmp_path, config(), journal=FakeJournal([event(1), event(2)]), made={"a": sink}, seq=2) as it:
        it.emit()
        await soon(lambda: sink.taken)
        assert [one.seq for one in sink.taken] == [3]


async def test_a_durable_sink_drops_nothing_when_its_queue_is_full(tmp_path: Path) -> None:
    journal = FakeJournal()
    sink = GatedSink(durable=True)
    async with hub(tmp_path, config(queue=10), journal=journal, made={"a": sink}) as it:
        for _ in range(1500):
            journal.events.append(it.emit())
        sink.gate.set()
        await soon(lambda: len(sink.taken) == 1500)
        assert [one.seq for one in sink.taken] == list(range(1, 1501))
        assert (it.status("a")["dropped"], it.kinds()) == (0, [])


async def test_what_the_journal_does_not_keep_any_more_is_told(tmp_path: Path) -> None:
    journal = FakeJournal([event(n) for n in range(50, 60)], lost=True)
    sink = GatedSink(durable=True)
    sink.gate.set()
    sink.key = (1, 3)
    async with hub(tmp_path, config(), journal=journal, made={"a": sink}, seq=59) as it:
        journal.events.append(it.emit())
        await soon(lambda: sink.taken and sink.taken[-1].seq == 60)
        assert it.told[0] == ("hooks_dropped", {"sink": "a", "dropped": None, "after": "1.3"})


@pytest.mark.parametrize(("reached", "first"), [((0, 0), 1), ((1, 4), 5)])
async def test_what_a_durable_lane_leaves_behind_is_taken_over_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reached: Key, first: int
) -> None:
    """From where the sink itself had got to, if it had taken more than it had said."""
    monkeypatch.setattr("roost.hooks.dispatcher.RETIRE_S", 0.05)
    journal = FakeJournal()
    old, new = GatedSink(durable=True), GatedSink(durable=True)
    new.gate.set()
    new.key = reached
    made: dict[str, Any] = {"a": old}
    async with hub(tmp_path, config("a"), journal=journal, made=made) as it:
        for _ in range(10):
            journal.events.append(it.emit())
        await soon(lambda: old.asked)
        made["a"] = new
        it.dispatcher.prepare([config("a", queue=77)])()
        journal.events.append(it.emit())
        await soon(lambda: new.taken and new.taken[-1].seq == 11)
        assert [one.seq for one in new.taken] == list(range(first, 12))


async def test_a_sink_that_is_added_while_the_daemon_runs_begins_with_the_next_event(tmp_path: Path) -> None:
    journal = FakeJournal([event(1)])
    sink = GatedSink(durable=True)
    sink.gate.set()
    sink.key = (0, 5)
    async with hub(tmp_path, journal=journal, made={"a": sink}, seq=1) as it:
        it.dispatcher.prepare([config("a")])()
        journal.events.append(it.emit())
        await soon(lambda: sink.taken)
        assert [one.seq for one in sink.taken] == [2]


# --- changes ----------------------------------------------------------------------------------------------------------


async def test_a_reload_loses_no_event_and_keeps_what_did_not_change(tmp_path: Path) -> None:
    kept, old, new = GatedSink(), GatedSink(), GatedSink()
    kept.gate.set()
    made: dict[str, Any] = {"kept": kept, "a": old}
    async with hub(tmp_path, config("kept"), config("a"), made=made) as it:
        for _ in range(10):
            it.emit()
        made["a"] = new
        apply = it.dispatcher.prepare([config("kept"), config("a", queue=77)])
        it.emit()
        apply()
        it.emit()
        new.gate.set()
        await soon(lambda: len(kept.taken) == 12)
        assert new.taken == [], "the new lane begins when the old one is done"
        old.gate.set()
        await soon(lambda: new.taken)
        assert [one.seq for one in old.taken + new.taken] == list(range(1, 13))
        assert old.closed


async def test_a_configuration_that_cannot_work_changes_nothing(tmp_path: Path) -> None:
    sink = GatedSink()
    sink.gate.set()
    from roost.core.config_sinks import Webhook

    async with hub(tmp_path, config(), made={"a": sink}) as it:
        with pytest.raises(InvalidError, match="NO_SUCH"):
            it.dispatcher.prepare([SinkConfig("w", "webhook", Webhook("http://h/", secret_env="NO_SUCH"))])
        it.emit()
        await soon(lambda: sink.taken)
        assert [status["name"] for status in it.dispatcher.status()] == ["a"]


async def test_a_sink_that_cannot_be_made_at_the_start_fails_visibly(tmp_path: Path) -> None:
    from roost.core.config_sinks import Webhook

    async with hub(tmp_path, SinkConfig("w", "webhook", Webhook("http://h/", secret_env="NO_SUCH"))) as it:
        await soon(lambda: it.status("w")["state"] == "failing")
        assert "NO_SUCH" in it.status("w")["last_error"]


async def test_the_last_events_get_out_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "x.jsonl"
    async with hub(tmp_path, SinkConfig("f", "jsonl", Jsonl(str(path)))) as it:
        for _ in range(700):
            it.emit()
    assert len(path.read_bytes().splitlines()) == 700


async def test_an_unknown_sink_cannot_be_tried_again(tmp_path: Path) -> None:
    async with hub(tmp_path, SinkConfig("c", "command", Command("true"))) as it:
        with pytest.raises(NoRunError, match="configured are c"):
            await it.dispatcher.retry("nobody")
