import pytest

from kseg.devices.random import RandomSource
from kseg.errors import BusError
from kseg.machine.random_generator import RandomGenerator
from tests.devices.testbed import Bench


def test_a_word_is_two_numbers_of_the_machine_s_generator() -> None:
    bench, generator = Bench(RandomSource, "seed=12345"), RandomGenerator(12345)
    for _ in range(5):
        first, second = generator.next(), generator.next()
        assert bench.read(0) == (first ^ second << 16) & 0xFFFFFFFF


def test_autoseed_asks_the_outside() -> None:
    assert Bench(RandomSource, "autoseed").read(0) != Bench(RandomSource, "autoseed").read(0)


def test_it_cannot_be_written() -> None:
    bench = Bench(RandomSource)
    with pytest.raises(BusError):
        bench.write(0, 1)
    with pytest.raises(BusError):
        bench.read(4)
