"""cronplug's own upkeep as scheduled functions."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from cronplug import Context, function

MAX_DAYS = 3650


class CleanupLogs(BaseModel):
    """What to delete. Everything is optional; the retention settings are the defaults."""

    model_config = ConfigDict(extra="forbid")

    days: int | None = Field(
        None, ge=1, le=MAX_DAYS, description="Delete executions that ended more than this many days ago"
    )
    failedDays: int | None = Field(
        None, ge=1, le=MAX_DAYS, description="The same for failed ones; three times `days` when only that is given"
    )
    batchSize: int = Field(500, ge=1, le=5000, description="Executions deleted in one transaction")


@function("maintenance.cleanup-logs", isolation="inline", timeout=3600, title="Clean up old executions")
async def cleanup_logs(payload: CleanupLogs, ctx: Context) -> dict[str, Any]:
    """Delete old ended executions and their logs, in small batches. The newest execution of each task always stays."""
    failed_days = payload.failedDays
    if failed_days is None and payload.days is not None:
        failed_days = min(3 * payload.days, MAX_DAYS)
    ctx.log.info("deleting executions older than %s, failed ones older than %s", _age(payload.days), _age(failed_days))
    deleted = await ctx.platform.delete_ended_executions(
        success_older_than_days=payload.days, failed_older_than_days=failed_days, batch_size=payload.batchSize
    )
    summary = "Nothing was old enough to delete." if deleted == 0 else f"Deleted {_count(deleted)}."
    ctx.log.info(summary)
    return {"success": True, "message": summary, "deleted": deleted}


def _age(days: int | None) -> str:
    return "the retention setting" if days is None else f"{days} days"


def _count(executions: int) -> str:
    return "1 execution" if executions == 1 else f"{executions:,} executions"


class Optimize(BaseModel):
    """How far to go."""

    model_config = ConfigDict(extra="forbid")

    reclaim: bool = Field(
        False,
        description="SQLite: rewrite a file that cannot give free space back otherwise; writes wait meanwhile",
    )


@function("maintenance.optimize", isolation="inline", timeout=3600, title="Optimise the database")
async def optimize(payload: Optimize, ctx: Context) -> dict[str, Any]:
    """Refresh the database's statistics, and on SQLite give space that is free back to the disk."""
    done = await ctx.platform.optimize(reclaim=payload.reclaim)
    gained = done.bytes_before - done.bytes_after
    summary = f"The database has {_size(done.bytes_after)}"
    summary += f", {_size(gained)} less than before." if gained > 0 else "."
    ctx.log.info(summary)
    if done.free_bytes:
        ctx.log.info("%s of it are free; `reclaim` gives them back to the disk", _size(done.free_bytes))
    return {
        "success": True,
        "message": summary,
        "database": done.database,
        "bytesBefore": done.bytes_before,
        "bytesAfter": done.bytes_after,
        "freeBytes": done.free_bytes,
    }


class Backup(BaseModel):
    """Where the backup goes, and how many stay."""

    model_config = ConfigDict(extra="forbid")

    folder: str = Field(
        "", max_length=1000, description="Folder below SCHEDULER_BACKUP_DIR; empty means that folder itself"
    )
    keep: int = Field(7, ge=1, le=1000, description="How many backups stay in the folder; older ones are removed")


@function("maintenance.backup", isolation="inline", timeout=3600, title="Back up the database")
async def backup(payload: Backup, ctx: Context) -> dict[str, Any]:
    """Copy the SQLite database while it is used, check the copy, then remove the oldest ones. PostgreSQL has pg_dump."""
    made = await ctx.platform.backup(folder=payload.folder, keep=payload.keep, report=ctx.progress)
    summary = f"Backed up {_size(made.bytes)} to {made.path}."
    ctx.log.info(summary)
    for name in made.removed:
        ctx.log.info("removed %s", name)
    return {
        "success": True,
        "message": summary,
        "path": made.path,
        "bytes": made.bytes,
        "removed": list(made.removed),
    }


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"


class Heartbeat(BaseModel):
    """Whom to tell."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(
        None,
        max_length=2000,
        pattern=r"^https?://",
        description="Address of a dead man's switch that is asked with GET; it raises the alarm when no more come",
    )


@function("maintenance.heartbeat", timeout=30)
async def heartbeat(payload: Heartbeat, ctx: Context) -> dict[str, Any]:
    """Prove that schedules fire and workers run, also to a dead man's switch elsewhere."""
    now = datetime.now(UTC)
    late = (now - ctx.scheduled_for).total_seconds()
    ctx.log.info("alive, %.3f s after the fire time", late)
    told = {} if payload.url is None else {"status": await _tell(payload.url, ctx)}
    return told | {
        "alive": True,
        "at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "secondsAfterFireTime": round(late, 3),
        "host": platform.node(),
        "pid": os.getpid(),
        "python": platform.python_version(),
    }


async def _tell(url: str, ctx: Context) -> int:
    """Ask `url` and give the status; the body does not matter. Raises RuntimeError unless it is 2xx."""
    async with ctx.http.stream("GET", url, follow_redirects=True) as answer:
        host, status = answer.url.host, answer.status_code
        if not answer.is_success:
            raise RuntimeError(f"{host} answered {status} to the heartbeat")
        ctx.log.info("told %s", host)
        return status
