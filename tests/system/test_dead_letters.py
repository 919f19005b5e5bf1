"""Dead letters: kept until somebody looks, and published again word for word."""

import argparse
import asyncio
from pathlib import Path

import pytest

from emulator import pubsub_admin
from emulator.backends import Backend
from emulator.commands import dead_letters
from emulator.dead_letters import DeadLetter, DeadLetters
from emulator.errors import EmulatorError
from functions.adapters.pubsub import PubSub
from infra import plant

POISON = [b'{"vehicle_id": "van-1"}', b"\xff not text"]


@pytest.fixture
async def addresses(backend: Backend, project: str, tmp_path: Path) -> Path:
    """A plant's topics, with two dead letters of gps."""
    await pubsub_admin.create(project, backend.pubsub, plant.TOPICS, plant.FUNCTIONS)
    bus = PubSub(project, backend.pubsub)
    await bus.publish("gps-dead", POISON)
    await bus.close()
    file = tmp_path / "addresses.json"
    where = f'"project": "{project}", "pubsub": "{backend.pubsub}", "firestore": "{backend.firestore}"'
    file.write_text(f'{{{where}, "functions": {{}}}}')
    return file


async def said(capsys: pytest.CaptureFixture[str], addresses: Path, topic: str | None, *, again: bool) -> str:
    options = argparse.Namespace(topic=topic, again=again, limit=10, addresses=addresses, project=None)
    assert await dead_letters.main(options) == 0
    return capsys.readouterr().out


async def test_looking_at_dead_letters_leaves_them_where_they_are(
    addresses: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        shown = await said(capsys, addresses, "gps", again=False)
        assert "2 dead letters" in shown
        assert '{"vehicle_id": "van-1"}' in shown


async def test_dead_letters_are_published_again_and_gone(
    addresses: Path, backend: Backend, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await said(capsys, addresses, None, again=True) == "gps: 2 published again\n"
    assert await said(capsys, addresses, "gps", again=False) == "no dead letters\n"
    assert sorted(one.data for one in await _of_the_line(backend, project)) == sorted(POISON)


async def _of_the_line(backend: Backend, project: str) -> list[DeadLetter]:
    """What the line's own trigger is given."""
    triggers = DeadLetters(project, backend.pubsub)
    triggers._of = lambda topic: pubsub_admin.subscription_name(project, topic)  # type: ignore[method-assign]
    found: list[DeadLetter] = []
    try:
        while len(found) < len(POISON):
            found += await asyncio.wait_for(triggers.take("gps"), 20)
    finally:
        await triggers.close()
    return found


async def test_a_topic_without_dead_letters_is_named(addresses: Path) -> None:
    options = argparse.Namespace(topic="commands", again=False, limit=10, addresses=addresses, project=None)
    with pytest.raises(EmulatorError, match="topic commands has no dead letters; those that have: gps, temperature"):
        await dead_letters.main(options)
