"""Which engine is taken: by its name, or the fastest that this host has."""

from collections.abc import Callable

import pytest

from kseg import Machine
from kseg import engine as engines
from kseg.engine import AUTOMATIC, CHOICES, ENGINES, Engine, ProcessorState, create
from kseg.engine.contract import EngineStatistics
from kseg.engine.interpreter import engine as interpreter
from kseg.engine.interpreter import image
from kseg.engine.translator import arena
from kseg.errors import ConfigurationError, EngineError
from kseg.memory.physical import PhysicalMemory
from kseg.platform.code import NativeCodeError


def made(name: str) -> Engine:
    return create(name, "mips161", "big", PhysicalMemory(1 << 16), [ProcessorState()])


def refuse(*_arguments: object) -> None:
    raise NativeCodeError("this system lets no memory be made executable (errno 13)")


@pytest.mark.parametrize("name", ENGINES)
def test_engines_are_called_what_they_are(name: str) -> None:
    engine = made(name)
    assert engine.name == engine.statistics.name == name
    engine.close()


def test_the_fastest_is_the_default() -> None:
    engine = made(AUTOMATIC)
    assert engine.statistics.name == ENGINES[0] == "translator"
    engine.close()
    with Machine("cms", "halt") as machine:
        assert machine.engine.name == "translator"


@pytest.mark.parametrize("name", [AUTOMATIC, "translator"])
def test_without_memory_for_translations_the_guest_is_interpreted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arena, "CodeMemory", refuse)
    memory, state = PhysicalMemory(1 << 16), ProcessorState()
    memory.write(0, (0x08000000).to_bytes(4, "big"))  # j to itself
    state.reset(status=0, pc=0x80000000)
    state.enabled = 1
    engine = create(name, "mips161", "big", memory, [state])
    with pytest.warns(RuntimeWarning, match="executable.*; the guest is interpreted"):
        engine.run(35_000_000)
    engine.run(5_000_000)
    assert engine.clock == 40_000_000
    assert engine.statistics == EngineStatistics("interpreter")
    engine.close()


def refuse_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "MappedCode", refuse)


def lose_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def compiling(*_names: str) -> None:
        raise ModuleNotFoundError("No module named 'llvmlite'")

    monkeypatch.setattr(image, "load", compiling)


@pytest.mark.parametrize(
    ("lose", "said"),
    [(refuse_memory, "executable"), (lose_the_compiler, "No module named 'llvmlite'")],
)
@pytest.mark.parametrize("name", ["translator", "interpreter"])
def test_what_a_host_lacks_is_said_with_what_to_do(
    name: str,
    lose: Callable[[pytest.MonkeyPatch], None],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lose(monkeypatch)
    with pytest.raises(EngineError, match=f"{said}.* reference can do without"):
        made(name)
    assert made("reference").name == "reference"
    with pytest.raises(EngineError):
        Machine("cms", engine=name)


@pytest.mark.parametrize(
    ("lose", "said"),
    [(refuse_memory, "executable"), (lose_the_compiler, "No module named 'llvmlite'")],
)
def test_without_native_code_the_reference_is_the_fastest(
    lose: Callable[[pytest.MonkeyPatch], None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(monkeypatch)
    engines._warn.cache_clear()
    with pytest.warns(RuntimeWarning, match=f"{said}.*: engine reference runs the guest, slowly"):
        engine = made(AUTOMATIC)
    assert engine.name == "reference"
    assert made(AUTOMATIC).name == "reference"  # and no second warning, which would be an error


def test_an_unknown_name_is_answered_with_all_there_are() -> None:
    with pytest.raises(ValueError, match=", ".join(CHOICES)):
        made("steam")
    with pytest.raises(ConfigurationError, match=", ".join(CHOICES)):
        Machine("cms", engine="steam")
