import type { Attempt, Execution, ExecutionStatus } from '@/api/types'

/** A stretch of an execution's time: waiting for its start, one attempt, or the pause before the next. */
export interface TimeSegment {
  kind: 'wait' | 'attempt' | 'backoff'
  /** Of an attempt its number, of a pause that of the attempt before it. */
  number: number
  from: number
  /** null while it lasts. */
  to: number | null
  millis: number
  /** Share of the bar, 0 to 1; none is too thin to be seen. */
  share: number
  status: ExecutionStatus | null
  reason: Attempt['reason']
  errorMessage: string | null
  worker: string | null
  /** false: it was cut off and used up no retry. */
  counted: boolean
}

type Facts = Pick<Execution, 'status' | 'queuedAt' | 'finishedAt'> & { attempts: readonly Attempt[] }

/** Waits below this are no news. */
const SHORTEST_WAIT_MILLIS = 5
const THINNEST = 0.012

/** Where the time of an execution went, in order. Empty for one that never waited nor ran (skipped, missed). */
export function timeSegments(execution: Facts, now: number): TimeSegment[] {
  if (execution.status === 'skipped' || execution.status === 'missed') return []
  const segments: Omit<TimeSegment, 'share'>[] = []
  const add = (kind: TimeSegment['kind'], number: number, from: number, to: number | null, attempt: Attempt | null) => {
    const millis = Math.max(0, (to ?? now) - from)
    if (kind !== 'attempt' && to !== null && millis < SHORTEST_WAIT_MILLIS) return
    segments.push({
      kind,
      number,
      from,
      to,
      millis,
      status: attempt?.status ?? null,
      reason: attempt?.reason ?? null,
      errorMessage: attempt?.errorMessage ?? null,
      worker: attempt?.worker ?? null,
      counted: attempt?.counted ?? true,
    })
  }

  const end = execution.finishedAt === null ? null : Date.parse(execution.finishedAt)
  let before: { number: number; at: number } | null = { number: 0, at: Date.parse(execution.queuedAt) }
  for (const attempt of execution.attempts) {
    const started = Date.parse(attempt.startedAt)
    const ended = attempt.finishedAt === null ? null : Date.parse(attempt.finishedAt)
    if (before) add(before.number === 0 ? 'wait' : 'backoff', before.number, before.at, started, null)
    add('attempt', attempt.attempt, started, ended, attempt)
    before = ended === null ? null : { number: attempt.attempt, at: ended }
  }
  // What comes after the last attempt is a pause only while another one will follow, or was to follow when it was cancelled.
  if (before && (end === null || end - before.at >= SHORTEST_WAIT_MILLIS)) add(before.number === 0 ? 'wait' : 'backoff', before.number, before.at, end, null)
  return withShares(segments)
}

function withShares(segments: readonly Omit<TimeSegment, 'share'>[]): TimeSegment[] {
  const whole = segments.reduce((sum, segment) => sum + segment.millis, 0)
  const raw = segments.map((segment) => Math.max(THINNEST, whole === 0 ? 1 : segment.millis / whole))
  const sum = raw.reduce((total, share) => total + share, 0)
  return segments.map((segment, index) => ({ ...segment, share: (raw[index] ?? 0) / sum }))
}
