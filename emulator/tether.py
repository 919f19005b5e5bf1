"""Becomes the command it is given, tied to its parent: when that dies, even by kill -9, Linux ends this one too.

Run as `python -I -S tether.py PARENT_PID COMMAND…`; a process of its own, because doing it between fork and exec of
a program that has threads (gRPC's, for one) can hang.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent_pid, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent_pid:  # it died before the line above
        sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
