"""`python -m muslin` is the command `muslin`."""

from muslin.cli.main import main

if __name__ == "__main__":
    main()
