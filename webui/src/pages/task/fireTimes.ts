/** Which stretch of time the fire times are shown of. Pure. */

const MINUTE = 60_000
const DAY = 86_400_000

export const SPANS = { minute: MINUTE, minutes10: 10 * MINUTE, hour: 60 * MINUTE, day: DAY, week: 7 * DAY, month: 30 * DAY, year: 365 * DAY } as const
export type Span = keyof typeof SPANS

/** The shortest span in which so many runs a day make a list worth reading, on either side of now. */
export function fittingSpan(runsPerDay: number, runs = 6): Span {
  const names = Object.keys(SPANS) as Span[]
  return names.find((name) => (runsPerDay * SPANS[name]) / DAY >= runs) ?? (runsPerDay > 0 ? 'year' : 'week')
}

/** The span an address names, or else the fitting one. */
export function spanOf(named: string, runsPerDay: number): Span {
  return Object.hasOwn(SPANS, named) ? (named as Span) : fittingSpan(runsPerDay)
}

/** From and to, in epoch milliseconds: so far to both sides of `middle`. */
export function stretchAround(middle: number, span: Span): { from: number; to: number } {
  return { from: middle - SPANS[span], to: middle + SPANS[span] }
}
