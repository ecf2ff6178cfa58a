import type { QueryKey } from '@tanstack/vue-query'
import type { ChangeEvent } from '@/api/events'
import { keys } from '@/api/keys'

/** What of the query cache a change makes stale. Events carry ids only, so lists are refetched rather than patched. */
export function staleKeys(event: ChangeEvent): QueryKey[] {
  switch (event.kind) {
    case 'task':
      return [keys.taskLists(), keys.task(event.id), keys.stats()]
    case 'execution':
      // The event does not name the task: every open task page shows executions.
      return [keys.execution(event.id), keys.executionLists(), keys.taskLists(), keys.allTaskDetails(), keys.stats()]
    case 'plugin':
      return [keys.plugins(), keys.functions(), keys.taskLists()]
    case 'stats':
      return event.id === 'pause' ? [keys.stats(), keys.pause(), keys.tasks()] : [keys.stats()]
    case 'calendar':
      return [keys.calendars(), keys.tasks()]
    case 'log':
      return []
  }
}

/**
 * Collects keys and hands each distinct one on once: at once when it was quiet, then at most every `everyMillis`.
 * A thousand executions a second thus cost one refetch a second.
 */
export function collectKeys(flush: (keys: QueryKey[]) => void, everyMillis = 1_000) {
  const waiting = new Map<string, QueryKey>()
  let timer: ReturnType<typeof setTimeout> | null = null
  const run = () => {
    if (waiting.size === 0) {
      timer = null
      return
    }
    const due = [...waiting.values()]
    waiting.clear()
    timer = setTimeout(run, everyMillis)
    flush(due)
  }
  return (added: QueryKey[]) => {
    for (const key of added) waiting.set(JSON.stringify(key), key)
    if (timer === null && waiting.size > 0) timer = setTimeout(run, 50)
  }
}
