"""State is declared once.

What changes in a machine is declared as structures: a device's `State`, a board's `BoardState`, the
table of a processor's fields. Saving, loading, digests, comparison and snapshot files go through
what is declared there, so that a field which is added is one line. It has a default, which is what
a state has that was saved before, and says `Since` which version of the state it is there: digests
that an earlier kseg wrote into a log are of the fields that there were then.
"""

import functools
from copy import copy
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

FIRST = 2
"""The oldest version of a state that can be read."""
NEWEST = 1 << 16
"""A version in which everything is."""


class Since(int):
    """In `Annotated[...]`: the version of the state in which a field came to be in digests. One
    more than that of the newest field around it."""


@functools.cache
def fields_since(kind: type[msgspec.Struct]) -> dict[str, int]:
    """The fields of a structure, in order, and since when each is there."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: _since(hints[name]) for name in kind.__struct_fields__}


def _since(hint: Any) -> int:
    notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return max((note for note in notes if isinstance(note, Since)), default=FIRST)


@functools.cache
def newest(kind: type[msgspec.Struct]) -> int:
    """The version of a structure, with all that is in it."""
    hints = get_type_hints(kind, include_extras=True)
    return max((_newest_in(hint) for hint in hints.values()), default=FIRST)


def _newest_in(hint: Any) -> int:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return newest(hint)
    inner = get_args(hint)
    if get_origin(hint) is Annotated:
        inner = inner[:1]
    return max(_since(hint), *(_newest_in(each) for each in inner), FIRST)


def as_of(value: Any, version: int) -> Any:
    """What a state was in a version, to be encoded: without the fields that are newer."""
    if isinstance(value, msgspec.Struct):
        if newest(type(value)) <= version:
            return value
        return {
            name: as_of(getattr(value, name), version)
            for name, since in fields_since(type(value)).items()
            if since <= version
        }
    if isinstance(value, dict):
        return {key: as_of(each, version) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_of(each, version) for each in value]
    return value


State = TypeVar("State", bound=msgspec.Struct)


def made_of(kind: type[State], source: Any, **others: Any) -> State:
    """A structure of a kind with the fields that `source` has, and others instead of some."""
    names = kind.__struct_fields__
    return kind(**{n: getattr(source, n) for n in names if n not in others} | others)


def copied(state: State) -> State:
    """The same, which goes on by itself."""
    found = copy(state)
    for name in _containers(type(state)):
        setattr(found, name, copied_value(getattr(found, name)))
    return found


@functools.cache
def _containers(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a structure whose values can change."""
    simple = (bool, int, str, bytes)
    if kind.__struct_config__.frozen:
        return ()
    return tuple(name for name, hint in get_type_hints(kind).items() if hint not in simple)


def copied_value(value: Any) -> Any:
    """The value of a field, which goes on by itself."""
    if isinstance(value, msgspec.Struct):
        return copied(value)
    if isinstance(value, list):
        return [copied_value(each) for each in value]
    return value
