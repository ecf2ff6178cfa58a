import type { ExecutionStatus } from '@/api/types'
import { toneOf, type Tone } from './status'

export interface PulseResult {
  status: ExecutionStatus
  startedAt?: string | null
  finishedAt?: string | null
}

export interface PulseBar {
  tone: Tone
  /** Left edge, in bar slots from the right end of the strip being full. */
  slot: number
  /** 0 to 1. */
  height: number
}

const SHORTEST = 0.22

/**
 * Bars for the newest `slots` results, given oldest first. Height is duration on a square-root scale against the longest, so
 * that a slow one stands out while quick ones stay visible; what never started is a stub.
 */
export function pulseBars(results: readonly PulseResult[], slots: number, now: number): PulseBar[] {
  const shown = results.slice(-slots)
  const spans = shown.map((result) => span(result, now))
  const longest = Math.max(1, ...spans.map((value) => value ?? 0))
  const offset = slots - shown.length
  return shown.map((result, index) => {
    const value = spans[index] ?? null
    const height = value === null ? SHORTEST : SHORTEST + (1 - SHORTEST) * Math.sqrt(value / longest)
    return { tone: toneOf(result.status), slot: offset + index, height }
  })
}

/** One SVG path for all bars of a tone: a few elements per strip instead of one per bar. */
export function pulsePaths(bars: readonly PulseBar[], width: number, gap: number, tall: number): Partial<Record<Tone, string>> {
  const paths: Partial<Record<Tone, string>> = {}
  for (const bar of bars) {
    const height = Math.max(2, Math.round(bar.height * tall * 2) / 2)
    const left = bar.slot * (width + gap)
    paths[bar.tone] = `${paths[bar.tone] ?? ''}M${left} ${tall - height}h${width}v${height}h-${width}z`
  }
  return paths
}

/** How many results there are of each status, the most first. */
export function countStatuses(results: readonly PulseResult[]): [ExecutionStatus, number][] {
  const counts = new Map<ExecutionStatus, number>()
  for (const { status } of results) counts.set(status, (counts.get(status) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])
}

/** The median duration of what has started and ended, in milliseconds; null when nothing has. */
export function medianDuration(results: readonly PulseResult[]): number | null {
  const spans = results
    .flatMap(({ startedAt, finishedAt }) => (startedAt && finishedAt ? [Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt))] : []))
    .sort((a, b) => a - b)
  return spans[Math.floor(spans.length / 2)] ?? null
}

function span({ startedAt, finishedAt }: PulseResult, now: number): number | null {
  if (!startedAt) return null
  return Math.max(0, (finishedAt ? Date.parse(finishedAt) : now) - Date.parse(startedAt))
}
