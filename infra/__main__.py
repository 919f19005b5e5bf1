"""`python3 -m infra`."""

import importlib
import sys

if sys.version_info < (3, 11):  # noqa: UP036 this is the file that an older Python reads
    sys.exit("Python 3.11 or newer is needed")
sys.exit(importlib.import_module("infra.cli").main(sys.argv[1:]))
