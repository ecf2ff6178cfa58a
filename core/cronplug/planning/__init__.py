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
from cronplug.planning.fire_times import (
    MAX_MISSED_ROWS,
    MAX_ROWS_PER_STEP,
    CatchUpPolicy,
    FirePlan,
    Outage,
    PlannedFire,
    plan_fire_times,
    plan_next_run_at,
)
from cronplug.planning.overlap import plan_overlap, settle_overlap

__all__ = [
    "MAX_CUT_OFFS",
    "MAX_MISSED_ROWS",
    "MAX_RETRY_DELAY_SECONDS",
    "MAX_ROWS_PER_STEP",
    "NO_RETRIES",
    "AfterAttempt",
    "AttemptFacts",
    "CatchUpPolicy",
    "FirePlan",
    "Outage",
    "PlannedFire",
    "RetryPolicy",
    "Verdict",
    "plan_after_attempt",
    "plan_fire_times",
    "plan_next_run_at",
    "plan_overlap",
    "retry_delay_seconds",
    "settle_overlap",
]
