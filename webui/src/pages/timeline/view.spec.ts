import { describe, expect, it } from 'vitest'
import { atOf, centreOf, clampSpan, LONGEST, momentOf, nextSpan, SHORTEST, spanOf, STANDARD, stretchFor, viewAtNow, viewRound, zoomAt, zoomOf } from './view'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const NOON = Date.parse('2026-11-23T12:00:00Z')

describe('a view', () => {
  it('that follows the present shows more of what was than of what comes', () => {
    expect(viewAtNow(NOON, 10 * HOUR)).toEqual({ from: NOON - 6 * HOUR, to: NOON + 4 * HOUR })
  })

  it('keeps what is under the pointer where it is while it zooms', () => {
    const view = viewRound(NOON, 4 * HOUR)
    const zoomed = zoomAt(view, HOUR, 0.25)
    expect(zoomed.from + 0.25 * HOUR).toBe(view.from + HOUR)
    expect(zoomed.to - zoomed.from).toBe(HOUR)
  })

  it('shows from 15 minutes to 7 days', () => {
    expect([clampSpan(1), clampSpan(1e12)]).toEqual([SHORTEST, LONGEST])
    expect([nextSpan(SHORTEST, -1), nextSpan(LONGEST, 1)]).toEqual([SHORTEST, LONGEST])
  })

  it('steps to the next span of the ladder, also from one between', () => {
    expect([nextSpan(HOUR, -1), nextSpan(HOUR, 1)]).toEqual([30 * MINUTE, 2 * HOUR])
    expect([nextSpan(70 * MINUTE, -1), nextSpan(70 * MINUTE, 1)]).toEqual([HOUR, 2 * HOUR])
  })
})

describe('what is fetched', () => {
  const spans = [SHORTEST, 37 * MINUTE, HOUR, 5 * HOUR, 24 * HOUR, 100 * HOUR, LONGEST]

  it.each(spans)('for %d ms holds the view, wherever it is, in at most 8 days', (span) => {
    for (let move = 0; move < 40; move += 1) {
      const view = viewRound(NOON + move * 0.137 * span, span)
      const { from, to } = stretchFor(view)
      expect(from).toBeLessThanOrEqual(view.from)
      expect(to).toBeGreaterThanOrEqual(view.to)
      expect(to - from).toBeLessThanOrEqual(8 * 24 * HOUR)
    }
  })

  it('stays the same while the view moves a little', () => {
    expect(stretchFor(viewRound(NOON + 3 * MINUTE, 4 * HOUR))).toEqual(stretchFor(viewRound(NOON + 2 * MINUTE, 4 * HOUR)))
  })
})

describe('the address', () => {
  it('tells a view and gives it back', () => {
    const view = viewRound(NOON, 90 * MINUTE)
    expect(spanOf(zoomOf(view.to - view.from))).toBe(90 * MINUTE)
    expect(momentOf(atOf(centreOf(view)))).toBe(NOON)
    expect(atOf(NOON)).toBe('2026-11-23T12:00:00Z')
  })

  it.each(['', 'x', '-5', 'Infinity', '0'])('that says %j for a span means the standard one', (zoom) => expect(spanOf(zoom)).toBe(STANDARD))

  it('without a moment, or with nonsense, follows the present', () => expect([momentOf(''), momentOf('soon')]).toEqual([null, null]))
})
