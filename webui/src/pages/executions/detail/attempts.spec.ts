import { describe, expect, it } from 'vitest'
import type { Attempt } from '@/api/types'
import { timeSegments } from './attempts'

const at = (seconds: number) => new Date(seconds * 1_000).toISOString()
const attempt = (number: number, from: number, to: number | null, status: Attempt['status']): Attempt => ({
  attempt: number,
  startedAt: at(from),
  finishedAt: to === null ? null : at(to),
  status,
  reason: null,
  errorMessage: status === 'failed' ? 'no answer' : null,
  worker: null,
  counted: true,
})

describe('timeSegments', () => {
  it('shows wait, attempts and the pause between them, in shares of the whole', () => {
    const segments = timeSegments(
      { status: 'success', queuedAt: at(0), finishedAt: at(100), attempts: [attempt(1, 10, 30, 'failed'), attempt(2, 60, 100, 'success')] },
      0,
    )
    expect(segments.map(({ kind, number, millis }) => [kind, number, millis])).toEqual([
      ['wait', 0, 10_000],
      ['attempt', 1, 20_000],
      ['backoff', 1, 30_000],
      ['attempt', 2, 40_000],
    ])
    expect(segments.map(({ share }) => share)).toEqual([0.1, 0.2, 0.3, 0.4])
    expect(segments[1]?.errorMessage).toBe('no answer')
  })

  it('what runs lasts until now', () => {
    const segments = timeSegments({ status: 'running', queuedAt: at(0), finishedAt: null, attempts: [attempt(1, 0, null, 'running')] }, 5_000)
    expect(segments).toMatchObject([{ kind: 'attempt', to: null, millis: 5_000, share: 1 }])
  })

  it('a queued one waits, before its first attempt and between two', () => {
    expect(timeSegments({ status: 'queued', queuedAt: at(0), finishedAt: null, attempts: [] }, 2_000)).toMatchObject([{ kind: 'wait', to: null, millis: 2_000 }])
    const between = timeSegments({ status: 'queued', queuedAt: at(0), finishedAt: null, attempts: [attempt(1, 0, 4, 'failed')] }, 10_000)
    expect(between.map(({ kind, millis }) => [kind, millis])).toEqual([['attempt', 4_000], ['backoff', 6_000]])
  })

  it('one cancelled before it began only waited', () => {
    expect(timeSegments({ status: 'cancelled', queuedAt: at(0), finishedAt: at(9), attempts: [] }, 0)).toMatchObject([{ kind: 'wait', to: 9_000, millis: 9_000 }])
  })

  it('a moment is still seen beside an hour', () => {
    const segments = timeSegments({ status: 'success', queuedAt: at(0), finishedAt: at(3_601), attempts: [attempt(1, 1, 3_601, 'success')] }, 0)
    expect(segments[0]!.share).toBeGreaterThan(0.01)
    expect(segments.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
  })

  it('what was skipped took no time', () => {
    expect(timeSegments({ status: 'skipped', queuedAt: at(0), finishedAt: at(0), attempts: [] }, 0)).toEqual([])
  })
})
