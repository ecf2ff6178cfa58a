import type { Execution } from '@/api/types'

/** Which sentence tells why an execution is as it is: a key under `executions.reason`, and what the sentence names. */
export interface ReasonSentence {
  key: string
  /** The instant that the sentence names as `{time}`, if it names one. */
  at: string | null
}

type Facts = Pick<Execution, 'status' | 'reason' | 'availableAt' | 'cancelRequested' | 'waitReason'>

/** `now` in epoch milliseconds. */
export function reasonSentence({ status, reason, availableAt, cancelRequested, waitReason }: Facts, now: number): ReasonSentence {
  if (status === 'running') return { key: cancelRequested ? 'cancelRequested' : 'running', at: null }
  if (status === 'queued') {
    // It has no time: it starts when the one before it has ended.
    if (waitReason === 'earlier_execution' || availableAt === null) return { key: 'held', at: null }
    if (waitReason === 'start_delayed') return { key: 'spread', at: availableAt }
    const later = Date.parse(availableAt) > now
    if (reason === 'retrying') return later ? { key: 'retrying', at: availableAt } : { key: 'retryingNow', at: null }
    if (reason === 'cut_off' || reason === 'shutdown') return { key: 'cutOffQueued', at: null }
    return later ? { key: 'waiting', at: availableAt } : { key: 'new', at: null }
  }
  return { key: reason ?? 'completed', at: null }
}
