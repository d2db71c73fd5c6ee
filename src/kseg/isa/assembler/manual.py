"""The generated parts of docs/assembler.md, from the assembler's tables.

``python -m kseg.isa.assembler.manual`` writes them anew; a test fails when they are stale.
"""

from collections.abc import Iterator
from pathlib import Path

from kseg.isa.aliases import ALIASES
from kseg.isa.assembler.directives import MANUAL, REFUSED
from kseg.isa.assembler.expression import binding_strength
from kseg.isa.assembler.macros import LETTERS, MACROS, memory_macros
from kseg.isa.operands import LETTERS as DECLARED_LETTERS
from kseg.isa.operands import parse_syntax
from kseg.markdown import fill_page, table

PAGE = Path("docs/assembler.md")
"""Where the page is kept, from the root of the repository."""


def parts() -> dict[str, str]:
    """The parts by name, as Markdown."""
    letters = {**{letter: DECLARED_LETTERS[letter] for letter in "dstiubjh"}, **LETTERS}
    texts = [*ALIASES.items(), *MACROS, *memory_macros("lw", "t"), *memory_macros("sw", "t")]
    for text, _ in texts:
        parse_syntax(text, extra=LETTERS)
    return {
        "operators": "".join(
            f"{place}. {' '.join(f'`{operator}`' for operator in operators)}\n"
            for place, operators in enumerate(binding_strength(), 1)
        ),
        "directives": "\n".join(_directives()),
        "letters": table(
            ["Letter", ""], ((f"`{letter}`", kind.describes) for letter, kind in letters.items())
        ),
        "pseudo-instructions": table(
            ["Pseudo-instruction", "Becomes"],
            ((f"`{text}`", f"`{meaning}`") for text, meaning in texts),
        ),
    }


def _directives() -> Iterator[str]:
    for title, directives in MANUAL.items():
        rows = []
        for each in directives:
            names = " ".join(f"`{name}`" for name in each.names.split())
            rows.append((names, f"`{each.arguments}`" if each.arguments else "", each.meaning))
        yield f"### {title}\n\n{table(['Directive', '', ''], rows)}"
    refused = ((f"`{name}`", reason) for name, reason in REFUSED.items())
    yield f"### Refused\n\n{table(['Directive', 'Why'], refused)}"


if __name__ == "__main__":
    fill_page(PAGE, parts())
