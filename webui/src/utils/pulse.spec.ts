import { describe, expect, it } from 'vitest'
import { countStatuses, medianDuration, pulseBars, pulsePaths, type PulseResult } from './pulse'

const ran = (status: PulseResult['status'], millis: number): PulseResult => ({
  status,
  startedAt: new Date(0).toISOString(),
  finishedAt: new Date(millis).toISOString(),
})

describe('pulseBars', () => {
  it('puts the newest at the right end', () => {
    expect(pulseBars([ran('success', 10), ran('failed', 10)], 24, 0).map((bar) => bar.slot)).toEqual([22, 23])
  })

  it('shows only the newest when there are too many', () => {
    const bars = pulseBars([ran('failed', 1), ran('success', 1), ran('success', 1)], 2, 0)
    expect(bars.map((bar) => bar.tone)).toEqual(['ok', 'ok'])
  })

  it('the longest is full, what never started is a stub', () => {
    const bars = pulseBars([{ status: 'skipped' }, ran('success', 100), ran('success', 400)], 24, 0)
    expect(bars[0]!.height).toBeCloseTo(0.22)
    expect(bars[1]!.height).toBeCloseTo(0.61)
    expect(bars[2]!.height).toBe(1)
  })

  it('a running one is as long as it has run', () => {
    const [first, second] = pulseBars([ran('success', 400), { status: 'running', startedAt: new Date(0).toISOString() }], 24, 400)
    expect(second!.height).toBe(first!.height)
  })
})

describe('pulsePaths', () => {
  it('draws one path per tone', () => {
    const bars = pulseBars([ran('success', 4), ran('failed', 4), ran('success', 4)], 3, 0)
    const paths = pulsePaths(bars, 4, 2, 20)
    expect(Object.keys(paths)).toEqual(['ok', 'fail'])
    expect(paths.fail).toBe('M6 0h4v20h-4z')
  })
})

describe('countStatuses', () => {
  it('counts, most first', () => {
    expect(countStatuses([ran('failed', 1), ran('success', 1), ran('success', 1)])).toEqual([['success', 2], ['failed', 1]])
  })
})

describe('medianDuration', () => {
  it('is that of what ran to an end', () => {
    expect(medianDuration([ran('success', 900), ran('failed', 100), ran('success', 300), { status: 'skipped' }])).toBe(300)
    expect(medianDuration([{ status: 'missed' }])).toBeNull()
  })
})
