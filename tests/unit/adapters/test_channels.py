"""Channels against real receivers on loopback: exactly what was meant arrives, and no secret leaves."""

import logging
from collections.abc import Iterator

import pytest

from functions.adapters.channels import Channels, redacted
from functions.core.contact import AddressBook, Contact
from functions.core.letter import Letter
from functions.core.profile import Profile
from tests.desk import Desk, at, snapshot
from tests.receivers import Mailbox, Webhook, receivers

LETTER = Letter("0a1b2c", "CRITICAL temperature high opened: van-1", "peak: 9.4\nöffnen", "critical", at(0))
ANSWER = Letter(
    "3d4e5f", "CRITICAL temperature high closed: van-1", "lasted: 5 min", "critical", at(5), answers="0a1b2c"
)
SECRETS = ("sesame-9173", "tok3n-8842", "someone")


@pytest.fixture
def both() -> Iterator[tuple[Mailbox, Webhook]]:
    with receivers() as found:
        yield found


async def test_a_mail_arrives_as_it_was_meant_under_a_derived_id_and_its_end_in_the_same_thread(
    both: tuple[Mailbox, Webhook],
) -> None:
    mailbox, _ = both
    channels = Channels()
    assert await channels.send(mailbox.url, LETTER) is None
    assert await channels.send(mailbox.url, ANSWER) is None
    first, second = mailbox.mails
    assert (first["Subject"], first["To"]) == (LETTER.title, "desk@fleetline.invalid")
    assert first.get_content().split() == LETTER.body.split()
    assert first["Date"].datetime == at(0)
    assert first["Message-ID"] == second["In-Reply-To"] == "<0a1b2c@fleetline.invalid>"
    assert len(first.get_all("Message-ID")) == 1


async def test_a_webhook_gets_the_letter_and_a_key_to_know_a_repeat_by(both: tuple[Mailbox, Webhook]) -> None:
    _, webhook = both
    channels = Channels()
    for _ in range(2):
        assert await channels.send(webhook.url, LETTER) is None
    assert [headers["idempotency-key"] for headers, _ in webhook.calls] == ["0a1b2c", "0a1b2c"]
    assert (webhook.calls[0][1]["title"], webhook.calls[0][1]["message"]) == (LETTER.title, LETTER.body)


async def test_a_failure_says_why_and_no_secret(
    both: tuple[Mailbox, Webhook], caplog: pytest.LogCaptureFixture
) -> None:
    mailbox, webhook = both
    caplog.set_level(logging.DEBUG)
    channels = Channels()
    webhook.status = 503
    said = [await channels.send(webhook.url, LETTER)]
    webhook.down()
    mailbox.down()
    said += [await channels.send(webhook.url, LETTER), await channels.send(mailbox.url, LETTER)]
    said.append(await channels.send("nonsense://someone:sesame-9173@x/tok3n-8842", LETTER))
    assert "503" in str(said[0])
    assert all(said)
    assert not [secret for secret in SECRETS if secret in f"{said}{caplog.text}"]


async def test_neither_logs_nor_documents_hold_an_address(
    both: tuple[Mailbox, Webhook], caplog: pytest.LogCaptureFixture
) -> None:
    _, webhook = both
    caplog.set_level(logging.DEBUG)
    book = AddressBook({"duty": Contact(webhook.url)}, ["duty"])
    desk = Desk(book=book, **{"van-2": Profile(contacts=[webhook.url])})
    desk.channels = Channels()  # type: ignore[assignment]
    desk.notifier = desk.hired()
    webhook.status = 500
    await desk.hear(snapshot(), snapshot(alert_id="a2", vehicle_id="van-2"))
    webhook.status = 200
    await desk.round(5)
    assert len(webhook.calls) == 2
    kept = f"{desk.store.documents}{caplog.text}{desk.book}"
    assert not [secret for secret in SECRETS if secret in kept]


async def test_letters_arrive_once_each_when_the_receivers_are_back_after_an_outage(
    both: tuple[Mailbox, Webhook],
) -> None:
    mailbox, webhook = both
    book = AddressBook({"desk": Contact(mailbox.url), "hook": Contact(webhook.url)}, ["desk", "hook"])
    desk = Desk(book=book)
    desk.channels = Channels()  # type: ignore[assignment]
    desk.notifier = desk.hired()
    mailbox.down()
    webhook.down()
    await desk.hear(*(snapshot(alert_id=f"a{n}", vehicle_id=f"van-{n}") for n in range(5)))
    for minute in range(1, 6):
        await desk.round(minute)
    mailbox.up()
    webhook.up()
    for minute in range(6, 20):
        await desk.round(minute)
    subjects = sorted(f"WARNING door open opened: van-{n}" for n in range(5))
    assert sorted(mail["Subject"] for mail in mailbox.mails) == subjects
    assert sorted(body["title"] for _, body in webhook.calls) == subjects


def test_no_word_of_an_address_is_left_in_what_is_said_of_it() -> None:
    url = "mailto://ann:p%40ss-word@smtp.example.com?to=bob@example.com"
    said = "SMTPAuthenticationError: ann p@ss-word refused by smtp.example.com for bob@example.com (535)"
    assert redacted(said, url) == "SMTPAuthenticationError: ann … refused by … for bob@… (535)"
