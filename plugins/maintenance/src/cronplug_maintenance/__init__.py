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


@function("maintenance.heartbeat", timeout=30)
async def heartbeat(ctx: Context) -> dict[str, Any]:
    """Prove that schedules fire and workers run."""
    now = datetime.now(UTC)
    late = (now - ctx.scheduled_for).total_seconds()
    ctx.log.info("alive, %.3f s after the fire time", late)
    return {
        "alive": True,
        "at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "secondsAfterFireTime": round(late, 3),
        "host": platform.node(),
        "pid": os.getpid(),
        "python": platform.python_version(),
    }
