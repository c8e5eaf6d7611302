"""`python -m frmon`."""

from frmon.cli import main

main()
