"""The pictures of the README, made by kseg: `python docs/pictures/make.py` makes them anew.

`tests/test_pictures.py` says when they no longer show what kseg does. Times differ from run to run;
of the comparison only what does not depend on them is compared.
"""

import html
import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from kseg import Machine

FOLDER = Path(__file__).parent
SESSION = FOLDER / "session.svg"
COMPARISON = FOLDER / "compare.svg"

TYPED = ("help primes", "primes 10", "ps", "fault", "halt")
COMPARED = ("cms-kuseg", "syscalls; halt")
COLUMNS = 72

FRAME = """\
<svg viewBox="0 0 {terminal_width} {terminal_height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>A session with cms under kseg</title>
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, monospace; }}
{styles}
</style>
<defs>{lines}</defs>
<rect fill="#191919" width="{terminal_width}" height="{terminal_height}" rx="8"/>
<g transform="translate(14, 8)" class="{unique_id}-matrix">{backgrounds}{matrix}</g>
</svg>
"""
"""Rich's own frame fetches a font from elsewhere and draws buttons that do nothing."""


def session() -> str:
    """What a terminal shows of a session with cms."""
    with Machine("cms", epoch=0) as machine:
        for line in TYPED:
            machine.console.expect("cms> ")
            machine.console.sendline(line)
        machine.run()
        shown = machine.console.output.replace("\r", "")
    return f"$ kseg run cms\n{shown}".rstrip("\n")


def picture(text: str) -> str:
    """An SVG of a terminal with this text; what the user typed stands out."""
    console = Console(
        record=True,
        width=COLUMNS,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    shown = Text(text)
    for match in re.finditer(r"(?m)^(?:\$|cms>) (.*)$", text):
        shown.stylize("bold bright_white", *match.span(1))
    console.print(shown, "", sep="\n")  # the frame is lower than its margins
    return console.export_svg(theme=DIMMED_MONOKAI, code_format=FRAME, unique_id="kseg")


def comparison() -> str:
    """The bar chart that `kseg compare` makes."""
    words = [sys.executable, "-m", "kseg", "compare", "--format", "svg", "--limit", "60", *COMPARED]
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    ).stdout


def texts(svg: str) -> list[str]:
    """The texts in a picture, in order."""
    return [
        html.unescape(text).replace("\xa0", " ") for text in re.findall(r"<text[^>]*>([^<]*)<", svg)
    ]


if __name__ == "__main__":
    SESSION.write_text(picture(session()), encoding="utf-8")
    COMPARISON.write_text(comparison(), encoding="utf-8")
