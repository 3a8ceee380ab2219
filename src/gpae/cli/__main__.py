"""The command line as ``python -m gpae.cli``."""

import sys

from gpae.cli import main

if __name__ == "__main__":
    sys.exit(main())
