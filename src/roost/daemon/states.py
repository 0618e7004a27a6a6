"""In what state every session is: `context.shared["states"]`, the `state` events and `state.explain`.

Owns what each source told last and when the screen is looked at. Agents' events and shells' marks cost nothing and
always count. Screens are looked at only in sessions of known agents, and only while somebody wants their states: who
waits for one, subscribes to state events, or asks for an explanation. `roost ls` starts nothing.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from typing import Any

from roost.core.events import Event, EventFilter
from roost.core.session_state import Told, choose, nothing_told, told_by_agent
from roost.core.state_rules import Agent, Rule, last_lines
from roost.daemon.approvals.desk import Desk
from roost.daemon.around import Context, Wired
from roost.daemon.calls import Calls, Method, Result, TargetParams
from roost.daemon.session import Session
from roost.daemon.state_files import StateFiles
from roost.daemon.waiting.screen import Screens, Watch, screen_text
from roost.errors import InvalidError, RoostError
from roost.platform.process_facts import command_line

#: The screen of one session is looked at once in this time, at most.
LOOK_EVERY_S = 0.25
#: For so long a program that has written nothing is said to be starting.
START_S = 3.0


class _Sources:
    """What was told of one session."""

    def __init__(self) -> None:
        self.agent: Told | None = None
        self.screen: Told | None = None
        self.looking: asyncio.Task[None] | None = None
        self.changed = asyncio.Event()
        self.judged_to = 0  # up to where the output was on the screen that the rules looked at


class States:
    """All of them."""

    key = "state"

    def __init__(self, context: Context, files: StateFiles) -> None:
        self._context = context
        self._files = files
        self._sources: dict[str, _Sources] = {}
        bus = context.bus
        heard = frozenset(("agent", "shell", "lifecycle"))
        bus.subscribe(EventFilter(categories=heard), self._on_event, passive=True)
        bus.on_wants_changed(self._wants_changed)
        self._reconciling = False
        self._looking = 0

    # --- an area ----------------------------------------------------------------------------------------------------

    def check(self, options: Any) -> None:
        """There is nothing to ask for."""
        raise InvalidError("states take no options")

    def on_session(self, session: Session, options: Any, *, adopted: bool) -> None:
        """Follow it."""
        self._sources[session.id] = _Sources()
        session.activity = self._decide(session)
        session.when_exited.append(lambda: self._on_exit(session))
        if session.activity.state == "starting":
            self._context.loop.call_later(START_S, self._update, session)
        self._wants_changed()

    def _on_exit(self, session: Session) -> None:
        self._update(session)
        self._wants_changed()

    # --- telling ----------------------------------------------------------------------------------------------------

    def current(self, session: Session) -> dict[str, Any]:
        """The state of a session, with source, confidence and age; costs nothing."""
        self._update(session)
        assert session.activity is not None
        return session.activity.describe(time.time())

    def _decide(self, session: Session) -> Told:
        sources = self._sources.get(session.id) or _Sources()
        if (waits := self._waits_for_approval(session)) is not None:
            return waits
        screen = sources.screen
        if screen is not None and screen.out_of_date(session.streams["stdout"].ring.end):
            screen = sources.screen = None
        return choose(_exited(session), sources.agent, _shell(session), screen, _start(session))

    def _waits_for_approval(self, session: Session) -> Told | None:
        """Somebody was asked and has not answered: whatever else is told, it goes on only then."""
        desk: Desk | None = self._context.shared.get("approvals")
        since = desk.blocked_since(session.id) if desk is not None and session.live else None
        if since is None:
            return None
        return Told("blocked", "approval", 1.0, since, "approval", "an approval is pending (`roost approvals`)")

    def _update(self, session: Session) -> None:
        """Decide anew; a change is an event."""
        before, now = session.activity, self._decide(session)
        if before is not None and now.same_as(before) and now.source == before.source:
            return
        session.activity = now
        if before is not None and before.source in ("", "output") and now.source == "exit":
            return  # nobody ever told anything: the exit is an event of its own
        if not now.same_as(before):
            data = {"state": now.state, "detail": now.detail or None, "source": now.source or None}
            was = {"previous": before.state if before else None, "confidence": now.confidence, "why": now.why}
            self._context.bus.emit(session, "state", "state_changed", data | was, source="state")

    def _on_event(self, event: Event) -> None:
        session = self._context.table.by_id(event.session_id)
        sources = self._sources.get(event.session_id)
        if event.type == "purged":
            self._sources.pop(event.session_id, None)
        if session is None or sources is None:
            return
        if event.category == "agent" and event.source != "approvals":
            told = told_by_agent(event.type, event.data)
            if told is None:
                return
            state, detail = told
            last = sources.agent
            if last is None or (last.state, last.detail) != told:
                sources.agent = Told(state, "agent", 1.0, event.at, detail, f"the agent told {event.type}")
        self._update(session)

    # --- screens ----------------------------------------------------------------------------------------------------

    def agent_in(self, session: Session) -> Agent | None:
        """Which known agent runs in a session: its command, else what is in front on its terminal."""
        book = self._files.book()
        record = session.record
        agent = book.agent_for(record.argv, record.labels.get("agent", ""))
        if agent is None and session.live and session.is_pty:
            try:
                agent = book.agent_for(command_line(os.tcgetpgrp(session.terminal)))
            except (OSError, RoostError):
                return None
        return agent

    def _wants_changed(self) -> None:
        if not self._reconciling:
            self._reconciling = True
            self._context.loop.call_soon(self._reconcile)

    def _reconcile(self) -> None:
        """Look at the screens that somebody wants the state of, at no others."""
        self._reconciling = False
        screens: Screens | None = self._context.shared.get("screens")
        if not self._context.bus.category_wanted("state") and not self._looking:
            return
        for session in self._context.table:
            sources = self._sources.get(session.id)
            if sources is None or screens is None:
                continue
            wanted = session.live and session.is_pty and self._context.bus.wanted(session.id, "state")
            if wanted and sources.looking is None and self.agent_in(session) is not None:
                look = self._look(session, sources, screens)
                sources.looking = self._context.tasks.create_task(look, name="state by screen")
                self._looking += 1
            elif not wanted and sources.looking is not None:
                sources.looking.cancel()
                sources.looking = None
                self._looking -= 1

    async def _look(self, session: Session, sources: _Sources, screens: Screens) -> None:
        """Look at a screen whenever it changes, until cancelled or the session ends."""
        watch: Watch | None = None
        try:
            watch = await screens.watch(session, lambda _offset: sources.changed.set())
            while session.live:
                sources.changed.clear()
                await self._judge(session, sources, screens)
                self._update(session)
                await asyncio.sleep(LOOK_EVERY_S)
                await sources.changed.wait()  # at once after a pause, else every so often
        except RoostError:
            sources.screen = None  # no screen is to be had: nothing is known by it
        finally:
            if watch is not None:
                watch.close()
            _look_away(sources)
            self._update(session)

    async def _judge(
        self, session: Session, sources: _Sources, screens: Screens
    ) -> tuple[Agent | None, list[dict[str, Any]], str]:
        """Let the rules look at the screen as it is; what each found, for `explain`."""
        agent = self.agent_in(session)
        if agent is None:
            sources.screen = None
            return None, [], ""
        text, screen = await screen_text(screens, session)
        sources.judged_to = screen.offset
        title = session.streams["stdout"].scanner.title if session.streams["stdout"].scanner else ""
        tried: list[dict[str, Any]] = []
        matched: Rule | None = None
        for rule in agent.rules:
            hit = matched is None and rule.matches(last_lines(text, rule.lines), title)
            matched = rule if hit else matched
            tried.append({"rule": rule.origin, "state": rule.state, "detail": rule.detail or None, "matched": hit})
            if matched is not None:
                break
        sources.screen = _by_rule(agent, matched, sources.screen)
        return agent, tried, text

    # --- explaining -------------------------------------------------------------------------------------------------

    async def explain(self, calls: Calls, p: TargetParams, _data: bytes) -> Result:
        """`state.explain`: the state, what every source says, and which rules were tried on the screen."""
        session = calls.service.find(p.target)
        sources = self._sources.get(session.id) or _Sources()
        screens: Screens | None = self._context.shared.get("screens")
        agent, text, problem = self.agent_in(session), "", ""
        tried: list[dict[str, Any]] = []
        if agent is not None and screens is not None and session.live:
            try:
                agent, tried, text = await self._judge(session, sources, screens)
                if sources.looking is None:
                    _look_away(sources)
            except RoostError as error:
                problem = error.message
        elif agent is not None and session.live:
            problem = "this daemon shows no screens"
        state = self.current(session)
        assert session.activity is not None
        now = time.time()
        told = {
            "exit": _exited(session),
            "approval": self._waits_for_approval(session),
            "agent": sources.agent,
            "shell": _shell(session),
            "screen": sources.screen,
        }
        return {
            "session_id": session.id,
            "name": session.record.name,
            **state,
            "why": session.activity.why,
            "sources": [
                {"source": name, "told": None if one is None else {**one.describe(now), "why": one.why}}
                for name, one in told.items()
            ],
            "agent": agent.name if agent else None,
            "rules": tried,
            "screen": last_lines(text, 12) if text else None,
            "screen_problem": problem or None,
            "files": self._files.paths,
            "file_problems": list(self._files.book().problems),
        }, b""


def _exited(session: Session) -> Told | None:
    if session.live or session.ending is None:
        return None
    return Told("exited", "exit", 1.0, session.ending.info.at, "", "its program has ended")


def _shell(session: Session) -> Told | None:
    shell = session.shell
    if shell is None or not shell.seen:
        return None
    if shell.running:
        what = f"the shell runs {shell.command}" if shell.command else "the shell runs a command"
        return Told("working", "shell", 0.9, shell.changed_at, "", what)
    return Told("idle", "shell", 0.95, shell.changed_at, "", "the shell is at its prompt")


def _start(session: Session) -> Told:
    created_at = session.origin.created_at
    if session.live and time.time() - created_at < START_S and session.streams["stdout"].ring.end == 0:
        return Told("starting", "output", 0.5, created_at, "", "it has written nothing yet")
    return nothing_told(created_at)


def _look_away(sources: _Sources) -> None:
    """From now on what the screen told holds as long as nothing is written."""
    if sources.screen is not None:
        sources.screen = replace(sources.screen, until=sources.judged_to)


def _by_rule(agent: Agent, rule: Rule | None, last: Told | None) -> Told | None:
    """What a rule concludes; it began when the rule first did, not at every look."""
    if rule is None:
        return None
    since = last.since if last is not None and (last.state, last.detail) == (rule.state, rule.detail) else time.time()
    why = f"the screen of {agent.name} looks so ({rule.origin})"
    return Told(rule.state, "screen", rule.confidence, since, rule.detail, why)


def wire(context: Context) -> Wired:
    """Know the states; `states` is left for waits."""
    states = States(context, StateFiles())
    context.areas.add(states)
    context.shared["states"] = states
    return Wired(methods={"state.explain": Method(TargetParams, states.explain)})
