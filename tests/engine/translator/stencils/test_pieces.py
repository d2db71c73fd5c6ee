"""Every instruction has its stencils, and they are of the right shape."""

import random

import pytest

from kseg.engine.interpreter.handlers import operations
from kseg.engine.interpreter.layout import STATE_OFFSETS
from kseg.engine.translator.effects import effects
from kseg.engine.translator.offsets import register_offset
from kseg.engine.translator.stencils import image
from kseg.engine.translator.stencils.operations import example, needs_stencil
from kseg.engine.translator.stencils.pieces import UNCHANGED, NoStencil, Pieces
from kseg.engine.translator.stencils.stencil import StencilImage
from kseg.isa.instruction_set import instruction_set
from tests.engine.random_programs import random_word
from tests.engine.translator import assembly as a
from tests.engine.translator.stencils.stencil_queue import loaded
from tests.engine.translator.test_lockstep import KINDS

PC = 0x80001000


def image_of(profile: str, byte_order: str) -> StencilImage:
    """The stencils; skips the test on hosts that have none."""
    loaded(profile, byte_order)
    found = image.load(profile, byte_order)
    assert found is not None
    return found


def pieces_of(profile: str, byte_order: str) -> Pieces:
    """The pieces of a profile and byte order."""
    return Pieces(image_of(profile, byte_order), instruction_set(profile))


@pytest.mark.parametrize(("profile", "byte_order"), KINDS)
def test_every_operation_has_a_family_or_needs_none(profile: str, byte_order: str) -> None:
    families = image_of(profile, byte_order).families
    instructions = instruction_set(profile)
    for operation in operations(instructions):
        needed = needs_stencil(example(operation, instructions.profile))
        assert (operation.name in families) == needed, operation.name


@pytest.mark.parametrize(("profile", "byte_order"), KINDS)
def test_every_word_that_is_not_hard_has_a_piece(profile: str, byte_order: str) -> None:
    pieces, instructions = pieces_of(profile, byte_order), instruction_set(profile)
    rng = random.Random(profile)
    for _ in range(5000):
        word = random_word(rng, instructions)
        does = effects(profile, PC, word)
        if not does.is_hard and (needs_stencil(does) or does.is_constant):
            pending = rng.randrange(32) if instructions.profile.load_delay else 0
            piece = pieces.piece(word, does, rng.randrange(32), pending)
            assert {name for _, name, _ in piece.distances} <= {"leave", "taken"}
            assert piece.accumulator == UNCHANGED or piece.accumulator in {0, *does.writes}


def test_what_has_none_is_refused() -> None:
    pieces = pieces_of("mips161", "big")
    with pytest.raises(NoStencil):
        pieces.piece(a.SYSCALL, effects("mips161", PC, a.SYSCALL), 0, 0)


def test_stencils_go_on_behind_their_end() -> None:
    """No jump of one byte's distance leads out, and nothing refers to `next`."""
    for name, stencil in image_of("mips161", "big").stencils.items():
        places = [*stencil.holes, *stencil.distances]
        assert all(0 <= offset <= len(stencil.code) - 4 for offset, _, _ in places), name
        assert not any(hole == "next" for _, hole, _ in places), name


def test_nothing_is_done_for_a_nop() -> None:
    pieces = pieces_of("mips161", "big")
    assert pieces.piece(a.NOP, effects("mips161", PC, a.NOP), 5, 0).code == b""


def test_constants_are_written_at_once() -> None:
    """lui, and what register 0 makes a constant of."""
    pieces = pieces_of("mips161", "big")
    for word, value in (
        (a.lui(a.V0, 0x1234), 0x12340000),
        (a.addiu(a.V0, a.ZERO, -5), 0xFFFFFFFB),
    ):
        piece = pieces.piece(word, effects("mips161", PC, word), 0, 0)
        assert piece.code == pieces.constant(a.V0, value)
        assert piece.accumulator == a.V0


def test_the_accumulator_saves_a_load() -> None:
    pieces = pieces_of("mips161", "big")
    word = a.addu(a.V0, a.A0, a.A1)
    does = effects("mips161", PC, word)
    plain = pieces.piece(word, does, 0, 0)
    shorter = pieces.piece(word, does, a.A1, 0)
    assert len(shorter.code) < len(plain.code)
    assert register_offset(a.A1).to_bytes(4, "little") not in shorter.code
    assert plain.accumulator == shorter.accumulator == a.V0


def test_writes_to_register_0_do_no_harm() -> None:
    pieces = pieces_of("mips161", "big")
    word = a.lw(a.ZERO, 4, a.A0)
    piece = pieces.piece(word, effects("mips161", PC, word), 0, 0)
    assert STATE_OFFSETS["discard"].to_bytes(4, "little") in piece.code
    assert piece.accumulator == 0
