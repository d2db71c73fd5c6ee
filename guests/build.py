"""Build the MIPS code that kseg brings along: the guests cms and racelab, the benchmark programs.

python guests/build.py            write src/kseg/images
python guests/build.py --check    compare a fresh build with what is there
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmark_images import benchmark_images
from cms_images import cms_images
from racelab_images import racelab_images
from toolchain import BuildError

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "src" / "kseg" / "images"


def build() -> dict[str, bytes]:
    """Build everything from the sources: the contents of each image by its path in IMAGES."""
    images = {}
    for make in (cms_images, racelab_images, benchmark_images):
        with tempfile.TemporaryDirectory(prefix="kseg-guests-") as work:
            images |= make(Path(work))
    return images


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    try:
        images = build()
    except BuildError as error:
        print(f"guests/build.py: {error}", file=sys.stderr)
        return 1
    stale = 0
    for name, contents in images.items():
        path = IMAGES / name
        same = path.exists() and path.read_bytes() == contents
        if check:
            print(f"{path.relative_to(ROOT)}: {'as built' if same else 'STALE'}")
            stale += not same
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents)
            print(f"{path.relative_to(ROOT)}: {len(contents)} bytes")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
