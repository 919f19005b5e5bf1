"""Goods that must not be used while the vehicle that holds them has an open excursion: derived when somebody asks."""

from collections.abc import Mapping
from typing import Any

from functions.core.row import Row


def withheld(stock: Mapping[str, Any], cold_chain: Mapping[str, Any]) -> list[Row]:
    """What a vehicle holds, by its inventory worker's face, while its temperature worker's shows an open excursion.

    Each with its quantity, since when, and the excursions; nothing when none is open. Which probe watches which goods
    is not known, so all of them are withheld.
    """
    excursions = cold_chain.get("excursions") or []
    if not excursions:
        return []
    since = min(excursion["started_at"] for excursion in excursions)
    return [
        {
            "sku": sku,
            "quantity": level["quantity"],
            "unit": level["unit"],
            "since": since,
            "excursions": [f"{excursion['probe']}: {excursion['kind']}" for excursion in excursions],
        }
        for sku, level in (stock.get("stock") or {}).items()
        if level["quantity"] > 0
    ]
