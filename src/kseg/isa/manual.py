"""The generated parts of docs/instruction-set.md, from the declarations.

``python -m kseg.isa.manual`` writes them anew; a test fails when they are stale.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import msgspec

from kseg.isa import cp0, instructions
from kseg.isa.aliases import ALIASES
from kseg.isa.exceptions import MNEMONICS, ExceptionCode
from kseg.isa.instruction import DECLARED, Instruction
from kseg.isa.operands import LETTERS
from kseg.isa.pattern import Pattern
from kseg.isa.profile import PROFILES, Profile
from kseg.isa.traps import access, traps
from kseg.markdown import fill_page, table

PAGE = Path("docs/instruction-set.md")
"""Where the page is kept, from the root of the repository."""

ORDER = ("arithmetic", "logic", "shift", "multiply", "load_store", "branch", "system")
"""The chapters, by module of `kseg.isa.instructions`; others follow."""

TITLES = {
    "arithmetic": "Arithmetic",
    "logic": "Logic",
    "shift": "Shifts",
    "multiply": "Multiplication and division",
    "load_store": "Loads and stores",
    "branch": "Jumps and branches",
    "system": "System",
    "coprocessor": "Coprocessors",
    "floating_point": "The floating-point unit: moves and branches",
    "floating_arithmetic": "The floating-point unit: arithmetic",
    "mips161": "Extras of mips161",
}


SHOWN = {name: each for name, each in PROFILES.items() if not each.variant_of or each.load_delay}
"""Profiles that are told apart here: those that wait for loads have the instructions of others."""


def parts() -> dict[str, str]:
    """The parts by name, as Markdown."""
    return {
        "overview": _overview(),
        "letters": _letters(),
        "instructions": "\n".join(_chapter(name, module) for name, module in _chapters()),
        "pseudo-instructions": _aliases(),
        "exceptions": _exceptions(),
        "control-registers": _control_registers(),
        "profiles": _profiles(),
    }


# Instructions.


def _chapters() -> Iterator[tuple[str, ModuleType]]:
    rest = [name for name in instructions.__all__ if name not in ORDER]
    for name in (*ORDER, *rest):
        yield name, getattr(instructions, name)


def _declared_in(module: ModuleType) -> list[Instruction]:
    return [declared for declared in DECLARED if declared.meaning.__module__ == module.__name__]


def _overview() -> str:
    """All mnemonics, by chapter."""
    lines = []
    for name, module in _chapters():
        links = [f"[{declared.name}](#{_anchor(declared)})" for declared in _declared_in(module)]
        text = f"* {TITLES[name]}: {' '.join(links)}"
        lines.append(textwrap.fill(text, 98, subsequent_indent="  ", break_on_hyphens=False))
    return "\n".join(lines) + "\n"


def _anchor(declared: Instruction) -> str:
    """The name that Markdown processors give the instruction's heading."""
    kept = (letter for letter in declared.syntax.lower() if letter.isalnum() or letter in " -_")
    return "".join(kept).replace(" ", "-")


def _letters() -> str:
    letters = {letter: kind.describes for letter, kind in LETTERS.items()}
    letters["c"] = "code for software, left out if 0"
    rows = [(f"`{letter}`", text) for letter, text in letters.items()]
    rows += [
        ("`#t`", "field t as a plain number"),
        ("`$t`, `$ft`", "field t as a register of a coprocessor, of the floating-point unit"),
    ]
    return table(["Letter", "Stands for"], rows)


def _chapter(name: str, module: ModuleType) -> str:
    entries = [_entry(declared) for declared in _declared_in(module)]
    introduction = inspect.getdoc(module) or ""
    return "\n".join([f"## {TITLES[name]}\n\n{introduction}\n", *entries])


def _entry(declared: Instruction) -> str:
    lines = [f"### {declared.syntax}", "", f"    {_spaced(declared.pattern)}", ""]
    lines += [declared.documentation, ""]
    notes = []
    having = [name for name, profile_ in SHOWN.items() if declared.exists_in(profile_)]
    if len(having) < len(SHOWN):
        notes.append(f"*Only in* {_listed(having)}.")
    if found := _traps(declared):
        notes.append(f"*Traps:* {', '.join(found)}.")
    for name, patterns in declared.also.items():
        texts = ", ".join(f"`{_spaced(pattern)}`" for pattern in patterns)
        notes.append(f"*On {name} also:* {texts}.")
    if notes:
        lines += ["  \n".join(notes), ""]
    return "\n".join(lines)


def _spaced(pattern: Pattern) -> str:
    """A pattern as declared, with single blanks."""
    return " ".join(pattern.text.split())


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _traps(declared: Instruction) -> list[str]:
    """Short names of exceptions, with the profiles where not all with the instruction have it."""
    having = [profile_ for profile_ in SHOWN.values() if declared.exists_in(profile_)]
    by_profile = {profile_.name: traps(declared, profile_) for profile_ in having}
    found = []
    for code in ExceptionCode:
        names = [name for name, codes in by_profile.items() if code in codes]
        is_tlb = ExceptionCode.TLB_MODIFIED <= code <= ExceptionCode.TLB_STORE
        expected = [profile_.name for profile_ in having if profile_.has_tlb or not is_tlb]
        if names:
            where = "" if names == expected else f" ({_listed(names)})"
            found.append(MNEMONICS[code] + where)
    return found


def _aliases() -> str:
    rows = [(f"`{text}`", f"`{meaning}`") for text, meaning in ALIASES.items()]
    return table(["Pseudo-instruction", "Stands for"], rows)


# The privileged half.


def _exceptions() -> str:
    rows = [
        (str(int(code)), MNEMONICS[code], code.name.lower().replace("_", " ").replace("tlb", "TLB"))
        for code in ExceptionCode
    ]
    return table(["ExcCode", "", "Exception"], rows)


def _control_registers() -> str:
    found: dict[tuple[int, int, str, str], list[str]] = {}
    for profile_name, profile_ in SHOWN.items():
        for (number, select), register in cp0.REGISTERS[profile_.family].items():
            key = number, select, f"c0_{register.name}", access(register, profile_)
            found.setdefault(key, []).append(profile_name)
    rows = []
    for (number, select, name, can), names in sorted(found.items()):
        where = "all" if len(names) == len(SHOWN) else _listed(names)
        rows.append((f"${number}, {select}" if select else f"${number}", name, can, where))
    return table(["Register", "Name", "Access", "Profiles"], rows)


def _profiles() -> str:
    """What differs, from the fields of `Profile` and the texts under them."""
    texts = _attribute_texts(Profile)
    rows = []
    for field in msgspec.structs.fields(Profile):
        if field.name in ("name", "summary", "variant_of"):
            continue
        cells = [_shown(getattr(profile_, field.name)) for profile_ in PROFILES.values()]
        if len(set(cells)) > 1:
            rows.append([texts.get(field.name) or _spoken(field.name), *cells])
    summaries = "".join(f"* `{name}`: {p.summary}.\n" for name, p in PROFILES.items())
    return f"{summaries}\n{table(['Difference', *PROFILES], rows)}"


def _attribute_texts(class_: type) -> dict[str, str]:
    """The string under each attribute of a class, on one line."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(class_))).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for attribute, text in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name):
            match text:
                case ast.Expr(ast.Constant(str(words))):
                    found[attribute.target.id] = " ".join(words.split()).rstrip(".")
    return found


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _shown(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return hex(value)
        case tuple():
            return ", ".join(str(part) for part in value) or "none"
        case _ if callable(value):
            return (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ").rstrip(".")
        case _:
            return str(value)


if __name__ == "__main__":
    fill_page(PAGE, parts())
