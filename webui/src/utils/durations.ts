import type { RecentResult } from '@/api/types'

export interface DurationSummary {
  /** Milliseconds in the middle of all. */
  typical: number
  slowest: number
}

/** How long the ended ones of these results took; null when none did any work. */
export function summariseDurations(results: readonly RecentResult[]): DurationSummary | null {
  const spans = results
    .filter((result) => result.startedAt !== null && result.finishedAt !== null && result.status === 'success')
    .map((result) => Math.max(0, Date.parse(result.finishedAt ?? '') - Date.parse(result.startedAt ?? '')))
    .sort((a, b) => a - b)
  const typical = spans[Math.floor((spans.length - 1) / 2)]
  const slowest = spans.at(-1)
  return typical === undefined || slowest === undefined ? null : { typical, slowest }
}
