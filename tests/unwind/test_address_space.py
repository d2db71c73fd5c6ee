from pathlib import Path

from kseg import Machine
from kseg.isa import registers as r
from kseg.unwind.address_space import address_space
from tests.unwind.programs import SPINNING, boot


def test_windows_and_entries(tmp_path: Path) -> None:
    with boot(tmp_path, SPINNING) as machine:
        state = machine.processors[0].state
        everything = r.ENTRY_LO_V | r.ENTRY_LO_D
        for number, (page, asid, low) in enumerate(
            [
                (0x00401000, 3, 0x8000 | everything),
                (0x00400000, 3, 0x7000 | everything),
                (0x00402000, 3, 0x9000 | r.ENTRY_LO_V),
                (0x00403000, 4, 0xA000 | everything),
                (0xC0000000, 9, 0xB000 | everything | r.ENTRY_LO_G | r.ENTRY_LO_N),
                (0x00500000, 3, 0),
            ]
        ):
            state.tlb_entry_hi[number], state.tlb_entry_lo[number] = page | asid << 6, low
        state.entry_hi = 3 << 6
        found = machine.address_space()
        assert found.asid == 3
        mapped = {(each.first, each.size): each for each in found if each.entries}
        assert len(mapped) == 5
        both = mapped[0x00400000, 0x2000]
        assert (both.entries, both.physical, both.flags, both.asid) == ((1, 0), 0x7000, "VD--", 3)
        assert mapped[0x00402000, 0x1000].flags == "V---"
        assert mapped[0x00403000, 0x1000].asid == 4
        assert mapped[0xC0000000, 0x1000].flags == "VDNG"
        assert mapped[0x00500000, 0x1000].flags == "----"
        windows = [each for each in found if not each.entries]
        assert [f"{each.first:08x}" for each in windows] == [
            "80000000", "9fc00000", "9fe00000", "a0000000", "bfc00000", "bfe00000",
        ]  # fmt: skip
        text = repr(found)
        assert "ASID 3 is current" in text
        assert "00400000-00401fff       8K 00007000    3  VD--  TLB 0, 1" in text
        assert "80000000-803fffff    4096K 00000000       VD-G  kseg0: ram" in text


def test_of_a_processor_after_reset(tmp_path: Path) -> None:
    with boot(tmp_path, SPINNING, cpus=2) as machine:
        assert all(not each.entries for each in address_space(machine, 1))


def test_what_it_says_is_what_memory_says() -> None:
    with Machine("cms", "hog") as machine:
        machine.run(seconds=0.3)
        memory = machine.memory.virtual()
        space = machine.address_space()
        pages = [each for each in space if each.valid and each.asid in (None, space.asid)]
        assert any(each.entries for each in pages)
        for each in pages:
            assert memory.physical(each.first) == each.physical
            assert memory.physical(each.last) == each.physical + each.size - 1
