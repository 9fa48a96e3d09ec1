"""python -m normcli, and the command normcli."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line."""
    # Imports make many objects that stay; to look through them for cycles takes a while.
    gc.set_threshold(100_000, 20, 20)
    from normcli.cli import main as run

    run()


if __name__ == "__main__":
    main()
