import type { ExecutionQuery, ExecutionStatus, ExecutionTrigger } from '@/api/types'

/** What of the address decides which executions are listed. Every part is text; empty means any. */
export interface FilterState {
  /** Statuses with commas between them. */
  status: string
  task: string
  function: string
  trigger: string
  /** A span back from now (`hour`, `day`, `week`, `month`), or `custom` with `from` and `to`. */
  time: string
  from: string
  to: string
}

export const NO_FILTERS: Readonly<Record<keyof FilterState, string>> = { status: '', task: '', function: '', trigger: '', time: '', from: '', to: '' }

export const STATUSES = ['queued', 'running', 'success', 'failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed'] as const satisfies readonly ExecutionStatus[]
export const TRIGGERS = ['schedule', 'manual', 'catch_up', 'api', 'retry'] as const satisfies readonly ExecutionTrigger[]
export const PROBLEMS = ['failed', 'timed_out', 'lost', 'missed'] as const satisfies readonly ExecutionStatus[]
export const UNFINISHED = ['queued', 'running'] as const satisfies readonly ExecutionStatus[]

const HOUR = 3_600_000
export const SPANS = { hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR, month: 30 * 24 * HOUR } as const
export type Span = keyof typeof SPANS

/** The known statuses of the address, each once, in their usual order. */
export function parseStatuses(text: string): ExecutionStatus[] {
  const named = new Set(text.split(','))
  return STATUSES.filter((status) => named.has(status))
}

/** What the server is asked for. Spans count back from `now`, in epoch milliseconds. */
export function queryOf(filters: FilterState, now: number): ExecutionQuery {
  const query: ExecutionQuery = {}
  if (filters.task) query.taskId = filters.task
  if (filters.function) query.functionName = filters.function
  const trigger = TRIGGERS.find((known) => known === filters.trigger)
  if (trigger) query.trigger = trigger
  if (Object.hasOwn(SPANS, filters.time)) query.from = new Date(now - SPANS[filters.time as Span]).toISOString()
  else if (filters.time === 'custom') {
    const from = instantOf(filters.from)
    const to = instantOf(filters.to)
    if (from) query.from = from
    if (to) query.to = to
  }
  const statuses = parseStatuses(filters.status)
  if (statuses.length > 0 && statuses.length < STATUSES.length) query.status = statuses.join(',')
  return query
}

/** Whether anything is filtered. */
export function isFiltered(filters: FilterState): boolean {
  return Object.values(filters).some((value) => value !== '')
}

function instantOf(text: string): string | null {
  const instant = Date.parse(text)
  return Number.isNaN(instant) ? null : new Date(instant).toISOString()
}
