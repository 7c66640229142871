"""Runs the `shorty` command as `python -m shorty`."""

from shorty.cli import main

if __name__ == "__main__":
    main()
