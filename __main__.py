"""``python -m fractour`` is the ``fractour`` command."""

from .eval.cli import main

if __name__ == "__main__":
    main()
