"""`python -m emulator.embedded`: runs both servers until SIGTERM, SIGINT or, when asked, the end of stdin."""

import sys

from emulator.embedded.server import main

sys.exit(main())
