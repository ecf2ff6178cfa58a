import type { Lane, Load } from './lanes'
import { bandOf, bandOfCrowd, drawn, extentOf, extentOfCrowd, outlineOf, outlinesOf, startOf, xOf, type Found, type Scale } from './layout'
import type { Tick } from './ticks'
import type { Tone } from '@/utils/status'

/** Draws on a canvas, in pixels of the page; the only place that does. */

export type Palette = Record<Tone | 'plan' | 'grid' | 'day' | 'ground' | 'ring' | 'peak' | 'text' | 'font', string>

/** The colours of the theme, or of the system where it forces its own. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement)
  const font = `600 11px ${style.fontFamily}`
  if (matchMedia('(forced-colors: active)').matches) {
    return { ok: 'GrayText', fail: 'CanvasText', run: 'Highlight', miss: 'CanvasText', idle: 'GrayText', plan: 'CanvasText', grid: 'Canvas', day: 'GrayText', ground: 'Canvas', ring: 'Highlight', peak: 'Highlight', text: 'CanvasText', font }
  }
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
    text: token('--ui-text-highlighted'),
    font,
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
    const band = bandOf(mark, height)
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
      const half = band.half * (mark.tone === 'fail' ? 1 : mark.tone === 'idle' ? 0.5 : 0.8)
      // A hair of space keeps one run apart from the next.
      box(context, x, band.middle - half, Math.max(2, width > 5 ? width - 1 : width), 2 * half, 3)
      context.fill()
    }
  }
  drawCrowds(context, { lane, scale, height, now, palette })
  if (found) ring(context, found, { lane, scale, height, now, palette })
}

/** How many there are for which no level was left. */
function drawCrowds(context: CanvasRenderingContext2D, { lane, scale, height, now, palette }: Pick<LaneScene, 'lane' | 'scale' | 'height' | 'now' | 'palette'>): void {
  const { middle, half } = bandOfCrowd(height)
  let free = scale.width
  context.font = palette.font
  context.textBaseline = 'middle'
  context.lineWidth = 1
  for (const crowd of lane.crowds.toReversed()) {
    const { x, width } = extentOfCrowd(crowd, scale, now)
    if (x > scale.width || x + width < 0) continue
    const worst = crowd.marks.some(({ tone }) => tone === 'fail') ? palette.fail : palette.plan
    box(context, x + 0.5, middle - half + 0.5, Math.max(2, width - 1), 2 * half - 1, 3)
    context.globalAlpha = 0.22
    context.fillStyle = worst
    context.fill()
    context.globalAlpha = 1
    context.strokeStyle = worst
    context.stroke()
    // Within its box, else beside it.
    const text = `+${crowd.marks.length}`
    const room = context.measureText(text).width + 6
    const fits = width >= room
    if (fits || x + width + 3 + room <= free) {
      context.fillStyle = palette.text
      context.fillText(text, (fits ? Math.max(0, x) : x + width) + 3, middle + 0.5)
    }
    free = x
  }
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

function ring(context: CanvasRenderingContext2D, found: Found, { lane, scale, height, now, palette }: Pick<LaneScene, 'lane' | 'scale' | 'height' | 'now' | 'palette'>): void {
  const crowd = found.kind === 'crowd' ? found.crowd : found.kind === 'mark' ? lane.crowds.find(({ marks }) => marks.includes(found.mark)) : undefined
  const at = startOf(found)
  const extent = crowd
    ? extentOfCrowd(crowd, scale, now)
    : found.kind === 'mark'
      ? extentOf(found.mark, scale, now)
      : found.kind === 'bunch'
        ? { x: xOf(at, scale), width: xOf(found.bunch.end, scale) - xOf(at, scale) }
        : outlineOf(at, lane, scale)
  const { middle, half } = crowd ? bandOfCrowd(height) : bandOf(found.kind === 'mark' ? found.mark : { level: 0, levels: 1 }, height)
  const spare = found.kind === 'mark' && found.mark.instant ? 7 : 2
  context.strokeStyle = palette.ring
  context.lineWidth = 2
  box(context, extent.x - spare, middle - half - 2.5, extent.width + 2 * spare - (spare > 2 ? extent.width : 0), 2 * half + 5, 5)
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
