/** Which stretch of time is looked at, how it is moved, and what is fetched for it. Instants and spans are milliseconds. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** [from, to) of time. */
export interface Stretch {
  from: number
  to: number
}

/** What the buttons offer; + and - go through `STEPS`, fingers and wheels through everything between. */
export const ZOOMS = [15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY, 7 * DAY] as const
const STEPS = [15, 30, 60, 120, 240, 480, 720, 1_440, 2_880, 5_760, 10_080].map((minutes) => minutes * MINUTE)
export const SHORTEST = STEPS[0]!
export const LONGEST = STEPS.at(-1)!
export const STANDARD = 4 * HOUR
/** The server tells at most so much at once. */
const MOST = 8 * DAY
/** Where in the view the present lies while the view follows it. */
const NOW_SHARE = 0.6

export function clampSpan(span: number): number {
  return Math.min(LONGEST, Math.max(SHORTEST, span))
}

/** The view that follows the present. */
export function viewAtNow(now: number, span: number): Stretch {
  return { from: now - span * NOW_SHARE, to: now + span * (1 - NOW_SHARE) }
}

/** The view round an instant. */
export function viewRound(centre: number, span: number): Stretch {
  return { from: centre - span / 2, to: centre + span / 2 }
}

export function centreOf(view: Stretch): number {
  return (view.from + view.to) / 2
}

/** The next span of the ladder in a direction: -1 shows less time, 1 more. */
export function nextSpan(span: number, direction: -1 | 1): number {
  // A span that fingers made is not exactly on the ladder.
  const near = span * 0.01
  const found = direction > 0 ? STEPS.find((step) => step > span + near) : STEPS.findLast((step) => step < span - near)
  return found ?? span
}

/** The view with another span in which the instant at `share` (0 left, 1 right) stays where it is. */
export function zoomAt(view: Stretch, span: number, share: number): Stretch {
  const still = view.from + (view.to - view.from) * share
  return { from: still - span * share, to: still + span * (1 - share) }
}

/**
 * What is fetched for a view: more than it shows, in coarse steps, so that small moves need nothing new. At most 8 days, whatever the view.
 */
export function stretchFor(view: Stretch): Stretch {
  const span = STEPS.find((step) => step >= view.to - view.from) ?? LONGEST
  const spare = Math.min(span / 2, (MOST - span) / 4)
  const step = Math.min(span / 4, (MOST - span) / 4)
  const centre = centreOf(view)
  return {
    from: Math.floor((centre - span / 2 - spare) / step) * step,
    to: Math.ceil((centre + span / 2 + spare) / step) * step,
  }
}

/** What stands in the address for a view, and back: minutes, and the instant in its middle (empty: it follows the present). */
export function spanOf(zoom: string): number {
  const minutes = Number(zoom)
  return zoom !== '' && Number.isFinite(minutes) && minutes > 0 ? clampSpan(minutes * MINUTE) : STANDARD
}
export function zoomOf(span: number): string {
  return String(Math.round(span / MINUTE))
}
export function momentOf(at: string): number | null {
  const moment = at === '' ? Number.NaN : Date.parse(at)
  return Number.isNaN(moment) ? null : moment
}
export function atOf(moment: number | null): string {
  return moment === null ? '' : new Date(Math.round(moment / 1_000) * 1_000).toISOString().replace('.000Z', 'Z')
}
