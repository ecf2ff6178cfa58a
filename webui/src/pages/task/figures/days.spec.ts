import { describe, expect, it } from 'vitest'
import type { SeriesBucket } from '@/api/figures'
import { addDays, layDays, levelOf, monthMarks, tellDays } from './days'

const figures = (ran: number, failed = 0, missed = 0, other = 0) => ({ ran, failed, missed, other })
function bucket(date: string, success: number, failed = 0): SeriesBucket {
  return { start: `${date}T00:00:00.000Z`, date, success, failed, timeout: 0, cancelled: 0, skipped: 0, missed: 0, p50Seconds: 1, p95Seconds: 2, maxSeconds: 3, startDelayP95Seconds: 0 }
}

describe('levelOf', () => {
  it.each([
    [null, 'none'],
    [figures(0), 'none'],
    [figures(0, 0, 2), 'missed'],
    [figures(0, 0, 0, 1), 'idle'],
    [figures(100), 'ok1'],
    [figures(200), 'ok2'],
    [figures(300), 'ok3'],
    [figures(300, 1), 'ok3'],
    [figures(200, 1), 'fail1'],
    [figures(100, 3), 'fail2'],
    [figures(100, 8), 'fail3'],
    [figures(1, 1), 'fail3'],
  ] as const)('of %j beside 300 is %s', (day, level) => expect(levelOf(day, 300)).toBe(level))
})

describe('layDays', () => {
  it('puts each date under the week and on the row of its weekday', () => {
    const days = layDays('2026-11-20', '2026-11-24', [bucket('2026-11-23', 3)], new Set(['2026-11-24']))
    expect(days.map(({ date, week, weekday }) => [date, week, weekday])).toEqual([
      ['2026-11-20', 0, 4],
      ['2026-11-21', 0, 5],
      ['2026-11-22', 0, 6],
      ['2026-11-23', 1, 0],
      ['2026-11-24', 1, 1],
    ])
    expect(days[3]).toMatchObject({ level: 'ok3', planned: false, figures: { ran: 3 } })
    expect(days[4]).toMatchObject({ level: 'none', planned: true, figures: null })
  })

  it('counts every day once over a change of the clock', () => expect(layDays('2026-03-01', '2026-04-30', [], new Set())).toHaveLength(61))
})

it('names a month over the week it begins in', () => {
  const days = layDays('2026-10-15', '2026-12-10', [], new Set())
  expect(monthMarks(days).map(({ month }) => month)).toEqual(['2026-11-01', '2026-12-01'])
})

it('tells the days apart, and the worst', () => {
  const days = layDays('2026-11-20', '2026-11-24', [bucket('2026-11-20', 10), bucket('2026-11-21', 9, 1), bucket('2026-11-23', 1, 1)], new Set())
  expect(tellDays(days)).toMatchObject({ ran: 3, clean: 1, failing: 2, worst: { date: '2026-11-23' } })
})

it('adds days over the end of a year', () => expect(addDays('2026-12-31', 1)).toBe('2027-01-01'))
