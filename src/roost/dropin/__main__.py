"""`python -m roost.dropin`."""

import sys

from roost.dropin.entry import main

sys.exit(main())
