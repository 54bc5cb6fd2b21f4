"""Run the command line: `python -m neuralearn`, the same as `neuralearn`."""

from neuralearn.cli.app import main

if __name__ == "__main__":
    main()
