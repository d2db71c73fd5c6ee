"""Devices of users' own: names, slots, and what is wrong with them."""

from typing import Any

import pytest

import kseg.boards.system161.cards  # noqa: F401 - which takes names, too
from kseg.devices import Device, Register, register
from kseg.devices.registry import DEVICES
from kseg.devices.timer import Timer
from kseg.errors import ConfigurationError
from tests.machine.boards import configure


class Lamp(Device):
    name = "lamp"
    identity = 98
    revision = 1
    registers = (Register(0, "light", "1 is on"),)


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kseg.devices.registry.DEVICES", DEVICES)
    for name in [name for name, kind in DEVICES.items() if kind is Lamp]:
        monkeypatch.delitem(DEVICES, name)


def test_a_class_is_known_by_its_name() -> None:
    assert register(Lamp) is register(Lamp) is DEVICES["lamp"]
    del DEVICES["lamp"]


@pytest.mark.parametrize("name", ["", "two words", "a#b", "timer", "busctl"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^device .*(one word|is taken)"):
        register(type("Other", (Lamp,), {"name": name}))


def test_cards_come_into_their_slots() -> None:
    machine = configure(devices={7: Lamp, 9: "nic hwaddr=3"})
    assert [slot.line() for slot in machine.slots][-2:] == ["7 lamp", "9 nic hwaddr=3"]
    del DEVICES["lamp"]


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        ([Timer], "devices .*: give a dictionary"),
        ({"5": Timer}, "devices: slot '5': give a whole number from 0 to 30"),
        ({31: "mainboard ramsize=1M"}, "devices: slot 31: give a whole number from 0 to 30"),
        ({5: int}, "devices: slot 5: .*: give a class of devices or a text"),
        ({5: ""}, "devices: expected a device name after slot 5"),
        ({5: "lump"}, "devices: no such device 'lump'"),
        ({5: "nic"}, "devices: nic: hwaddr= is missing"),
        ({29: Timer}, "devices: slot 29 is already in use by timer; take another"),
    ],
)
def test_what_is_wrong_is_said(devices: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        configure(devices=devices)
