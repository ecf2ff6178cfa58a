import { describe, expect, it } from 'vitest'
import { isFiltered, NO_FILTERS, parseStatuses, queryOf, STATUSES } from './filters'

const NOW = Date.parse('2026-06-01T12:00:00.000Z')

describe('queryOf', () => {
  it('without filters asks for everything', () => {
    expect(queryOf(NO_FILTERS, NOW)).toEqual({})
    expect(isFiltered(NO_FILTERS)).toBe(false)
  })

  it('asks for several statuses at once, with what else is filtered', () => {
    expect(queryOf({ ...NO_FILTERS, status: 'lost,failed', task: 'a', function: 'f', trigger: 'manual' }, NOW)).toEqual({
      taskId: 'a',
      functionName: 'f',
      trigger: 'manual',
      status: 'failed,lost',
    })
  })

  it('every status is any status', () => expect(queryOf({ ...NO_FILTERS, status: STATUSES.join(',') }, NOW)).toEqual({}))

  it('passes over what the address names wrongly', () => {
    expect(queryOf({ ...NO_FILTERS, trigger: 'magic', time: 'eternity', status: 'great' }, NOW)).toEqual({})
    expect(queryOf({ ...NO_FILTERS, time: 'custom', from: 'soon' }, NOW)).toEqual({})
  })

  it('counts a span back from now', () => {
    expect(queryOf({ ...NO_FILTERS, time: 'hour' }, NOW)).toEqual({ from: '2026-06-01T11:00:00.000Z' })
  })

  it('takes both ends of a range', () => {
    expect(queryOf({ ...NO_FILTERS, time: 'custom', from: '2026-05-01T00:00:00Z', to: '2026-05-02T00:00:00Z' }, NOW)).toEqual({
      from: '2026-05-01T00:00:00.000Z',
      to: '2026-05-02T00:00:00.000Z',
    })
  })
})

describe('parseStatuses', () => {
  it('knows each once, in their order', () => expect(parseStatuses('success,queued,success,')).toEqual(['queued', 'success']))
})
