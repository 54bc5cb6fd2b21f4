"""What tests look for in a directory of temporary folders."""

from pathlib import Path


def folders_in_use(directory: Path) -> list[str]:
    """Return the temporary folders of work in progress; the rooms of waiting children, which are empty, are none."""
    folders = directory.glob("neuralearn-*")
    return [folder.name for folder in folders if "-room-" not in folder.name or any(folder.iterdir())]
