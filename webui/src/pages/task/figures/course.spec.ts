import { describe, expect, it } from 'vitest'
import type { SeriesBucket } from '@/api/figures'
import { bucketOf, columnsOf, since, stretchOf, tell } from './course'

const DAY = 86_400_000
const FROM = Date.parse('2026-11-01T00:00:00Z')
function bucket(day: number, facts: Partial<SeriesBucket> = {}): SeriesBucket {
  return { start: new Date(FROM + day * DAY).toISOString(), date: null, success: 10, failed: 0, timeout: 0, cancelled: 0, skipped: 0, missed: 0, p50Seconds: 1, p95Seconds: 2, maxSeconds: 3, startDelayP95Seconds: 0.1, ...facts }
}

describe('tell', () => {
  it('sums what ran and what did not', () => {
    const told = tell([bucket(0, { failed: 1, timeout: 1, missed: 2, skipped: 3 }), bucket(1, { maxSeconds: 8 })], FROM, FROM + 2 * DAY)
    expect(told).toMatchObject({ ran: 22, failed: 2, missed: 2, skipped: 3, typical: 1, slowest: 8, delay: 0.1 })
    expect(told.successShare).toBeCloseTo(20 / 22)
  })

  it('lets a busy day weigh more than a quiet one', () => {
    expect(tell([bucket(0, { success: 1, p50Seconds: 9 }), bucket(1, { success: 100, p50Seconds: 2 })], FROM, FROM + 2 * DAY).typical).toBe(2)
  })

  it.each([
    [3, 'slower'],
    [0.4, 'quicker'],
    [1.2, undefined],
  ])('with %f s lately against 1 s says %s', (lately, direction) => {
    expect(tell([bucket(0), bucket(1), bucket(2), bucket(3, { p50Seconds: lately })], FROM, FROM + 4 * DAY).trend?.direction).toBe(direction)
  })

  it('knows nothing of nothing', () => {
    expect(tell([], FROM, FROM + DAY)).toEqual({ ran: 0, failed: 0, missed: 0, skipped: 0, successShare: 1, typical: null, slowest: null, delay: null, trend: null })
  })
})

it('draws failures only where there are some', () => {
  expect(columnsOf([bucket(0), bucket(1, { failed: 1, timeout: 1, p50Seconds: null, p95Seconds: null })])).toEqual({ times: [FROM / 1_000, (FROM + DAY) / 1_000], p50: [1, null], p95: [2, null], failed: [null, 2] })
})

it('keeps what began since an instant', () => expect(since([bucket(0), bucket(1)], FROM + DAY)).toHaveLength(1))

it('reads a stretch from the address', () => {
  expect([stretchOf('week'), stretchOf(''), stretchOf('toString')]).toEqual(['week', 'month', 'month'])
  expect([bucketOf('week'), bucketOf('year')]).toEqual(['hour', 'day'])
})
