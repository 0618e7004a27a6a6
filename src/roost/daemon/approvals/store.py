"""Where approvals are kept: `<state>/approvals.json`, 0600, written whole at every change.

Owns the file. One that cannot be read is moved aside: whoever asked asks again by the same id.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable

from roost.core.approvals import Approval, decode_approvals, encode_approvals
from roost.errors import InvalidError, RoostError
from roost.platform.run_files import write_whole

log = logging.getLogger(__name__)


class ApprovalStore:
    """The file."""

    def __init__(self, state_dir: str) -> None:
        self._path = os.path.join(state_dir, "approvals.json")

    def read(self) -> list[Approval]:
        """What is kept, oldest first."""
        try:
            with open(self._path, "rb") as file:
                return decode_approvals(file.read())
        except FileNotFoundError:
            return []
        except (OSError, InvalidError) as error:
            aside = f"{self._path}.unreadable"
            log.error("%s cannot be read: %s; it is now %s, and what was asked has to be asked again",
                      self._path, error, aside)  # fmt: skip
            try:
                os.replace(self._path, aside)
            except OSError as failure:
                log.error("%s cannot be moved aside: %s", self._path, failure.strerror)
            return []

    def write(self, approvals: Iterable[Approval]) -> None:
        """Keep these. Raises RoostError (unavailable); what was kept before is still there then."""
        try:
            write_whole(self._path, encode_approvals(approvals))
        except OSError as error:
            raise RoostError(
                f"{self._path} cannot be written ({error.strerror}), so that an approval would not last; ask again",
                kind="unavailable",
            ) from error
