"""Where the database is: the two forms of SCHEDULER_DATABASE_URL, and the folder of a SQLite file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from cronplug.errors import StoreError
from cronplug.store.statements import DialectName


@dataclass(frozen=True, slots=True)
class Address:
    """A database. `path` is the file of a SQLite one; `url` is as `databases` reads it."""

    dialect: DialectName
    url: str
    path: Path | None = None

    @property
    def file(self) -> Path:
        """The file of a SQLite database."""
        assert self.path is not None
        return self.path


def parse_address(url: str) -> Address:
    """Read `sqlite:///PATH` (taken literally, no `%` escapes) or `postgresql://...`. Raises StoreError."""
    scheme, separator, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    if separator and kind in ("postgresql", "postgres"):
        return Address("postgresql", f"postgresql://{rest}")
    if separator and kind == "sqlite" and rest.startswith("/") and len(rest) > 1:
        if ":memory:" in rest or "?" in rest:
            raise StoreError("SQLite needs a plain file: sqlite:////path/to/file.db")
        path = Path(rest[1:]).absolute()
        return Address("sqlite", f"sqlite:///{quote(str(path))}", path)
    raise StoreError(
        "The database must be named by sqlite:////path/to/file.db or postgresql://user:password@host/name."
    )


def prepare_folder(path: Path) -> None:
    """Make a SQLite file and its folder, and see that both can be written. Raises StoreError, which says what to do.

    A new file is its owner's alone, as it will hold secrets; SQLite makes those beside it alike.
    """
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The folder {folder} for the database cannot be made: {error.strerror or error}.") from error
    user = f"uid {os.geteuid()}" if hasattr(os, "geteuid") else "this user"
    # SQLite makes files beside the database, so the folder must be writable too.
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(
            f"{folder} is not writable by {user}: chown it to that user, or use another folder or a named volume."
        )
    if path.is_dir():
        raise StoreError(f"{path} is a folder; SCHEDULER_DATABASE_URL must name a file.")
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise StoreError(f"{path} is not writable by {user}: chown it to that user.")
    if not path.exists():
        make_private(path)


def make_private(path: Path) -> None:
    """Make an empty file that only its owner may read, unless there is a file. Raises StoreError."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror or error}.") from error
