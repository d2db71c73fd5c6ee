"""The generated parts of docs/virtualisability.md, from the analysis of every profile.

``python -m kseg.analysis.page`` writes them anew; a test fails when they are stale.
"""

from pathlib import Path

from kseg.analysis.analysis import analyse
from kseg.analysis.markdown import chapters, verdict_table
from kseg.isa.profile import PROFILES
from kseg.markdown import fill_page

PAGE = Path("docs/virtualisability.md")
"""Where the page is kept, from the root of the repository."""


def parts() -> dict[str, str]:
    """The parts by name, as Markdown. Takes some seconds."""
    several = [each for each in PROFILES.values() if not each.variant_of]
    analyses = [analyse(each, cu0=cu0) for each in several for cu0 in (False, True)]
    return {"verdicts": verdict_table(analyses), "profiles": chapters(analyses)}


if __name__ == "__main__":
    fill_page(PAGE, parts())
