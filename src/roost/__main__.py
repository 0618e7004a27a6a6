"""`python -m roost` is `roost`."""

import sys

from roost.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
