import type { Lane, Load } from './lanes'
import { drawn, extentOf, outlineOf, outlinesOf, startOf, xOf, type Found, type Scale } from './layout'
import type { Tick } from './ticks'
import type { Tone } from '@/utils/status'

/** Draws on a canvas, in pixels of the page; the only place that does. */

export type Palette = Record<Tone | 'plan' | 'grid' | 'day' | 'ground' | 'ring' | 'peak', string>

/** The colours of the theme, or of the system where it forces its own. */
export function readPalette(): Palette {
  if (matchMedia('(forced-colors: active)').matches) {
    return { ok: 'GrayText', fail: 'CanvasText', run: 'Highlight', miss: 'CanvasText', idle: 'GrayText', plan: 'CanvasText', grid: 'Canvas', day: 'GrayText', ground: 'Canvas', ring: 'Highlight', peak: 'Highlight' }
  }
  const style = getComputedStyle(document.documentElement)
  const token = (name: string) => style.getPropertyValue(name).trim()
  return {
    ok: token('--c-ok-bar'),
    fail: token('--c-fail-bar'),
    run: token('--c-run-bar'),
    miss: token('--c-miss-bar'),
    idle: token('--c-idle-bar'),
    plan: token('--c-plan'),
    grid: token('--ui-border-muted'),
    day: token('--ui-border-accented'),
    ground: token('--ui-bg'),
    ring: token('--ui-primary'),
    peak: token('--c-run-bar'),
  }
}

/** Makes a canvas as sharp as the screen, empties it, and answers what to draw with; null when it has no size. */
export function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = devicePixelRatio || 1
  const context = canvas.getContext('2d')
  if (!context || width <= 0) return null
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)]
  // Setting a size empties the canvas and costs more than emptying it.
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide
    canvas.height = high
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  return context
}

export interface LaneScene {
  lane: Lane
  scale: Scale
  height: number
  now: number
  ticks: readonly Tick[]
  palette: Palette
  /** What is pointed at or chosen. */
  found: Found | null
}

export function drawLane(context: CanvasRenderingContext2D, { lane, scale, height, now, ticks, palette, found }: LaneScene): void {
  drawGrid(context, ticks, scale, height, palette)
  const middle = height / 2
  const most = Math.max(1, ...lane.bunches.map(({ count }) => count))
  for (const bunch of lane.bunches) {
    const left = xOf(bunch.start, scale)
    const right = xOf(bunch.end, scale)
    if (right < 0 || left > scale.width) continue
    const full = Math.max(3, (bunch.count / most) * (height - 8))
    const width = Math.max(1, right - left - 1)
    const failed = bunch.failed === 0 ? 0 : Math.max(2, (bunch.failed / bunch.count) * full)
    context.fillStyle = bunch.running > 0 ? palette.run : palette.ok
    context.fillRect(left, height - 4 - full, width, full)
    context.fillStyle = palette.fail
    context.fillRect(left, height - 4 - failed, width, failed)
  }
  context.strokeStyle = palette.plan
  context.lineWidth = 1.25
  for (const { x, width } of outlinesOf(lane, scale)) {
    box(context, x + 0.6, middle - 5.4, width - 1.2, 10.8, 2.5)
    context.stroke()
  }
  const last = lane.planned.at(-1)
  if (lane.plannedMore && last !== undefined) {
    // There are more than are told.
    context.setLineDash([2, 4])
    context.beginPath()
    context.moveTo(xOf(last, scale) + 10, middle)
    context.lineTo(scale.width, middle)
    context.stroke()
    context.setLineDash([])
  }
  for (const mark of drawn(lane, scale, now)) {
    const { x, width } = extentOf(mark, scale, now)
    context.fillStyle = palette[mark.tone]
    if (mark.status === 'missed') {
      triangle(context, x, middle)
      context.fill()
    } else if (mark.instant) {
      context.strokeStyle = palette.plan
      context.beginPath()
      context.arc(x, middle, 3.5, 0, 2 * Math.PI)
      context.fill()
      context.stroke()
    } else {
      const half = mark.tone === 'fail' ? 10 : mark.tone === 'idle' ? 5 : 8
      // A hair of space keeps one run apart from the next.
      box(context, x, middle - half, Math.max(2, width > 5 ? width - 1 : width), 2 * half, 3)
      context.fill()
    }
  }
  if (found) ring(context, found, lane, scale, now, middle, palette)
}

/** How much began, how much will, and how much ran side by side at most: bars, outlines, and a line. */
export function drawLoad(context: CanvasRenderingContext2D, scene: { load: readonly Load[]; scale: Scale; height: number; ticks: readonly Tick[]; palette: Palette; found: Load | null }): void {
  const { load, scale, height, ticks, palette, found } = scene
  drawGrid(context, ticks, scale, height, palette)
  const seen = load.filter(({ start, end }) => end > scale.view.from && start < scale.view.to)
  const most = Math.max(1, ...seen.map(({ started, planned }) => started + planned))
  const room = height - 6
  context.lineWidth = 1.25
  for (const bucket of seen) {
    const left = xOf(bucket.start, scale)
    const width = Math.max(1, xOf(bucket.end, scale) - left - 1.5)
    const started = bucket.started === 0 ? 0 : Math.max(2, (bucket.started / most) * room)
    const planned = bucket.planned === 0 ? 0 : Math.max(2, (bucket.planned / most) * room)
    context.fillStyle = bucket === found ? palette.plan : palette.idle
    context.globalAlpha = bucket === found ? 1 : 0.55
    context.fillRect(left, height - started, width, started)
    context.globalAlpha = 1
    if (planned > 0) {
      context.strokeStyle = bucket === found ? palette.ring : palette.plan
      context.strokeRect(left + 0.6, height - started - planned + 0.6, Math.max(1, width - 1.2), Math.max(1, planned - 1.2))
    }
  }
  const top = Math.max(1, ...seen.map(({ peak }) => peak ?? 0))
  context.strokeStyle = palette.peak
  context.lineWidth = 1.5
  context.beginPath()
  let pen = false
  for (const { start, end, peak, planned, started } of seen) {
    const ahead = planned > 0 && started === 0 && !peak
    if (peak === null || ahead) {
      pen = false
      continue
    }
    const y = height - 1 - (peak / top) * (room - 2)
    if (pen) context.lineTo(xOf(start, scale), y)
    else context.moveTo(xOf(start, scale), y)
    context.lineTo(xOf(end, scale), y)
    pen = true
  }
  context.stroke()
}

function drawGrid(context: CanvasRenderingContext2D, ticks: readonly Tick[], scale: Scale, height: number, palette: Palette): void {
  for (const tick of ticks) {
    context.fillStyle = tick.kind === 'time' ? palette.grid : palette.day
    context.fillRect(Math.round(xOf(tick.at, scale)), 0, tick.kind === 'day' ? 1.5 : 1, height)
  }
}

function ring(context: CanvasRenderingContext2D, found: Found, lane: Lane, scale: Scale, now: number, middle: number, palette: Palette): void {
  const at = startOf(found)
  const extent =
    found.kind === 'mark'
      ? extentOf(found.mark, scale, now)
      : found.kind === 'bunch'
        ? { x: xOf(at, scale), width: xOf(found.bunch.end, scale) - xOf(at, scale) }
        : outlineOf(at, lane, scale)
  const spare = found.kind === 'mark' && found.mark.instant ? 7 : 2
  context.strokeStyle = palette.ring
  context.lineWidth = 2
  box(context, extent.x - spare, middle - 12.5, extent.width + 2 * spare - (spare > 2 ? extent.width : 0), 25, 5)
  context.stroke()
}

function box(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, radius: number): void {
  context.beginPath()
  context.roundRect(x, y, Math.max(0, width), height, Math.min(radius, Math.max(0, width) / 2))
}

function triangle(context: CanvasRenderingContext2D, x: number, middle: number): void {
  context.beginPath()
  context.moveTo(x, middle - 6.5)
  context.lineTo(x + 6, middle + 5.5)
  context.lineTo(x - 6, middle + 5.5)
  context.closePath()
}
