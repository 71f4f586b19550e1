"""``python -m isamapper`` is the command ``isamapper``."""

import sys

from isamapper.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
