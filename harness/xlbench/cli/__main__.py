"""`python -m xlbench.cli`."""

import sys

from xlbench.cli import main

sys.exit(main())
