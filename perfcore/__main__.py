"""``python -m perfcore``."""

from perfcore.cli import main

if __name__ == "__main__":
    main()
