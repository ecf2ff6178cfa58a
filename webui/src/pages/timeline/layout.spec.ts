import { describe, expect, it } from 'vitest'
import type { ExecutionStatus } from '@/api/types'
import { addCounts, countWithin, endOf, keepOrder, marksWithin, readTimeline, type Lane } from './lanes'
import { drawn, extentOf, findAt, nextIn, outlinesOf, timeAt, xOf } from './layout'

const MINUTE = 60_000
const iso = (minutes: number) => new Date(minutes * MINUTE).toISOString()
const VIEW = { from: 0, to: 100 * MINUTE }
const SCALE = { view: VIEW, width: 1_000 }
const NOW = 60 * MINUTE

function lane(runs: [ExecutionStatus, number, number | null][], rest: { planned?: number[]; key?: string; buckets?: { start: number; count: number; failed: number }[] } = {}): Lane {
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
        plannedMore: false,
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
    const crowd = lane([['success', 10, 12], ['success', 10.1, 10.2], ['failed', 10.1, 10.2], ['success', 11, 13]])
    expect(drawn(crowd, SCALE, NOW).map(({ id }) => id)).toEqual(['0', '3', '2'])
  })

  it('what lies outside the view is left out', () => expect(drawn(lane([['success', 110, 120]]), SCALE, NOW)).toEqual([]))

  it('outlines that would lie on one another are one', () => {
    expect(outlinesOf(lane([], { planned: [70, 70.3, 70.6, 90] }), SCALE)).toEqual([{ x: 700, width: 11 }, { x: 900, width: 5 }])
  })
})

describe('under the pointer', () => {
  const busy = lane([['success', 10, 30], ['failed', 20, 21], ['missed', 50, null]], { planned: [80], buckets: [] })
  it.each([
    [150, '0'],
    [205, '1'],
    [496, '2'],
    [97, '0'],
  ])('at %d lies execution %s', (x, id) => expect(findAt(busy, x, SCALE, NOW)).toMatchObject({ kind: 'mark', mark: { id } }))
  it('lies what is to come', () => expect(findAt(busy, 803, SCALE, NOW)).toEqual({ kind: 'planned', at: 80 * MINUTE }))
  it('lies nothing between', () => expect(findAt(busy, 600, SCALE, NOW)).toBeNull())
  it('lies a bucket where there are too many', () => expect(findAt(lane([], { buckets: [{ start: 10, count: 600, failed: 3 }] }), 150, SCALE, NOW)).toMatchObject({ kind: 'bunch', bunch: { count: 600 } }))
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

  it('are those within the view', () => expect(countWithin(counted, VIEW, NOW)).toEqual({ executions: 10, failed: 3, running: 1, planned: 1 }))
  it('add up', () => expect(addCounts([countWithin(counted, VIEW, NOW), countWithin(counted, VIEW, NOW)])).toEqual({ executions: 20, failed: 6, running: 2, planned: 2 }))
  it('and the list tell of the same executions', () => expect(marksWithin(counted, VIEW, NOW)).toHaveLength(3))
})

it('lanes stay where they are when they are told anew; new ones come last', () => {
  const told = ['c', 'b', 'd', 'a'].map((key) => lane([], { key }))
  expect(keepOrder(['a', 'b', 'gone', 'c'], told).map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd'])
})
