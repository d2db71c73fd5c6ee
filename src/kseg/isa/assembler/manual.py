"""The reference page of the assembler, written from its tables.

``python -m kseg.isa.assembler.manual`` writes docs/assembler.md anew; a test fails when it is
stale.
"""

import textwrap
from collections.abc import Iterator
from pathlib import Path

from kseg.isa.aliases import ALIASES
from kseg.isa.assembler.directives import MANUAL, REFUSED
from kseg.isa.assembler.expression import RELOCATIONS, binding_strength
from kseg.isa.assembler.macros import LETTERS, MACROS, memory_macros
from kseg.isa.operands import LETTERS as DECLARED_LETTERS
from kseg.isa.operands import parse_syntax
from kseg.markdown import write_page

PAGE = Path("docs/assembler.md")
"""Where the page is kept, from the root of the repository."""

INTRODUCTION = """\
# The assembler

*Generated from `src/kseg/isa/assembler` by `python -m kseg.isa.assembler.manual`; do not edit.*

`kseg asm` takes the language of GNU as for a MIPS I processor (`-march=r3000 -G0`, without
position-independent code): hand-written programs, what `gcc -S -mno-abicalls -fno-pic` makes,
the `.S` files of OS/161, and what `kseg disasm` prints. What it accepts means what it means to GNU
as, word for word, or it is refused with a reason. `.S` files go through the C preprocessor first.

## What is different

* **Delay slots are yours.** A source begins as after `.set noreorder`, which GNU as has to be told:
  what stands behind a branch executes before the branch is taken. With `.set reorder`, or
  `--reorder`, delay slots are filled and nops put between a load and its use, around HI and LO, and
  behind `mtc0`, exactly as GNU as does it. Programs written for SPIM or MARS need `--reorder`. A
  note says so where a source does not say which it means and a label or a branch is in a slot.
* **Nothing is linked.** Every name must be defined in the source, but for those that `.weak` names.
  Sections lie behind one another from `--origin` on: code, constants (`.rodata`), data, small data,
  zeros. `_gp` is 0x7ff0 behind the beginning of the small data.
* **Registers need no dollar sign** (`a0`, `$a0`, `$4`), so labels cannot have their names, unless
  the source declares them (`.globl fp`). CP0 registers have names too: `c0_status`.
* **`div s, t`** and `divu s, t` with two operands are the machine's own instructions, as in the
  processor's manual, in SPIM and in MARS. GNU as takes them for `div s, s, t`.
* **A name that is defined later** may stand where GNU as wants a number (`li a0, later`); it
  takes the longest form.
* **Numbers must fit.** What GNU as cuts off with a warning (`.byte 256`, `addiu a0, a0, 40000`) is
  an error, and so are escapes that it does not know.
* **`.if` and `.rept`** need numbers that are known there; differences of labels are not.
* **`li` takes addresses**, too, all 32 bits of them.
* **A number as a branch target** is an address.
* Programs have at most 64 MiB; macros and repetitions make at most 262144 statements and nest 100
  deep.
"""

EXPRESSIONS = """\
## Expressions

Numbers are decimal, `0x…`, `0b…`, octal with a leading 0, or characters (`'a`, `'a'`, `'\\n'`). A
dot is the address of the statement, in lists of numbers of the element. `1f` and `1b` are the
next and the last label `1:`. {relocations} take parts of an address. `- + ~ !` before an operand
bind tightest; then, which is not as in C:

"""


def page() -> str:
    """The whole page, as Markdown."""
    return "\n".join([INTRODUCTION, _expressions(), *_directives(), *_instructions()])


def _expressions() -> str:
    names = ", ".join(f"`{name}(x)`" for name in RELOCATIONS)
    rows = [
        f"{place}. {' '.join(f'`{operator}`' for operator in operators)}\n"
        for place, operators in enumerate(binding_strength(), 1)
    ]
    text = EXPRESSIONS.format(relocations=names) + "".join(rows)
    return text + "\nA comparison that holds is -1. `>>` of a negative number is of 64 bits.\n"


def _directives() -> Iterator[str]:
    yield "## Directives\n"
    for title, directives in MANUAL.items():
        yield f"### {title}\n"
        yield "| Directive | | |\n| - | - | - |"
        for each in directives:
            names = " ".join(f"`{name}`" for name in each.names.split())
            arguments = f"`{each.arguments}`" if each.arguments else ""
            yield f"| {names} | {_cell(arguments)} | {_cell(each.meaning)} |"
        yield ""
    yield "### Refused\n"
    yield "| Directive | Why |\n| - | - |"
    for name, reason in REFUSED.items():
        yield f"| `{name}` | {_cell(reason)} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _instructions() -> Iterator[str]:
    yield "## Pseudo-instructions\n"
    yield _filled(
        "Beside the [instructions](instruction-set.md) of the processor. Of several lines for one "
        "name the first that fits is taken. `tt` is the register behind `t`; what is between `{` "
        "and `}` is left alone where delay slots are filled; `left`, `right`, `high` and `low` are "
        "0, 3, 0, 1 on a big-endian processor and 3, 0, 1, 0 on a little-endian one. What changes "
        "`at` is an error after `.set noat`. Where the last two operands of three are written, the "
        "first is the second, too (`addu a0, 5`)."
    )
    letters = {**{letter: DECLARED_LETTERS[letter] for letter in "dstiubjh"}, **LETTERS}
    yield "| Letter | |\n| - | - |"
    for letter, kind in letters.items():
        yield f"| `{letter}` | {kind.describes} |"
    yield "\n| Pseudo-instruction | Becomes |\n| - | - |"
    texts = [*ALIASES.items(), *MACROS, *memory_macros("lw", "t"), *memory_macros("sw", "t")]
    for text, meaning in texts:
        parse_syntax(text, extra=LETTERS)
        yield f"| `{text}` | `{_cell(meaning)}` |"
    yield "\nThe other loads and stores take addresses as `lw` and `sw` do.\n"


def _filled(text: str) -> str:
    return textwrap.fill(text, 98) + "\n"


def main() -> None:
    """Write the page."""
    write_page(PAGE, page())


if __name__ == "__main__":
    main()
