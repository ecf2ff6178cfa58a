import { endOf, type Bunch, type Lane, type Mark } from './lanes'
import type { Stretch } from './view'

/** Where things of a lane lie, in pixels from its left edge, and what lies under a point. */

export interface Scale {
  view: Stretch
  width: number
}

/** Something of a lane that can be pointed at. */
export type Found = { kind: 'mark'; mark: Mark } | { kind: 'bunch'; bunch: Bunch } | { kind: 'planned'; at: number }

/** Narrower ones cannot be seen. */
export const NARROWEST = 3
const PLANNED_NARROWEST = 5
/** Pixels beside a mark that still mean it. */
const REACH = 4
/** What matters more is drawn later, over the others, and found first. */
const WEIGHT = { ok: 0, idle: 1, miss: 2, run: 3, fail: 4 }

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
 * The marks to draw, those that matter more last. Of successes that fall onto pixels which are taken already none is drawn: it
 * would not be seen.
 */
export function drawn(lane: Lane, scale: Scale, now: number): Mark[] {
  let covered = -Infinity
  const seen = lane.marks.filter((mark) => {
    const { x, width } = extentOf(mark, scale, now)
    if (x > scale.width || x + width < 0) return false
    if (mark.tone !== 'ok') return true
    if (x + width <= covered) return false
    covered = x + width
    return true
  })
  return seen.sort((a, b) => WEIGHT[a.tone] - WEIGHT[b.tone])
}

/** What lies at a place of a lane: of several what matters most, of those the nearest. */
export function findAt(lane: Lane, x: number, scale: Scale, now: number): Found | null {
  let best: { mark: Mark; distance: number } | null = null
  for (const mark of lane.marks) {
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

/** The next thing of a lane from a moment, in a direction; null at its end. */
export function nextIn(lane: Lane, from: number, direction: -1 | 1): Found | null {
  const all: { at: number; found: Found }[] = [
    ...lane.marks.map((mark) => ({ at: mark.start, found: { kind: 'mark', mark } as const })),
    ...lane.bunches.map((bunch) => ({ at: bunch.start, found: { kind: 'bunch', bunch } as const })),
    ...lane.planned.map((at) => ({ at, found: { kind: 'planned', at } as const })),
  ].sort((a, b) => a.at - b.at)
  return (direction > 0 ? all.find(({ at }) => at > from) : all.findLast(({ at }) => at < from))?.found ?? null
}

/** When something that was found begins. */
export function startOf(found: Found): number {
  if (found.kind === 'mark') return found.mark.start
  return found.kind === 'bunch' ? found.bunch.start : found.at
}
