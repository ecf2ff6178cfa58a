import type { Timeline, TimelineLane } from '@/api/timeline'
import type { ExecutionStatus } from '@/api/types'
import { isUnfinished, toneOf, type Tone } from '@/utils/status'
import type { Stretch } from './view'

/** One execution; instants are epoch milliseconds, `end` null while it has not ended. */
export interface Mark {
  id: string
  status: ExecutionStatus
  tone: Tone
  start: number
  end: number | null
  /** It never did any work: an instant, not a stretch. */
  instant: boolean
  attempt: number
}

export interface Bunch {
  start: number
  end: number
  count: number
  failed: number
  running: number
}

export interface Lane {
  key: string
  title: string
  taskId: string | null
  enabled: boolean
  marks: Mark[]
  bunches: Bunch[]
  planned: number[]
  plannedMore: boolean
  /** Milliseconds a success mostly takes, for the outlines of what is to come. */
  typical: number
}

export interface Load {
  start: number
  end: number
  started: number
  peak: number | null
  planned: number
}

/** A timeline as it is drawn. */
export interface Told extends Stretch {
  now: number
  groupBy: Timeline['groupBy']
  lanes: Lane[]
  load: Load[]
  more: number
}

/** Numbers of a lane within a view. */
export interface Count {
  executions: number
  failed: number
  running: number
  planned: number
}

export function readTimeline(answer: Timeline): Told {
  return {
    from: Date.parse(answer.from),
    to: Date.parse(answer.to),
    now: Date.parse(answer.now),
    groupBy: answer.groupBy,
    lanes: answer.lanes.map(readLane),
    load: answer.load.map(({ start, seconds, ...rest }) => ({ start: Date.parse(start), end: Date.parse(start) + seconds * 1_000, ...rest })),
    more: answer.more,
  }
}

function readLane(lane: TimelineLane): Lane {
  const marks = lane.marks.map(({ executionId, status, start, end, attempt }) => ({
    id: executionId,
    status,
    tone: toneOf(status),
    start: Date.parse(start),
    end: end === null ? null : Date.parse(end),
    instant: status === 'missed' || status === 'skipped' || status === 'queued',
    attempt,
  }))
  return {
    key: lane.key,
    title: lane.title,
    taskId: lane.taskId,
    enabled: lane.enabled,
    marks,
    bunches: lane.buckets.map(({ start, seconds, ...rest }) => ({ start: Date.parse(start), end: Date.parse(start) + seconds * 1_000, ...rest })),
    planned: lane.planned.map((at) => Date.parse(at)),
    plannedMore: lane.plannedMore,
    typical: middle(marks.filter(({ status }) => status === 'success').map(({ start, end }) => (end ?? start) - start)),
  }
}

/** When a mark ends, as of `now`. */
export function endOf(mark: Mark, now: number): number {
  if (mark.instant) return mark.start
  return mark.end ?? Math.max(mark.start, isUnfinished(mark.status) ? now : mark.start)
}

/** The marks of a lane that lie within a view, by start. */
export function marksWithin(lane: Lane, view: Stretch, now: number): Mark[] {
  return lane.marks.filter((mark) => mark.start < view.to && endOf(mark, now) >= view.from)
}

/** What a lane has within a view. Buckets count whole when they touch it. */
export function countWithin(lane: Lane, view: Stretch, now: number): Count {
  const count = { executions: 0, failed: 0, running: 0, planned: 0 }
  for (const mark of marksWithin(lane, view, now)) {
    count.executions += 1
    if (mark.tone === 'fail') count.failed += 1
    if (mark.status === 'running') count.running += 1
  }
  for (const bunch of lane.bunches) {
    if (bunch.start >= view.to || bunch.end <= view.from) continue
    count.executions += bunch.count
    count.failed += bunch.failed
    count.running += bunch.running
  }
  count.planned = lane.planned.filter((at) => at >= view.from && at < view.to).length
  return count
}

export function addCounts(counts: readonly Count[]): Count {
  return counts.reduce(
    (sum, each) => ({
      executions: sum.executions + each.executions,
      failed: sum.failed + each.failed,
      running: sum.running + each.running,
      planned: sum.planned + each.planned,
    }),
    { executions: 0, failed: 0, running: 0, planned: 0 },
  )
}

/** The lanes in the order in which they already stand, so that nothing moves under the pointer; new ones come last. */
export function keepOrder(before: readonly string[], lanes: readonly Lane[]): Lane[] {
  const places = new Map(before.map((key, place) => [key, place]))
  return lanes
    .map((lane, place) => ({ lane, place: places.get(lane.key) ?? before.length + place }))
    .sort((a, b) => a.place - b.place)
    .map(({ lane }) => lane)
}

function middle(spans: number[]): number {
  spans.sort((a, b) => a - b)
  return spans[Math.floor((spans.length - 1) / 2)] ?? 0
}
