"""Crates: every row of every message is in one, one class each, none larger than Firestore takes."""

import json
import logging
import random
from base64 import b64encode
from io import BytesIO
from typing import Any

import pandas as pd
import pytest

from functions.core.crate import MOST_CRATE_BYTES, Crate, crates_of
from tests.warehouse import START, message, product


def rows_in(*crates: Crate) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(BytesIO(crate.fields["parquet"])) for crate in crates])


def quarantined(crates: list[Crate]) -> list[dict[str, Any]]:
    found = [crate for crate in crates if crate.fields["pclass"] == "quarantined"]
    return rows_in(*found).to_dict("records") if found else []


def noise(length: int) -> str:
    return b64encode(random.Random(length).randbytes(length * 3 // 4)).decode()


def test_rows_are_packed_by_class_across_messages() -> None:
    messages = [message([product(1), product(2, pclass="trips")]), message([product(3)])]
    crates = {crate.fields["pclass"]: crate for crate in crates_of(messages)}
    assert {pclass: (crate.fields["rows"], crate.owners) for pclass, crate in crates.items()} == {
        "positions": (2, {0, 1}),
        "trips": (1, {0}),
    }
    assert list(rows_in(crates["positions"])["product_id"]) == [product(1)["product_id"], product(3)["product_id"]]
    assert "pclass" not in rows_in(crates["trips"])


def test_a_crate_tells_its_class_rows_size_and_range_of_event_time() -> None:
    [crate] = crates_of([message([product(2), product(0)])])
    fields = dict(crate.fields)
    assert fields.pop("parquet").startswith(b"PAR1")
    assert 100 < fields.pop("size") < 1_000
    assert crate.path == f"crates/{fields.pop('id')}"
    assert fields.pop("first_event_at") == START
    assert (fields.pop("last_event_at") - START).total_seconds() == 120
    assert fields == {"pclass": "positions", "rows": 2}


def test_the_same_products_are_the_same_crate_and_another_version_is_another() -> None:
    ids = [crates_of([message([product(1, version), product(2)])])[0].path for version in (1, 1, 0)]
    assert ids[0] == ids[1] != ids[2]


def test_messages_with_the_same_products_alone_share_their_crate() -> None:
    [crate] = crates_of([message([product(1)]), message([])])
    assert crate.owners == {0}


def test_a_single_row_without_a_list_is_taken() -> None:
    assert [crate.fields["rows"] for crate in crates_of([message(product(1))])] == [1]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b'"text"', "is not a row of a product"),
        (b"[[]]", "is not a row of a product"),
        (b"[null]", "is not a row of a product"),
        (b"{}", "pclass: is required"),
        (json.dumps([{**product(1), "pclass": "../up"}]).encode(), "pclass: '../up': must be"),
        (json.dumps([{**product(1), "pclass": "trips\n"}]).encode(), "pclass: 'trips\\n': must be"),
        (json.dumps([{**product(1), "product_id": 7}]).encode(), "product_id"),
        (json.dumps([{**product(1), "version": "1"}]).encode(), "version"),
        (json.dumps([{**product(1), "event_at": "2026-03-01T12:00:00"}]).encode(), "event_at"),
        (json.dumps([{**product(1), "event_at": "0001-01-01T00:00:00+05:00"}]).encode(), "out of range"),
    ],
)
def test_what_is_no_row_of_a_product_becomes_a_quarantined_one(
    data: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    [row] = quarantined(crates_of([message(data, "m-1")]))
    assert reason in row["reason"]
    assert (row["line"], row["message_id"], row["event_at"]) == ("transportation", "m-1", START)
    assert [(record.levelno, record.message_id) for record in caplog.records] == [(logging.ERROR, "m-1")]  # type: ignore[attr-defined]


def test_the_rest_of_its_list_goes_through() -> None:
    crates = crates_of([message([product(1), 7, product(2)])])
    assert len(rows_in(crates[0])) == 2
    assert [(row["position"], row["excerpt"]) for row in quarantined(crates)] == [(1, "7")]


def test_the_same_message_makes_the_same_quarantined_product() -> None:
    assert [crate.path for crate in crates_of([message(b"{")])] == [crate.path for crate in crates_of([message(b"{")])]


def test_crates_stay_below_their_limit_and_hold_every_row_once() -> None:
    rows = [product(number, note=noise(9_000 + number)) for number in range(400)]
    crates = crates_of([message(rows[:250]), message(rows[250:])])
    assert 4 <= len(crates) <= 8
    assert max(crate.bytes for crate in crates) <= MOST_CRATE_BYTES
    assert sorted(rows_in(*crates)["product_id"]) == sorted(row["product_id"] for row in rows)
    assert crates[0].owners == {0}


def test_the_largest_quarantined_row_fits_a_crate() -> None:
    payload = noise(256_000).encode()
    [crate] = crates_of([message(payload)])
    assert rows_in(crate)["payload_base64"][0] == b64encode(payload).decode()
    assert crate.bytes < MOST_CRATE_BYTES


def test_a_row_too_large_for_any_crate_is_quarantined_without_its_neighbours() -> None:
    crates = crates_of([message([product(1), product(2, note=noise(1_500_000)), product(3)])])
    assert sum(crate.fields["rows"] for crate in crates if crate.fields["pclass"] == "positions") == 2
    [row] = quarantined(crates)
    assert "a crate holds" in row["reason"]
    assert row["position"] == 1
