"""One process per SQLite file: at start the others' executions are taken over, so there must be no others."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from cronplug.errors import StoreError, StoreLocked
from cronplug.store.address import parse_address, prepare_folder


@contextlib.contextmanager
def database_lock(url: str) -> Iterator[None]:
    """Hold the database for this process; nothing to do on PostgreSQL. Raises StoreLocked, StoreError.

    The lock is the operating system's, on a file beside the database: it ends with the process, however that ends, and
    is not inherited by programs it starts.
    """
    address = parse_address(url)
    if address.dialect != "sqlite":
        yield
        return
    prepare_folder(address.file)
    lock = address.file.with_name(f"{address.file.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{lock} cannot be opened: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            raise StoreLocked(
                f"{address.file} is in use by another cronplug (process {holder}); stop that one, "
                "or give this one its own SCHEDULER_DATA_DIR."
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
