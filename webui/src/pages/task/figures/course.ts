/** How durations and failures went: what the chart draws and what it says in words. Pure. */
import type { SeriesBucket } from '@/api/figures'
import { failureShare, figuresOf } from './days'

const HOUR = 3_600_000

export const STRETCHES = { day: 24 * HOUR, week: 7 * 24 * HOUR, month: 30 * 24 * HOUR, year: 365 * 24 * HOUR } as const
export type Stretch = keyof typeof STRETCHES

export function stretchOf(named: string): Stretch {
  return Object.hasOwn(STRETCHES, named) ? (named as Stretch) : 'month'
}

/** Short stretches are told by the hour. */
export function bucketOf(stretch: Stretch): 'hour' | 'day' {
  return stretch === 'day' || stretch === 'week' ? 'hour' : 'day'
}

/** The buckets that began since `from`, in epoch milliseconds. */
export function since(buckets: readonly SeriesBucket[], from: number): SeriesBucket[] {
  return buckets.filter(({ start }) => Date.parse(start) >= from)
}

/** The columns of the chart; times in epoch seconds, durations in seconds. */
export interface Columns {
  times: number[]
  p50: (number | null)[]
  p95: (number | null)[]
  failed: (number | null)[]
}

export function columnsOf(buckets: readonly SeriesBucket[]): Columns {
  return {
    times: buckets.map(({ start }) => Date.parse(start) / 1_000),
    p50: buckets.map(({ p50Seconds }) => p50Seconds),
    p95: buckets.map(({ p95Seconds }) => p95Seconds),
    failed: buckets.map(({ failed, timeout }) => failed + timeout || null),
  }
}

export interface Told {
  ran: number
  failed: number
  missed: number
  skipped: number
  /** Of 1. */
  successShare: number
  /** Seconds; null when nothing ran. */
  typical: number | null
  slowest: number | null
  delay: number | null
  /** Of the last quarter of the stretch against the time before, when they differ clearly. */
  trend: { direction: 'slower' | 'quicker'; before: number; lately: number } | null
}

/** What these buckets say. `from` and `to` are the bounds of their stretch in epoch milliseconds. */
export function tell(buckets: readonly SeriesBucket[], from: number, to: number): Told {
  const sum = { ran: 0, failed: 0, missed: 0, skipped: 0 }
  for (const bucket of buckets) {
    const { ran, failed, missed } = figuresOf(bucket)
    sum.ran += ran
    sum.failed += failed
    sum.missed += missed
    sum.skipped += bucket.skipped
  }
  const turn = to - (to - from) / 4
  const before = typicalOf(buckets.filter(({ start }) => Date.parse(start) < turn))
  const lately = typicalOf(buckets.filter(({ start }) => Date.parse(start) >= turn))
  return {
    ...sum,
    successShare: 1 - failureShare(sum),
    typical: typicalOf(buckets),
    slowest: greatest(buckets.map(({ maxSeconds }) => maxSeconds)),
    delay: greatest(buckets.map(({ startDelayP95Seconds }) => startDelayP95Seconds)),
    trend: trendOf(before, lately),
  }
}

/** A change of less than a third, or of less than 50 ms, is no news. */
function trendOf(before: number | null, lately: number | null): Told['trend'] {
  if (before === null || lately === null || Math.abs(lately - before) < 0.05) return null
  if (lately > before * 1.33) return { direction: 'slower', before, lately }
  if (lately < before * 0.67) return { direction: 'quicker', before, lately }
  return null
}

/** The duration in the middle, each bucket weighing as much as executions ran in it. */
function typicalOf(buckets: readonly SeriesBucket[]): number | null {
  const known = buckets.flatMap((bucket) => (bucket.p50Seconds === null ? [] : [{ p50: bucket.p50Seconds, weight: Math.max(1, figuresOf(bucket).ran) }])).sort((a, b) => a.p50 - b.p50)
  let left = known.reduce((sum, { weight }) => sum + weight, 0) / 2
  for (const { p50, weight } of known) {
    left -= weight
    if (left <= 0) return p50
  }
  return null
}

function greatest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value): value is number => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}
