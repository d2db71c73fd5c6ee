"""`python -m kseg` is the command `kseg`."""

from kseg.cli import main

main()
