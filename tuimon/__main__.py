"""`python -m tuimon`."""

from tuimon.cli import program

program()
