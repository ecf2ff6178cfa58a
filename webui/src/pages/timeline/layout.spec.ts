import { describe, expect, it } from 'vitest'
import type { ExecutionStatus } from '@/api/types'
import { addCounts, countWithin, endOf, hasWithin, keepOrder, marksWithin, MOST_LEVELS, readTimeline, type Lane } from './lanes'
import { bandOf, bandOfCrowd, drawn, extentOf, findAt, nextIn, outlinesOf, timeAt, xOf } from './layout'

const MINUTE = 60_000
const iso = (minutes: number) => new Date(minutes * MINUTE).toISOString()
const VIEW = { from: 0, to: 100 * MINUTE }
const SCALE = { view: VIEW, width: 1_000 }
const NOW = 60 * MINUTE

function lane(runs: [ExecutionStatus, number, number | null][], rest: { planned?: number[]; plannedMore?: boolean; key?: string; buckets?: { start: number; count: number; failed: number }[] } = {}): Lane {
  return readTimeline({
    from: iso(0),
    to: iso(100),
    now: iso(60),
    groupBy: 'task',
    more: 0,
    load: [],
    lanes: [
      {
        key: rest.key ?? 'a',
        title: 'A',
        taskId: 'a',
        enabled: true,
        count: runs.length,
        failed: 0,
        marks: runs.map(([status, start, end], place) => ({ executionId: String(place), status, start: iso(start), end: end === null ? null : iso(end), scheduledFor: iso(start), attempt: 1 })),
        buckets: (rest.buckets ?? []).map(({ start, count, failed }) => ({ start: iso(start), seconds: 600, count, failed, running: 0 })),
        planned: (rest.planned ?? []).map(iso),
        plannedMore: rest.plannedMore ?? false,
      },
    ],
  }).lanes[0]!
}

describe('a mark', () => {
  it('lies from its start to its end', () => expect(extentOf(lane([['success', 10, 30]]).marks[0]!, SCALE, NOW)).toEqual({ x: 100, width: 200 }))
  it('is never too narrow to be seen', () => expect(extentOf(lane([['success', 10, 10]]).marks[0]!, SCALE, NOW).width).toBe(3))
  it('that runs reaches to the present', () => expect(endOf(lane([['running', 50, null]]).marks[0]!, NOW)).toBe(NOW))
  it('that never ran is an instant', () => expect(endOf(lane([['missed', 50, 58]]).marks[0]!, NOW)).toBe(50 * MINUTE))
})

it('places and instants are two sides of one scale', () => expect(timeAt(xOf(33 * MINUTE, SCALE), SCALE)).toBeCloseTo(33 * MINUTE))

describe('of what is drawn', () => {
  it('failures come last, over everything else', () => {
    expect(drawn(lane([['failed', 10, 11], ['success', 12, 13], ['running', 55, null]]), SCALE, NOW).map(({ status }) => status)).toEqual(['success', 'running', 'failed'])
  })

  it('successes on taken pixels are left out, failures never', () => {
    const narrow = { view: { from: 0, to: 10_000 * MINUTE }, width: 1_000 }
    const busy = lane([['success', 10, 12], ['success', 12, 13], ['failed', 14, 15], ['success', 60, 61]])
    expect(drawn(busy, narrow, NOW).map(({ id }) => id)).toEqual(['0', '3', '2'])
  })

  it('what lies outside the view is left out', () => expect(drawn(lane([['success', 110, 120]]), SCALE, NOW)).toEqual([]))

  it('outlines that would lie on one another are one', () => {
    expect(outlinesOf(lane([], { planned: [70, 70.3, 70.6, 90] }), SCALE)).toEqual([{ x: 700, width: 11 }, { x: 900, width: 5 }])
  })
})

describe('what overlaps', () => {
  const levels = (it: Lane) => it.marks.map(({ level }) => level)

  it('lies one below the other, each on the first level that is free', () => {
    const overlapping = lane([['success', 10, 30], ['failed', 20, 40], ['success', 31, 35], ['running', 38, null], ['success', 50, 55]])
    expect(levels(overlapping)).toEqual([0, 1, 0, 0, 1])
    expect(lane([['success', 10, 20], ['success', 30, 50], ['failed', 40, 41]]).marks.map((mark) => mark.levels)).toEqual([1, 2, 2])
    expect(overlapping.levels).toBe(2)
  })
  it('by less than can be seen lies on one level', () => expect(lane([['success', 10, 20.05], ['success', 20, 30]]).levels).toBe(1))
  it('but did not run lies on the first level', () => expect(levels(lane([['running', 10, null], ['skipped', 20, 20], ['missed', 30, null]]))).toEqual([0, 0, 0]))

  const flood = lane([...Array.from({ length: 8 }, (_, place) => ['success', 10 + place, 40] as [ExecutionStatus, number, number]), ['failed', 60, 61]])
  it('by more than a lane has room for comes together on its last level', () => {
    expect(flood.levels).toBe(MOST_LEVELS)
    expect(flood.crowds).toMatchObject([{ start: 14 * MINUTE, end: 40 * MINUTE, marks: [{ id: '4' }, { id: '5' }, { id: '6' }, { id: '7' }] }])
    expect(drawn(flood, SCALE, NOW).map(({ id }) => id)).toEqual(['0', '1', '2', '3', '8'])
    expect(findAt(flood, { x: 300, y: bandOfCrowd(71).middle, height: 71 }, SCALE, NOW)).toMatchObject({ kind: 'crowd' })
  })
  it('is walked over by keys one by one, those in a crowd too', () => {
    const walked = ['0']
    for (let at = nextIn(flood, 0, 1); at && (at = nextIn(flood, at, 1)); ) if (at.kind === 'mark') walked.push(at.mark.id)
    expect(walked).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8'])
  })
  it('counts all of them', () => expect(countWithin(flood, VIEW, NOW)).toMatchObject({ executions: 9, failed: 1 }))

  it('lies round the middle of its lane, no level taller than need be', () => {
    expect([0, 1].map((level) => bandOf({ level, levels: 2 }, 71).middle)).toEqual([27.5, 43.5])
    expect([0, 4].map((level) => bandOf({ level, levels: 5 }, 71))).toEqual([{ middle: 9.5, half: 6 }, { middle: 61.5, half: 6 }])
  })
})

describe('under the pointer', () => {
  const busy = lane([['success', 10, 30], ['failed', 20, 21], ['missed', 50, null]], { planned: [80], buckets: [] })
  it.each([
    [150, 10, '0'],
    [205, 26, '1'],
    [205, 10, '0'],
    [496, 20, '2'],
    [97, 10, '0'],
  ])('at %d and %d lies execution %s', (x, y, id) => expect(findAt(busy, { x, y, height: 36 }, SCALE, NOW)).toMatchObject({ kind: 'mark', mark: { id } }))
  it('lies what is to come', () => expect(findAt(busy, { x: 803, y: 18, height: 36 }, SCALE, NOW)).toEqual({ kind: 'planned', at: 80 * MINUTE }))
  it('lies nothing between', () => expect(findAt(busy, { x: 600, y: 18, height: 36 }, SCALE, NOW)).toBeNull())
  it('lies a bucket where there are too many', () => expect(findAt(lane([], { buckets: [{ start: 10, count: 600, failed: 3 }] }), { x: 150, y: 18, height: 36 }, SCALE, NOW)).toMatchObject({ kind: 'bunch', bunch: { count: 600 } }))
})

it('keys go from one thing of a lane to the next, and stop at the ends', () => {
  const walked = lane([['success', 10, 12], ['failed', 20, 21]], { planned: [80] })
  expect(nextIn(walked, 0, 1)).toMatchObject({ mark: { id: '0' } })
  expect(nextIn(walked, 20 * MINUTE, 1)).toEqual({ kind: 'planned', at: 80 * MINUTE })
  expect(nextIn(walked, 20 * MINUTE, -1)).toMatchObject({ mark: { id: '0' } })
  expect(nextIn(walked, 80 * MINUTE, 1)).toBeNull()
})

describe('the numbers', () => {
  const counted = lane([['success', 10, 12], ['timed_out', 20, 21], ['running', 55, null], ['success', 120, 121]], { planned: [80, 120], buckets: [{ start: 40, count: 7, failed: 2 }] })

  it('are those within the view', () => expect(countWithin(counted, VIEW, NOW)).toEqual({ executions: 10, failed: 3, running: 1, planned: 1, plannedMore: false }))
  it('add up', () => expect(addCounts([countWithin(counted, VIEW, NOW), countWithin(counted, VIEW, NOW)])).toEqual({ executions: 20, failed: 6, running: 2, planned: 2, plannedMore: false }))
  it('are none where nothing ran and nothing will', () => {
    expect([lane([['success', 10, 12]]), lane([], { planned: [80] }), lane([['success', 120, 121]], { planned: [130] })].map((it) => hasWithin(it, VIEW, NOW))).toEqual([true, true, false])
  })
  it('say when more is planned than is told', () => {
    expect(countWithin(lane([], { planned: [70, 80], plannedMore: true }), VIEW, NOW)).toMatchObject({ planned: 2, plannedMore: true })
    expect(countWithin(lane([], { planned: [70, 120], plannedMore: true }), VIEW, NOW)).toMatchObject({ planned: 1, plannedMore: false })
  })
  it('and the list tell of the same executions', () => expect(marksWithin(counted, VIEW, NOW)).toHaveLength(3))
})

it('lanes stay where they are when they are told anew; new ones come last', () => {
  const told = ['c', 'b', 'd', 'a'].map((key) => lane([], { key }))
  expect(keepOrder(['a', 'b', 'gone', 'c'], told).map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd'])
})
