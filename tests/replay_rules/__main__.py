"""`python3 -m tests.replay_rules`: what the rules make of recorded thermometers, loggers, odometers and codes."""

import sys

from emulator import environment


def main() -> int:
    environment.ensure("tests", ["-m", "tests.replay_rules", *sys.argv[1:]])
    from tests.replay.recorded import FOLDER
    from tests.replay_rules.tables import TABLES

    if not FOLDER.is_dir():
        print(f"the recordings are not here: {FOLDER}", file=sys.stderr)
        return 1
    for table in TABLES:
        print("\n".join(table()), end="\n\n", flush=True)
    return 0


sys.exit(main())
