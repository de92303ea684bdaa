"""`python -m xlbuild`."""

from xlbuild.cli import main

main()
