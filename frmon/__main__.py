"""The entry point: `frmon` and `python -m frmon`. Before anything that takes time is imported, it is settled what a signal
does."""

from frmon import departure


def main() -> None:
    """Run the command line; ends the process."""
    departure.at_once()
    from frmon.cli import main as run

    run()


if __name__ == "__main__":
    main()
