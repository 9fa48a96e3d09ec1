"""python -m normcli."""

from normcli.cli import main

if __name__ == "__main__":
    main()
