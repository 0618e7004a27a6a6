"""`python -m roost.daemon`."""

import sys

from roost.daemon.app import main

sys.exit(main())
