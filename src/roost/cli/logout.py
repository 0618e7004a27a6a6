"""Whether sessions survive the user's logout, as far as systemd decides it.

Owns the finding and the warning that is given once. No program is run for it: systemd's own marks in the file system
say enough. Source: systemd-logind(8), loginctl(1) enable-linger.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

_LINGER_DIR = "/var/lib/systemd/linger"
_MARK = "logout-warned"


def ends_at_logout(
    *, environ: Mapping[str, str] = os.environ, linger_dir: str = _LINGER_DIR, cgroup_path: str = "/proc/self/cgroup"
) -> bool:
    """Whether logging out may kill what runs here: a login session or user manager of systemd without linger."""
    try:
        with open(cgroup_path, encoding="utf-8", errors="replace") as file:
            groups = file.read()
    except OSError:
        return False
    if "/user.slice/" not in groups or not os.path.isdir(os.path.dirname(linger_dir)):
        return False
    return not os.path.exists(f"{linger_dir}/{_user_name(environ)}")


def warn_once(say: Callable[[str], None]) -> None:
    """Warns when sessions will not survive logout; once, which is noted in the state directory."""
    if not ends_at_logout():
        return
    from roost.paths import Paths

    state_dir = Paths.for_scope().state_dir
    mark = f"{state_dir}/{_MARK}"
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError:
        return  # said before, or there is no place to note that it was
    say("sessions end when you log out of this machine; to keep them: loginctl enable-linger (said only once)")


def _user_name(environ: Mapping[str, str]) -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return environ.get("USER", "")
