import { endOf, MOST_LEVELS, type Bunch, type Crowd, type Lane, type Mark } from './lanes'
import type { Stretch } from './view'

/** Where things of a lane lie, in pixels from its left edge, and what lies under a point. */

export interface Scale {
  view: Stretch
  width: number
}

/** Something of a lane that can be pointed at. */
export type Found = { kind: 'mark'; mark: Mark } | { kind: 'crowd'; crowd: Crowd } | { kind: 'bunch'; bunch: Bunch } | { kind: 'planned'; at: number }

/** Narrower ones cannot be seen. */
export const NARROWEST = 3
const PLANNED_NARROWEST = 5
/** So much of a mark beyond another one of its kind cannot be told apart. */
const UNSEEN = 0.5
/** Pixels beside a mark that still mean it. */
const REACH = 4
/** What matters more is drawn later, over the others, and found first. */
const WEIGHT = { ok: 0, idle: 1, miss: 2, run: 3, fail: 4 }

export function weightOf(tone: Mark['tone']): number {
  return WEIGHT[tone]
}

/** Pixels above the first level and below the last one, and the most that a level has. */
const MARGIN = 3
const TALLEST_LEVEL = 16

/** Where a level lies: its middle from the top of the lane, and how far a mark on it reaches up and down at most. */
export interface Band {
  middle: number
  half: number
}

/** Levels lie round the middle of their lane, whose height is in pixels. */
export function bandOf({ level, levels }: Pick<Mark, 'level' | 'levels'>, height: number): Band {
  if (levels === 1) return { middle: height / 2, half: 10 }
  const pitch = Math.min(TALLEST_LEVEL, (height - 2 * MARGIN) / levels)
  return { middle: height / 2 + pitch * (level + 0.5 - levels / 2), half: pitch / 2 - 0.5 }
}

/** Where a crowd lies. */
export function bandOfCrowd(height: number): Band {
  return bandOf({ level: MOST_LEVELS - 1, levels: MOST_LEVELS }, height)
}

export function xOf(at: number, { view, width }: Scale): number {
  return ((at - view.from) / (view.to - view.from)) * width
}

export function timeAt(x: number, { view, width }: Scale): number {
  return view.from + (x / width) * (view.to - view.from)
}

/** The left edge and width of a mark. */
export function extentOf(mark: Mark, scale: Scale, now: number): { x: number; width: number } {
  const x = xOf(mark.start, scale)
  return { x, width: Math.max(NARROWEST, xOf(endOf(mark, now), scale) - x) }
}

export function extentOfCrowd({ start, end }: Crowd, scale: Scale, now: number): { x: number; width: number } {
  const x = xOf(start, scale)
  return { x, width: Math.max(NARROWEST, xOf(end ?? Math.max(start, now), scale) - x) }
}

/** The left edge and width of the outline of a fire time to come. */
export function outlineOf(at: number, lane: Lane, scale: Scale): { x: number; width: number } {
  const x = xOf(at, scale)
  return { x, width: Math.max(PLANNED_NARROWEST, xOf(at + lane.typical, scale) - x) }
}

/** Outlines of what is to come; those that would lie on one another are one. */
export function outlinesOf(lane: Lane, scale: Scale): { x: number; width: number }[] {
  const outlines: { x: number; width: number }[] = []
  for (const at of lane.planned) {
    const { x, width } = outlineOf(at, lane, scale)
    if (x > scale.width || x + width < 0) continue
    const last = outlines.at(-1)
    if (last && x < last.x + last.width + 1) last.width = Math.max(last.width, x + width - last.x)
    else outlines.push({ x, width })
  }
  return outlines
}

/**
 * The marks to draw, those that matter more last; crowds stand for theirs. Of successes that fall onto pixels of their level which are
 * taken already none is drawn: it would not be seen.
 */
export function drawn(lane: Lane, scale: Scale, now: number): Mark[] {
  const covered = new Map<number, number>()
  const crowded = new Set(lane.crowds.flatMap(({ marks }) => marks))
  const seen = lane.marks.filter((mark) => {
    const { x, width } = extentOf(mark, scale, now)
    if (x > scale.width || x + width < 0 || crowded.has(mark)) return false
    if (mark.tone !== 'ok') return true
    if (x + width <= (covered.get(mark.level) ?? -Infinity) + UNSEEN) return false
    covered.set(mark.level, x + width)
    return true
  })
  return seen.sort((a, b) => WEIGHT[a.tone] - WEIGHT[b.tone])
}

/** What lies at a place of a lane of that height: of several what matters most, of those the nearest. */
export function findAt(lane: Lane, { x, y, height }: { x: number; y: number; height: number }, scale: Scale, now: number): Found | null {
  const isLevel = ({ middle, half }: Band) => Math.abs(y - middle) <= half + 1
  const crowd = lane.crowds.find((each) => {
    const extent = extentOfCrowd(each, scale, now)
    return isLevel(bandOfCrowd(height)) && x >= extent.x - REACH && x <= extent.x + extent.width + REACH
  })
  if (crowd) return { kind: 'crowd', crowd }
  let best: { mark: Mark; distance: number } | null = null
  for (const mark of lane.marks) {
    if (mark.levels > 1 && !isLevel(bandOf(mark, height))) continue
    const extent = extentOf(mark, scale, now)
    const half = mark.instant ? 5 : 0
    const distance = Math.max(extent.x - half - x, x - extent.x - extent.width - half, 0)
    if (distance > REACH) continue
    const better = best === null || (distance > 0) < (best.distance > 0) || ((distance > 0) === (best.distance > 0) && WEIGHT[mark.tone] >= WEIGHT[best.mark.tone])
    if (better) best = { mark, distance }
  }
  if (best) return { kind: 'mark', mark: best.mark }
  const at = timeAt(x, scale)
  const bunch = lane.bunches.find((each) => at >= each.start && at < each.end)
  if (bunch) return { kind: 'bunch', bunch }
  const planned = lane.planned.findLast((each) => {
    const outline = outlineOf(each, lane, scale)
    return x >= outline.x - REACH && x <= outline.x + outline.width + REACH
  })
  return planned === undefined ? null : { kind: 'planned', at: planned }
}

/** Everything that keys walk over in a lane, by start. Crowds are walked through one by one. */
function stepsOf(lane: Lane): Found[] {
  const all: Found[] = [
    ...lane.marks.map((mark) => ({ kind: 'mark', mark }) as const),
    ...lane.bunches.map((bunch) => ({ kind: 'bunch', bunch }) as const),
    ...[...new Set(lane.planned)].map((at) => ({ kind: 'planned', at }) as const),
  ]
  return all.sort((a, b) => startOf(a) - startOf(b))
}

/** The next thing of a lane in a direction: after what was found last, or else from a moment on. Null at its end. */
export function nextIn(lane: Lane, from: Found | number, direction: -1 | 1): Found | null {
  const steps = stepsOf(lane)
  const place = typeof from === 'number' ? -1 : steps.findIndex((step) => isSame(step, from))
  if (place >= 0) return steps[place + direction] ?? null
  const moment = typeof from === 'number' ? from : startOf(from)
  return (direction > 0 ? steps.find((step) => startOf(step) > moment) : steps.findLast((step) => startOf(step) < moment)) ?? null
}

function isSame(a: Found, b: Found): boolean {
  return a.kind === 'mark' && b.kind === 'mark' ? a.mark.id === b.mark.id : a.kind === b.kind && startOf(a) === startOf(b)
}

/** When something that was found begins. */
export function startOf(found: Found): number {
  if (found.kind === 'mark') return found.mark.start
  if (found.kind === 'crowd') return found.crowd.start
  return found.kind === 'bunch' ? found.bunch.start : found.at
}
