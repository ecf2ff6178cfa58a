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
  /** On which of how many levels it lies, from 0 at the top: what overlaps lies one below the other. */
  level: number
  levels: number
}

/** Executions at once for which a lane has no level left: their number is told instead. */
export interface Crowd {
  start: number
  /** null while one of them has not ended. */
  end: number | null
  marks: Mark[]
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
  /** The most levels of any of its executions, at least 1. */
  levels: number
  /** On the last level. Their executions are among `marks` too. */
  crowds: Crowd[]
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
  /** More is planned than is told. */
  plannedMore: boolean
}

/** A lane grows to so many levels. */
export const MOST_LEVELS = 5
/** The share of a timeline that is too short to be seen: nobody sees that two executions overlap by less. */
const UNSEEN_SHARE = 0.001

export function readTimeline(answer: Timeline): Told {
  const [from, to] = [Date.parse(answer.from), Date.parse(answer.to)]
  return {
    from,
    to,
    now: Date.parse(answer.now),
    groupBy: answer.groupBy,
    lanes: answer.lanes.map((lane) => readLane(lane, (to - from) * UNSEEN_SHARE)),
    load: answer.load.map(({ start, seconds, ...rest }) => ({ start: Date.parse(start), end: Date.parse(start) + seconds * 1_000, ...rest })),
    more: answer.more,
  }
}

function readLane(lane: TimelineLane, unseen: number): Lane {
  const marks: Mark[] = lane.marks.map(({ executionId, status, start, end, attempt }) => ({
    id: executionId,
    status,
    tone: toneOf(status),
    start: Date.parse(start),
    end: end === null ? null : Date.parse(end),
    instant: status === 'missed' || status === 'skipped' || status === 'queued',
    attempt,
    level: 0,
    levels: 1,
  }))
  const { levels, crowds } = stack(marks, unseen)
  return {
    key: lane.key,
    title: lane.title,
    taskId: lane.taskId,
    enabled: lane.enabled,
    marks,
    levels,
    crowds,
    bunches: lane.buckets.map(({ start, seconds, ...rest }) => ({ start: Date.parse(start), end: Date.parse(start) + seconds * 1_000, ...rest })),
    planned: lane.planned.map((at) => Date.parse(at)),
    plannedMore: lane.plannedMore,
    typical: middle(marks.filter(({ status }) => status === 'success').map(({ start, end }) => (end ?? start) - start)),
  }
}

/**
 * Lays executions that overlap by more than `unseen` milliseconds on levels, each on the first that is free at its start; `marks` are in
 * the order of their starts. What the last level has no room for comes together in crowds.
 */
function stack(marks: readonly Mark[], unseen: number): { levels: number; crowds: Crowd[] } {
  let most = 1
  const crowds: Crowd[] = []
  let heap: Mark[] = []
  let ends: number[] = []
  const close = () => {
    const levels = Math.min(MOST_LEVELS, ends.length)
    for (const mark of heap) mark.levels = levels
    if (ends.length > MOST_LEVELS) crowds.push(...gather(heap.filter(({ level }) => level >= MOST_LEVELS - 1), unseen))
    most = Math.max(most, levels)
    heap = []
    ends = []
  }
  for (const mark of marks) {
    if (mark.instant) continue
    if (ends.every((end) => end - unseen <= mark.start)) close()
    const free = ends.findIndex((end) => end - unseen <= mark.start)
    mark.level = free < 0 ? ends.length : free
    ends[mark.level] = mark.end ?? Infinity
    heap.push(mark)
  }
  close()
  return { levels: most, crowds }
}

/** Brings what overlaps on the last level together. */
function gather(marks: readonly Mark[], unseen: number): Crowd[] {
  const crowds: Crowd[] = []
  for (const mark of marks) {
    mark.level = MOST_LEVELS - 1
    const last = crowds.at(-1)
    if (last && mark.start < (last.end ?? Infinity) - unseen) {
      last.marks.push(mark)
      last.end = last.end === null || mark.end === null ? null : Math.max(last.end, mark.end)
    } else crowds.push({ start: mark.start, end: mark.end, marks: [mark] })
  }
  return crowds.filter((crowd) => crowd.marks.length > 1)
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
  const count: Count = { executions: 0, failed: 0, running: 0, planned: 0, plannedMore: false }
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
  count.plannedMore = lane.plannedMore && (lane.planned.at(-1) ?? view.from) < view.to
  return count
}

/** Whether a lane has anything within a view. */
export function hasWithin(lane: Lane, view: Stretch, now: number): boolean {
  const { executions, planned } = countWithin(lane, view, now)
  return executions > 0 || planned > 0
}

export function addCounts(counts: readonly Count[]): Count {
  return counts.reduce(
    (sum, each) => ({
      executions: sum.executions + each.executions,
      failed: sum.failed + each.failed,
      running: sum.running + each.running,
      planned: sum.planned + each.planned,
      plannedMore: sum.plannedMore || each.plannedMore,
    }),
    { executions: 0, failed: 0, running: 0, planned: 0, plannedMore: false },
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
