"""Lets `python -m shorty` stand for the `shorty` command."""

from shorty.cli import main

if __name__ == "__main__":
    main()
