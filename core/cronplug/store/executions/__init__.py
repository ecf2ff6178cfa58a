"""Executions and their attempts. Every change of state is one conditional statement, and RETURNING tells who won.

The life of one: `creation`, then `claims`, `progress`, `ends`; `stopping` cuts it short, `turns` lets those wait that
come after it. `reading` looks, `retention` deletes. `rows` is what all of them share.
"""

from __future__ import annotations

from cronplug.store.executions.claims import claim_executions, expire_leases_of_others, renew_leases, select_expired
from cronplug.store.executions.creation import insert_executions
from cronplug.store.executions.ends import Finish, finish_executions, settle_cut_off
from cronplug.store.executions.progress import RunningUpdate, update_running
from cronplug.store.executions.reading import (
    ExecutionFilter,
    ShortResult,
    count_executions,
    lock_running_of_task,
    select_attempts,
    select_execution,
    select_executions,
    select_next_available_at,
    select_recent_by_task,
    select_short_results,
    select_unfinished,
)
from cronplug.store.executions.retention import delete_ended
from cronplug.store.executions.stopping import Replaced, cancel_queued_of_task, replace_unfinished, request_cancel
from cronplug.store.executions.turns import holds_any, release_all_held, release_held, select_next_turns

__all__ = [
    "ExecutionFilter",
    "Finish",
    "Replaced",
    "RunningUpdate",
    "ShortResult",
    "cancel_queued_of_task",
    "claim_executions",
    "count_executions",
    "delete_ended",
    "expire_leases_of_others",
    "finish_executions",
    "holds_any",
    "insert_executions",
    "lock_running_of_task",
    "release_all_held",
    "release_held",
    "renew_leases",
    "replace_unfinished",
    "request_cancel",
    "select_attempts",
    "select_execution",
    "select_executions",
    "select_expired",
    "select_next_available_at",
    "select_next_turns",
    "select_recent_by_task",
    "select_short_results",
    "select_unfinished",
    "settle_cut_off",
    "update_running",
]
