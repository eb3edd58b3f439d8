"""``python -m qdistill``: the command line."""

from qdistill.adapter.cli import main

if __name__ == "__main__":
    main()
