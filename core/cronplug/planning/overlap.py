"""What overlap does at a fire time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cronplug.model import Overlap, Reason, Status, Trigger
from cronplug.planning.fire_times import PlannedFire


def plan_overlap(overlap: Overlap, *, unfinished: bool, trigger: Trigger = Trigger.SCHEDULE) -> Status:
    """QUEUED or SKIPPED for a fire time, where `unfinished` says that an earlier execution of the task is not ended.

    Only trigger `schedule` is ever skipped: what is caught up or asked for is meant to run.

    >>> plan_overlap(Overlap.SKIP, unfinished=True).value
    'skipped'
    """
    skips = overlap is Overlap.SKIP and unfinished and trigger is Trigger.SCHEDULE
    return Status.SKIPPED if skips else Status.QUEUED


def settle_overlap(fires: Sequence[PlannedFire], *, overlap: Overlap, unfinished: bool) -> tuple[PlannedFire, ...]:
    """Apply `plan_overlap` to a plan in order: each queued one is unfinished for those after it."""
    settled = []
    for fire in fires:
        if fire.status is Status.QUEUED:
            if plan_overlap(overlap, unfinished=unfinished, trigger=fire.trigger) is Status.SKIPPED:
                sentence = "An earlier execution of this task was not finished, and overlap is skip."
                fire = replace(fire, status=Status.SKIPPED, reason=Reason.OVERLAP, sentence=sentence)
            else:
                unfinished = True
        settled.append(fire)
    return tuple(settled)
