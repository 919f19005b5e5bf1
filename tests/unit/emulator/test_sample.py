"""`sample` prints a day that can be replayed: every line, any one line, the same bytes for the same seed."""

from collections import Counter

import msgspec
import pytest

from emulator import arguments
from emulator.commands import sample
from functions.lines import LINES


async def printed(capfdbinary: pytest.CaptureFixture[bytes], *options: str) -> bytes:
    command = ["sample", "--vehicles", "6", "--hours", "2", *options]
    assert await sample.main(arguments.parser().parse_args(command)) == 0
    return capfdbinary.readouterr().out


def lines_of(out: bytes) -> Counter[str]:
    return Counter(msgspec.json.decode(line)["line"] for line in out.splitlines())


async def test_a_sample_has_all_lines_and_a_fix_every_half_minute(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    found = lines_of(await printed(capfdbinary))
    assert set(found) == set(LINES)
    assert 6 * 240 * 0.8 < found["gps"] < 6 * 240 * 1.1


async def test_the_same_seed_prints_the_same_bytes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert await printed(capfdbinary, "--seed", "4") == await printed(capfdbinary, "--seed", "4")


@pytest.mark.parametrize("line", LINES)
async def test_one_line_is_that_line_of_the_whole(line: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    whole = (await printed(capfdbinary)).splitlines()
    own = (await printed(capfdbinary, "--line", line)).splitlines()
    assert own == [event for event in whole if msgspec.json.decode(event)["line"] == line]
