"""`kseg analyze`: Popek and Goldberg's conditions, checked on a processor's instructions."""

import json
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kseg.cli import lazy_click as click
from kseg.cli.parameters import Name, profiles
from kseg.errors import KsegError

if TYPE_CHECKING:
    from kseg.analysis.analysis import Analysis
    from kseg.isa.profile import Profile

EPILOG = """
What the columns mean is in docs/virtualisability.md. Exit codes: 0 whatever the verdicts; 2 wrong
usage.
"""

WIDTH = 98
"""Of the lists under a table, in characters."""


@click.command(epilog=EPILOG)
@click.option(
    "--cpu", type=Name("P", profiles), help="Processor: r3000, mips161 or lsi (default: all three)."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "markdown", "json"]),
    default="table",
    help="table: verdicts and classes (default); markdown, json: with a witness for each.",
)
def analyze(cpu: str | None, format_: str) -> None:
    """Find the privileged and the sensitive instructions, and say whether the processor can be
    virtualised.

    Every instruction is executed from some states in kernel and in user mode, with coprocessor 0
    kept from user mode (CU0 clear) and granted to it (CU0 set). A few seconds.
    """
    from kseg.analysis.analysis import analyse

    analyses = [analyse(profile, cu0=cu0) for profile in _profiles(cpu) for cu0 in (False, True)]
    if format_ == "json":
        from kseg.analysis.summary import as_json

        click.echo(json.dumps(as_json(analyses), indent=1))
    elif format_ == "markdown":
        from kseg.analysis.markdown import document

        click.echo(document(analyses), nl=False)
    else:
        click.echo("\n".join(_lines(analyses)))


def _profiles(name: str | None) -> "list[Profile]":
    from kseg.isa.profile import PROFILES, profile_named

    if name is None:
        return [each for each in PROFILES.values() if not each.variant_of]
    try:
        return [profile_named(name)]
    except ValueError as error:
        raise KsegError(str(error)) from None


def _lines(analyses: "list[Analysis]") -> Iterator[str]:
    from kseg.analysis.summary import matrix, title
    from kseg.bench.report import table

    yield table(*matrix(analyses))
    for clear, granted in zip(analyses[::2], analyses[1::2], strict=True):
        yield from ("", title(clear), "")
        yield from _instructions(clear)
        yield ""
        yield from _changes(clear, granted)


def _instructions(analysis: "Analysis") -> Iterator[str]:
    from kseg.analysis.summary import COLUMNS, cells, plain, trapping
    from kseg.bench.report import table

    quiet = {*plain(analysis), *trapping(analysis)}
    rows = [
        [one.subject.name, *cells(one)]
        for one in analysis.instructions
        if one.subject.name not in quiet
    ]
    yield table(["instruction", *COLUMNS], rows)
    yield "* shown only through kseg0 or kseg1"
    yield _list("neither privileged nor sensitive:", plain(analysis))
    yield _list("traps in both modes:", trapping(analysis))
    for verdict in analysis.verdicts:
        yield _list(f"theorem {verdict.theorem}:", [verdict.because])


def _changes(clear: "Analysis", granted: "Analysis") -> Iterator[str]:
    """What is different with CU0 set."""
    from kseg.analysis.summary import COLUMNS, cells, changes, title
    from kseg.bench.report import table

    changed = changes(clear, granted)
    if not changed:
        yield f"{title(granted)}: the same"
        return
    yield f"{title(granted)}: no longer privileged are"
    yield ""
    yield table(
        ["instruction", *COLUMNS], [[name, *cells(granted.named(name))] for name in changed]
    )
    for verdict in granted.verdicts:
        yield _list(f"theorem {verdict.theorem}:", [verdict.because])


def _list(heading: str, names: list[str]) -> str:
    text = f"{heading} {', '.join(names) or 'none'}"
    return textwrap.fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
