"""The session's own SSH agent socket and what can be refreshed, through the whole of roost."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.instance import Instance, eventually

from roost.client import Client, Session


class Agent:
    """A socket that somebody could take for an SSH agent."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen()


@pytest.fixture
def agents(tmp_path: Path) -> Iterator[list[Agent]]:
    made = [Agent(tmp_path / name) for name in ("one", "two")]
    yield made
    for agent in made:
        agent.socket.close()


def env(agent: Agent | None = None, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **({"SSH_AUTH_SOCK": agent.path} if agent else {}), **more}


def own_link(client: Client, session: Session) -> str:
    return str(client.env(session.id)["SSH_AUTH_SOCK"])


def test_a_session_has_an_agent_socket_of_its_own_that_follows_who_attaches(
    shared: Instance, agents: list[Agent]
) -> None:
    one, two = agents
    with shared.client() as client:
        session = client.spawn(["cat"], env=env(one, DISPLAY=":1"))
        link = own_link(client, session)
        assert link == str(shared.root / f"run/roost/agents/{session.id}.sock")
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(link)
        session.attach(env=env(two, DISPLAY=":2")).close()
        assert os.readlink(link) == two.path
        with session.attach(mode="view", env=env(one)):
            assert os.readlink(link) == two.path, "a view brings nothing"
        session.attach().close()
        session.attach(env=env(None, SSH_TTY="/dev/pts/9")).close()
        assert os.readlink(link) == two.path, "a client without an agent takes none away"
        values = client.refreshable_env(session.id)
        assert (values["SSH_AUTH_SOCK"], values["SSH_TTY"], values["DISPLAY"]) == (link, "/dev/pts/9", None)
        session.terminate()
        session.purge()
        assert not os.path.lexists(link)


def test_a_client_inside_a_session_brings_the_agent_behind_that_sessions_link(
    shared: Instance, agents: list[Agent]
) -> None:
    with shared.client() as client:
        outer = client.spawn(["cat"], env=env(agents[0]))
        inner = client.spawn(["cat"], env={**env(), "SSH_AUTH_SOCK": own_link(client, outer)})
        assert os.readlink(own_link(client, inner)) == agents[0].path
        again = inner.restart()
        assert os.readlink(own_link(client, again)) == agents[0].path


def test_without_an_agent_or_if_declined_there_is_no_link(shared: Instance, agents: list[Agent]) -> None:
    with shared.client() as client:
        plain = client.spawn(["cat"], env=env())
        assert "SSH_AUTH_SOCK" not in client.env(plain.id)
        declined = client.spawn(["cat"], env=env(agents[0]), options={"ssh_agent": False})
        assert own_link(client, declined) == agents[0].path
        declined.attach(env=env(agents[1])).close()
        links = os.listdir(shared.root / "run/roost/agents")
        assert not {f"{plain.id}.sock", f"{declined.id}.sock"} & set(links)
        assert client.refreshable_env(declined.id)["SSH_AUTH_SOCK"] == agents[1].path


def test_the_link_and_what_was_brought_survive_the_daemon_and_the_runtime_directory(
    instance: Instance, agents: list[Agent]
) -> None:
    with instance.client() as client:
        session = client.spawn(["cat"], env=env(agents[0], DISPLAY=":7"))
        link = own_link(client, session)
        os.unlink(link)
        (instance.root / "run/roost/agents/s-gone.sock").symlink_to("/nowhere")
        instance.kill_daemon()
        assert os.readlink(link) == agents[0].path
        assert client.refreshable_env(session.id)["DISPLAY"] == ":7"
        eventually(lambda: os.listdir(os.path.dirname(link)) == [f"{session.id}.sock"])


def test_the_command_line_prints_what_a_shell_evaluates(shared: Instance, agents: list[Agent]) -> None:
    with shared.client() as client:
        session = client.spawn(["cat"], name="envy", env=env(agents[0], DISPLAY=":3"))
        out = shared.roost("env", "envy", "--shell", "sh").stdout.decode()
        assert f"export SSH_AUTH_SOCK='{own_link(client, session)}';\nunset SSH_AGENT_PID;\n" in out
        assert shared.roost("env", "envy", "--shell", "fish").stdout.startswith(b"set -gx SSH_AUTH_SOCK '")
