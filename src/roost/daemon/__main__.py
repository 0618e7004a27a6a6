"""`python -m roost.daemon`."""

import sys

# asyncio imports ssl wherever it is installed: 8 ms and 4 MiB, and no connection of the loop here is TLS (webhooks
# have theirs in a thread, by ssl as it is). Without the module asyncio does without, which is a supported build.
sys.modules["ssl"] = None  # type: ignore[assignment]
import asyncio  # noqa: E402, F401

del sys.modules["ssl"]

from roost.daemon.main import main  # noqa: E402

sys.exit(main())
