"""The random number card: one register of 32 random bits.

System/161 manual, "Random number generator". All cards and the timing jitter draw from the
machine's one generator, so reading perturbs timing, as in System/161.
"""

import msgspec

from kseg.devices.device import Device, Register
from kseg.engine.codegen.typed import u32
from kseg.machine.arguments import Argument, Arguments


class RandomOptions(msgspec.Struct, frozen=True):
    """`seed` None: ask the host, through the input port (autoseed)."""

    seed: int | None


class RandomSource(Device):
    """Draws two numbers for each word read."""

    name = "random"
    identity = 9
    revision = 1
    registers = (Register(0, "value", "32 random bits", access="r", read_has_side_effects=True),)
    arguments = (
        Argument("seed", "decimal", "of the generator", 0),
        Argument("autoseed", "flag", "another seed each time"),
    )

    @classmethod
    def parse_arguments(cls, arguments: Arguments) -> RandomOptions:
        given = arguments.read(cls.arguments)
        return RandomOptions(None if given["autoseed"] else given["seed"])

    def reset(self) -> None:
        super().reset()
        options: RandomOptions = self.options
        seed = options.seed
        if seed is None:
            seed = int.from_bytes(self.context.input_port.ask("seed", self._host_seed), "big")
        self.context.random.seed(seed)

    @staticmethod
    def _host_seed() -> bytes:
        import os

        return os.urandom(4)

    def read_value(self) -> u32:
        low = self.clock.random.next()
        high = self.clock.random.next()
        return u32(low ^ high << 16)

    def peek_value(self) -> int:
        return 0

    def describe(self) -> list[str]:
        return [
            f"System/161 random generator rev {self.revision}",
            "    (randomizer state not readily available)",
        ]
