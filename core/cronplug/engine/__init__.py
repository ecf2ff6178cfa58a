"""The engine: what happens by itself.

An execution's life::

                    planner / trigger / invoke
                              |
             missed, skipped <-+-> queued <-----------------------+
                                    |  ^                           |
                              claim |  | retry later; cut off      |
                                    v  | (attempt not counted)     |
                                  running                          |
                                    |                              |
        success  failed  timed_out  cancelled  lost   (ended for good; a retry is a new execution)

* **Planned once.** A fire time becomes a row in the transaction that moves its task on (`planner`). The unique key
  `(task, fire time)` and the conditional move make a second row impossible, whoever races or dies.
* **Held back.** A run that waits for an earlier one of its task is `queued` and not to be claimed (`HELD`). When that one
  has ended it is released, one at a time (`releases`).
* **Claimed once.** A claim is a conditional update to `running` with this node's lease, durable before the start
  (`runner`). The end of an attempt is written only where execution, attempt and lease owner still match.
* **Cut off is not failed.** When a node dies its leases end; whoever is alive settles its executions (`rescue`): queued
  again without using up an attempt, or `lost` under `at_most_once` or after five cut-offs.
* **Steps and loops.** Every loop in `service` is a public step and a wait. Tests set the clock and call the steps.
"""

from cronplug.engine.definitions import Definitions
from cronplug.engine.housekeeping import Housekeeper
from cronplug.engine.nodes import Node
from cronplug.engine.output import OutputBook
from cronplug.engine.planner import Planner
from cronplug.engine.releases import Releaser
from cronplug.engine.rescue import Rescuer
from cronplug.engine.rollups import Roller
from cronplug.engine.runner import Executors, Runner
from cronplug.engine.service import Engine, Steps

__all__ = [
    "Definitions",
    "Engine",
    "Executors",
    "Housekeeper",
    "Node",
    "OutputBook",
    "Planner",
    "Releaser",
    "Rescuer",
    "Roller",
    "Runner",
    "Steps",
]
