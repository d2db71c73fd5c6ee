"""Debug information entries and types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.symbols import debug_info
from kseg.symbols.types import Types
from tests.symbols.dwarf import TypeWriter, uleb

STRUCTURES = {
    "node": (12, [("next", 0, "node*"), ("self", 4, "thing*"), ("name", 8, "char*")]),
    "thing": (
        100,
        [
            ("label", 0, "char[64]"),
            ("state", 64, "enum:IDLE,BUSY"),
            ("link", 68, "node"),
            ("flag", 80, "bool"),
            ("count", 84, "typedef:u32"),
        ],
    ),
}
FUNCTIONS = {"take": (0x80001000, [("thing", "thing*"), ("how", "u32")])}
NAMES = ("info", "abbrev", "str", "line_str", "str_offsets", "addr")


def types_of(sections: dict[str, bytes]) -> Types:
    return Types({f".debug_{n}": sections.get(f".debug_{n}", b"") for n in NAMES}, "big")


@pytest.fixture(name="sections", scope="module")
def fixture_sections() -> dict[str, bytes]:
    return TypeWriter(STRUCTURES, FUNCTIONS).sections()


def test_members_of_structures(sections: dict[str, bytes]) -> None:
    types = types_of(sections)
    assert types.damage == ""
    thing = types.structure("thing")
    assert thing is not None
    assert thing.size == 100
    assert [(m.name, m.offset, m.type.kind, m.type.size) for m in thing.members] == [
        ("label", 0, "array", 64),
        ("state", 64, "enum", 4),
        ("link", 68, "struct", 12),
        ("flag", 80, "base", 1),
        ("count", 84, "base", 4),
    ]
    assert types.enumeration(thing.member("state").type) == {0: "IDLE", 1: "BUSY"}
    assert thing.has("label", "flag")
    assert not thing.has("label", "none")
    with pytest.raises(KeyError):
        thing.offset("none")
    node = types.structure("node")
    assert node is not None
    assert types.target(node.member("self").type).name == "thing"
    assert types.target(node.member("name").type).name == "char"
    assert types.structure("none") is None


def test_parameters_of_functions(sections: dict[str, bytes]) -> None:
    types = types_of(sections)
    (first, type_), (second, _) = types.parameters(0x80001000)
    assert (first, second) == ("thing", "how")
    assert types.target(type_).name == "thing"
    assert types.parameters(0x80001004) == []


def test_without_debug_information() -> None:
    types = types_of({})
    assert types.structure("thing") is None
    assert types.damage == ""


@given(st.data())
def test_damaged_information_gives_less(data: st.DataObject) -> None:
    sections = TypeWriter(STRUCTURES, FUNCTIONS).sections()
    for name in (".debug_info", ".debug_abbrev"):
        contents = bytearray(sections[name])
        for _ in range(data.draw(st.integers(0, 4))):
            contents[data.draw(st.integers(0, len(contents) - 1))] = data.draw(st.integers(0, 255))
        sections[name] = bytes(contents[: data.draw(st.integers(0, len(contents)))])
    types = types_of(sections)
    for name in ("thing", "node"):
        structure = types.structure(name)
        for member in () if structure is None else structure.members:
            types.target(member.type)
            types.enumeration(member.type)
    types.parameters(0x80001000)


def test_attributes_without_bytes_do_not_cost_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debug_info, "MOST_ATTRIBUTES", 1000)
    flags = (uleb(0x3C) + uleb(0x19)) * 300  # Each is present, and takes no byte.
    abbreviations = b"\1" + uleb(0x11) + b"\0" + flags + b"\0\0\0"
    contents = b"\0\4\0\0\0\0\4" + b"\1" * 100_000
    sections = {
        ".debug_info": len(contents).to_bytes(4, "big") + contents,
        ".debug_abbrev": abbreviations,
    }
    assert types_of(sections).damage == "more debug information than any program has"


def test_members_that_double_again_and_again() -> None:
    # Each structure has the next one in it, twice and without a name.
    structures: dict[str, tuple[int, list[tuple[str, int, str]]]] = {
        f"s{n}": (8, [("", 0, f"s{n + 1}"), ("", 4, f"s{n + 1}")]) for n in range(25)
    }
    structures["s25"] = (4, [("end", 0, "u32")])
    made = types_of(TypeWriter(structures, {}).sections()).structure("s0")
    assert made is not None
    assert len(made.members) < 2000


def test_types_that_are_each_other(sections: dict[str, bytes]) -> None:
    # A typedef that refers to itself.
    info = sections[".debug_info"]
    place = info.index(b"\x0cother_t\0")
    twisted = bytearray(info)
    twisted[place + 9 : place + 13] = place.to_bytes(4, "big")
    thing = types_of({**sections, ".debug_info": bytes(twisted)}).structure("thing")
    assert thing is not None
    assert thing.member("count").type.kind == ""
