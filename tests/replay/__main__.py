"""`python3 -m tests.replay SOURCE`: a recording as JSON Lines that `python3 -m emulator replay` takes."""

import argparse
import sys

from emulator import environment


def main() -> int:
    environment.ensure("tests", ["-m", "tests.replay", *sys.argv[1:]])
    from tests.replay.recorded import FOLDER
    from tests.replay.sources import SOURCES

    listed = "\n".join(f"  {name:18}{source.about}" for name, source in SOURCES.items())
    parser = argparse.ArgumentParser(
        "python3 -m tests.replay",
        description=__doc__,
        epilog=f"sources:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", nargs="?", choices=SOURCES, metavar="SOURCE", help="the recording to print")
    parser.add_argument("--sort", action="store_true", help="by time, not in the recording's own order")
    parser.add_argument("--table", action="store_true", help="what becomes of each recording, as a table")
    options = parser.parse_args()
    if not FOLDER.is_dir():
        print(f"the recordings are not here: {FOLDER}", file=sys.stderr)
        return 1
    if options.table:
        from tests.replay.table import drawn

        for line in drawn([options.source] if options.source else list(SOURCES)):
            print(line, flush=True)
        return 0
    if options.source is None:
        parser.error("name a source, or --table")
    return _print(options.source, options.sort)


def _print(name: str, by_time: bool) -> int:
    import json

    from tests.replay.feed import in_time_order
    from tests.replay.sources import SOURCES

    events = SOURCES[name].events()
    try:
        for event in in_time_order(events) if by_time else events:
            print(json.dumps(event))
        sys.stdout.flush()
    except BrokenPipeError:  # … | head
        sys.stderr.close()
    return 0


sys.exit(main())
