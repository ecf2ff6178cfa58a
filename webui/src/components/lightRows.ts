/**
 * Which rows of a long list are drawn light: while the list moves too fast to be read, rows that come into view have little more than
 * their names; once it has come to rest they are made whole, a few in each frame. Rows that are whole stay so.
 */

/** How the list has moved lately. */
export interface Pace {
  /** Where it stood, in pixels, and when, in milliseconds; the oldest first. */
  readonly stops: readonly { readonly at: number; readonly top: number }[]
  readonly fast: boolean
}

/** How the rows in the document are drawn, by their places in the list. */
export interface Drawing {
  readonly shown: ReadonlySet<number>
  readonly light: ReadonlySet<number>
}

export const AT_REST: Pace = { stops: [], fast: false }
export const NOTHING_DRAWN: Drawing = { shown: new Set(), light: new Set() }
/** A list that stands still for so long has come to rest. */
export const REST_MILLIS = 80
/** As far back as a pace is measured; where frames are long, over the last moves instead, unless they are too long ago. */
const SPAN_MILLIS = 200
const SPAN_MOVES = 4
const LONGEST_SPAN_MILLIS = 800

/**
 * The pace after the list has come to `top`. It is fast when more than a window's `height` went by in a fifth of a second; then until
 * it is half of that. One leap alone is not: where it ends, somebody wants to read.
 */
export function moved(pace: Pace, top: number, at: number, height: number): Pace {
  const { length } = pace.stops
  const counts = (stop: { at: number }, index: number) => stop.at >= at - SPAN_MILLIS || (index >= length - SPAN_MOVES && stop.at >= at - LONGEST_SPAN_MILLIS)
  const stops = [...pace.stops.filter(counts), { at, top }]
  const way = stops.reduce((sum, stop, index) => sum + Math.abs(stop.top - (stops[index - 1]?.top ?? stop.top)), 0)
  return { stops, fast: stops.length > 2 && way > (pace.fast ? height / 2 : height) }
}

/** The pace of a list that has come to rest where it is. */
export function rested(pace: Pace): Pace {
  return { stops: pace.stops.slice(-1), fast: false }
}

/** What is drawn when these rows are to be shown. The row that somebody asked for, `wanted`, is whole however fast the way to it. */
export function drawn(before: Drawing, rows: readonly number[], fast: boolean, wanted: number): Drawing {
  const isLight = (row: number) => row !== wanted && (before.light.has(row) || (fast && !before.shown.has(row)))
  return { shown: new Set(rows), light: new Set(rows.filter(isLight)) }
}

/** The same rows, the light ones nearest to the `middle` made whole. */
export function madeWhole(drawing: Drawing, middle: number, most: number): Drawing {
  const nearest = [...drawing.light].sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))
  return { shown: drawing.shown, light: new Set(nearest.slice(most)) }
}
