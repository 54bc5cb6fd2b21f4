"""The files of a request in the only directory that a child may use for it.

Source: https://docs.kernel.org/userspace-api/landlock.html: a process that is confined can't be given other files.
"""

import shutil
from pathlib import Path


class Visit:
    """One request's files in a room: copies of those it reads, and what it writes until that is taken home."""

    def __init__(self, folder: Path) -> None:
        """Hold them in a folder, which is created."""
        self._folder = folder
        self._folder.mkdir()
        self._homes: dict[Path, Path] = {}
        """Each folder here, by the folder elsewhere that it stands for."""
        self._written: set[Path] = set()
        """The folders elsewhere that may be written in."""
        self._brought: dict[Path, int] = {}
        """When each copy was last written, in nanoseconds."""

    def bring(self, path: Path) -> Path:
        """Return the path here of a file or directory elsewhere, whose content is copied if it exists."""
        if path.is_dir():
            self._written.add(path)
            here = self._here(path)
            for file in path.iterdir():
                self._copy(file, here / file.name)
            return here
        target = self._here(path.parent) / path.name
        if path.exists():
            self._copy(path, target)
        else:
            self._written.add(path.parent)
        return target

    def take_home(self) -> None:
        """Move the files that were written here to where they belong, and remove the others.

        Links and directories are left: a child that was taken over could point them at anything.
        """
        for home in self._written:
            for file in self._here(home).iterdir():
                is_plain = file.is_file() and not file.is_symlink()
                if is_plain and file.stat().st_mtime_ns != self._brought.get(file):
                    shutil.move(file, home / file.name)
        shutil.rmtree(self._folder)

    def _here(self, home: Path) -> Path:
        if home not in self._homes:
            self._homes[home] = self._folder / str(len(self._homes))
            self._homes[home].mkdir()
        return self._homes[home]

    def _copy(self, file: Path, target: Path) -> None:
        if file.is_file() and target not in self._brought:
            shutil.copyfile(file, target)
            self._brought[target] = target.stat().st_mtime_ns
