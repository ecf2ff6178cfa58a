import { formatInstant, zoneOffset } from '@/utils/time'
import type { Stretch } from './view'

/** Marks of the clock along the axis. */
export interface Tick {
  at: number
  text: string
  /** `day`: midnight, named by its date. `shift`: the clock is put forward or back here. */
  kind: 'time' | 'day' | 'shift'
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440].map((minutes) => minutes * MINUTE)
/** Pixels that a text needs, with the space to the next one. */
const ROOM = 76

/** The offset of a zone at an instant, in milliseconds. */
export function offsetAt(at: number, zone: string): number {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d+):?(\d+)?/.exec(zoneOffset(at, zone)) ?? [null, '+', '0']
  return (sign === '-' ? -1 : 1) * (Number(hours) * HOUR + Number(minutes) * MINUTE)
}

/** The stretch in pieces of one offset each. */
export function piecesOf({ from, to }: Stretch, zone: string): { from: number; to: number; offset: number }[] {
  const [first, last] = [offsetAt(from, zone), offsetAt(to, zone)]
  if (first === last) return [{ from, to, offset: first }]
  // Clocks change on whole minutes.
  let [before, after] = [Math.floor(from / MINUTE), Math.ceil(to / MINUTE)]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (offsetAt(middle * MINUTE, zone) === first) before = middle
    else after = middle
  }
  const change = after * MINUTE
  return [{ from, to: change, offset: first }, ...piecesOf({ from: change, to }, zone)]
}

/** Ticks on round times of the zone's clock, midnights by their date, and where the clock changes. */
export function ticksOf(view: Stretch, width: number, zone: string): Tick[] {
  if (width <= 0) return []
  const wanted = ((view.to - view.from) / width) * ROOM
  const step = STEPS.find((each) => each >= wanted) ?? STEPS.at(-1)!
  const ticks: Tick[] = []
  const pieces = piecesOf(view, zone)
  for (const [place, piece] of pieces.entries()) {
    if (place > 0) ticks.push({ at: piece.from, text: zoneOffset(piece.from, zone), kind: 'shift' })
    for (let wall = Math.ceil((piece.from + piece.offset) / step) * step; wall - piece.offset < piece.to; wall += step) {
      const at = wall - piece.offset
      const midnight = wall % (24 * HOUR) === 0
      ticks.push({ at, kind: midnight ? 'day' : 'time', text: midnight ? dayText(at, zone) : formatInstant(at, zone, 'minute') })
    }
  }
  return ticks
}

/** The ticks whose texts are shown: none in another's way, the rarer kind first, and none near the tag of the present. */
export function labelled(ticks: readonly Tick[], x: (at: number) => number, tag: number | null): Set<Tick> {
  const shown = new Set<Tick>()
  const taken: number[] = tag === null ? [] : [tag]
  for (const kind of ['shift', 'day', 'time'] as const) {
    for (const tick of ticks) {
      const place = x(tick.at)
      if (tick.kind !== kind || taken.some((other) => Math.abs(other - place) < ROOM * 0.74)) continue
      shown.add(tick)
      taken.push(place)
    }
  }
  return shown
}

/** "Tue 24 Nov" */
export function dayText(at: number, zone: string): string {
  // The year is left out: the whole date stands beside the axis.
  return formatInstant(at, zone, 'date').replace(/,? \d{4}$/, '')
}
