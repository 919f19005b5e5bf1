"""`python3 -m tests.replay_gps`: the figures of the GPS line on recorded traces."""

import sys

from emulator import environment


def main() -> int:
    environment.ensure("tests", ["-m", "tests.replay_gps", *sys.argv[1:]])
    from tests.replay.recorded import FOLDER

    if not FOLDER.is_dir():
        print(f"the recordings are not here: {FOLDER}", file=sys.stderr)
        return 1
    from tests.replay_gps.figures import figures

    for line in figures():
        print(line, flush=True)
    return 0


sys.exit(main())
