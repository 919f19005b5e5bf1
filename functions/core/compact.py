"""Numbers in little room: most that vehicles send have few decimals, and a memory holds dozens of each.

MessagePack takes 9 bytes for any float, but 5 or fewer for an integer below 2^32.
"""

Packed = int | float
"""An integer counts 1e-7 of the unit; a float is the number itself."""
PARTS = 1e7


def packed(number: float) -> Packed:
    """The number in parts where that loses nothing, else as it is. For numbers below 1e9."""
    parts = round(number * PARTS)
    return parts if parts / PARTS == number else number


def unpacked(number: Packed) -> float:
    return number / PARTS if type(number) is int else float(number)
