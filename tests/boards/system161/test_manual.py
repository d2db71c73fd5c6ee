"""The reference page of the machine is up to date and complete."""

from pathlib import Path

from kseg.boards.system161.address_map import BUS_BASE, SLOT_SIZE
from kseg.boards.system161.cards import CARDS
from kseg.boards.system161.mainboard import PROCESSOR_MEMORY, PROCESSORS, REGION_SIZE
from kseg.boards.system161.manual import PAGE, parts
from kseg.devices.device import BUFFER
from kseg.markdown import filled

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_is_not_stale() -> None:
    kept = (ROOT / PAGE).read_text(encoding="utf-8")
    assert kept == filled(kept, parts()), "run: python -m kseg.boards.system161.manual"
    bus = kept.partition("## The bus")[2].partition("<!--")[0]
    assert f"`{BUS_BASE:08x}` | slot 0; {SLOT_SIZE:#x} bytes" in bus
    assert f"`0x{BUS_BASE | 0xA0000000:08x} + s * {SLOT_SIZE:#x}`" in bus
    assert all(f"{each:#x}" in bus for each in (BUFFER, REGION_SIZE, PROCESSORS, PROCESSOR_MEMORY))


def test_every_register_and_argument_says_what_it_is() -> None:
    text = "".join(parts().values())
    for kind in CARDS.values():
        for declared in (*kind.registers, *kind.arguments, *kind.buffers):
            assert declared.meaning
            assert declared.meaning in text
