import { describe, expect, it } from 'vitest'
import { fittingSpan, spanOf, stretchAround } from './fireTimes'

describe('fittingSpan', () => {
  it.each([
    [86_400, 'minute'],
    [1_440, 'minutes10'],
    [288, 'hour'],
    [24, 'day'],
    [1, 'week'],
    [0.2, 'month'],
    [0.03, 'year'],
    [0.002, 'year'],
    [0, 'week'],
  ] as const)('of %f runs a day is %s', (runsPerDay, span) => expect(fittingSpan(runsPerDay)).toBe(span))
})

describe('spanOf', () => {
  it('is what the address says, when it says one', () => {
    expect(spanOf('month', 24)).toBe('month')
    expect(spanOf('', 24)).toBe('day')
    expect(spanOf('toString', 24)).toBe('day')
  })
})

it('a stretch reaches as far to either side', () => expect(stretchAround(1_000_000_000, 'hour')).toEqual({ from: 996_400_000, to: 1_003_600_000 }))
