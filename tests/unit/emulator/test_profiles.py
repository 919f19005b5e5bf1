"""A profiles file is refused in one line: file, vehicle, setting, value, and what is allowed."""

from pathlib import Path

import pytest

from emulator import profiles
from emulator.errors import EmulatorError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "profiles.json"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"van-7":\n {speed: 3}}',
         "{} is not JSON (line 2, column 3: expecting property name enclosed in double quotes)"),
        ("[]", "{} must be a JSON object keyed by vehicle id"),
        ('{"van-7": 3}', "{}: van-7: 3: must be a JSON object"),
        ('{"van/7": {}}',
         "{}: vehicle id 'van/7': must be 1 to 64 letters, digits or ._:- and begin with a letter or digit"),
        ('{"van-7": {"speed_limit_kph": "fast"}}',
         "{}: van-7: speed_limit_kph: 'fast': must be a number above 0 and at most 500"),
        ('{"van-7": {"contract_s": {"gpx": 60}}}',
         "{}: van-7: contract_s: 'gpx': must be one of gps, temperature, maintenance, inventory"),
        ('{"van-7": {"timezone": "Europe/Berln"}}',
         "{}: van-7: timezone: 'Europe/Berln': must be a time zone such as Europe/Berlin"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(EmulatorError) as caught:
        profiles.read(file)
    assert str(caught.value) == said.replace("{}", str(file), 1)


def test_a_file_that_is_not_there_is_named_once(file: Path) -> None:
    with pytest.raises(EmulatorError) as caught:
        profiles.read(file)
    assert str(caught.value) == f"{file} cannot be read: No such file or directory"


def test_what_an_editor_on_windows_saves_can_be_read(file: Path) -> None:
    file.write_text('{"van-7": {"speed_limit_kph": 60}}', encoding="utf-8-sig")
    assert profiles.read(file) == {"van-7": {"speed_limit_kph": 60}}
