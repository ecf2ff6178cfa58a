"""Pure decisions: which fire times become executions, what overlap does, what follows an attempt.

Facts and `now` go in, a decision comes out; nothing here asks the time, reads or writes. The words are those of
`cronplug.model`.
"""

from __future__ import annotations

from cronplug.planning.attempts import (
    MAX_CUT_OFFS,
    MAX_RETRY_DELAY_SECONDS,
    NO_RETRIES,
    AfterAttempt,
    AttemptFacts,
    RetryPolicy,
    Verdict,
    plan_after_attempt,
    retry_delay_seconds,
)
from cronplug.planning.bars import Bar, Barred, find_bars, missing_function_bar, rule_of
from cronplug.planning.fire_times import (
    MAX_MISSED_ROWS,
    MAX_ROWS_PER_STEP,
    CatchUpPolicy,
    FirePlan,
    Outage,
    PlannedFire,
    catch_up_policy,
    plan_enable_catch_up,
    plan_fire_times,
)
from cronplug.planning.next_run import (
    awaits_end,
    is_used_up,
    plan_after_end,
    plan_by_new_zone_data,
    plan_first_run_at,
)
from cronplug.planning.overlap import Settled, settle_overlap

__all__ = [
    "MAX_CUT_OFFS",
    "MAX_MISSED_ROWS",
    "MAX_RETRY_DELAY_SECONDS",
    "MAX_ROWS_PER_STEP",
    "NO_RETRIES",
    "AfterAttempt",
    "AttemptFacts",
    "Bar",
    "Barred",
    "CatchUpPolicy",
    "FirePlan",
    "Outage",
    "PlannedFire",
    "RetryPolicy",
    "Settled",
    "Verdict",
    "awaits_end",
    "catch_up_policy",
    "find_bars",
    "is_used_up",
    "missing_function_bar",
    "plan_after_attempt",
    "plan_after_end",
    "plan_by_new_zone_data",
    "plan_enable_catch_up",
    "plan_fire_times",
    "plan_first_run_at",
    "retry_delay_seconds",
    "rule_of",
    "settle_overlap",
]
