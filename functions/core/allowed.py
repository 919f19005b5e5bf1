"""What a type allows, in words. msgspec speaks of Python's types; whoever sent an event thinks in JSON's."""

from msgspec import inspect

_WORDS = {
    inspect.BoolType: "true or false",
    inspect.DateTimeType: "an RFC 3339 time with its offset from UTC, such as 2025-01-06T08:00:00Z",
}


def allowed(kind: inspect.Type) -> str:
    """Reads on after "must be"; the description in a type's own Meta wins."""
    match kind:
        case inspect.Metadata():
            return (kind.extra_json_schema or {}).get("description") or allowed(kind.type)
        case inspect.UnionType():
            kinds = (one for one in kind.types if not isinstance(one, inspect.NoneType))
            return " or ".join(dict.fromkeys(allowed(one) for one in kinds))
        case inspect.LiteralType(values):
            return ("one of " if len(values) > 1 else "") + ", ".join(str(value) for value in values)
        case inspect.FloatType() | inspect.IntType():
            return ("a number" if isinstance(kind, inspect.FloatType) else "a whole number") + _range(kind)
        case inspect.StrType() | inspect.ListType() | inspect.VarTupleType() | inspect.TupleType():
            return _sized(kind)
        case _:
            return _WORDS.get(type(kind), "a JSON object")


def _range(kind: inspect.FloatType | inspect.IntType) -> str:
    if kind.ge is not None:
        return f" from {_figure(kind.ge)}" + (f" to {_figure(kind.le)}" if kind.le is not None else " on")
    bounds = {"above": kind.gt, "at most": kind.le, "below": kind.lt}
    said = " and ".join(f"{word} {_figure(bound)}" for word, bound in bounds.items() if bound is not None)
    return f" {said}" if said else ""


def _sized(kind: inspect.StrType | inspect.ListType | inspect.VarTupleType | inspect.TupleType) -> str:
    if isinstance(kind, inspect.TupleType):
        return f"a JSON list of {len(kind.item_types)} elements"
    thing, of = ("text", "characters") if isinstance(kind, inspect.StrType) else ("a JSON list", "elements")
    match kind.min_length, kind.max_length:
        case None, None:
            return thing
        case None, most:
            return f"{thing} of at most {most:,} {of}"
        case least, None:
            return f"{thing} of at least {least:,} {of}"
        case least, most:
            return f"{thing} of {least:,} to {most:,} {of}"


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:,}"
