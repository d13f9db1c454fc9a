"""`python -m twinstream`, the same as the `twinstream` command."""

import sys

from twinstream.cli import main

sys.exit(main())
