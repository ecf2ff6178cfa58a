import { describe, expect, it } from 'vitest'
import { isFiltered, NO_FILTERS, parseStatuses, queriesOf } from './filters'

const NOW = Date.parse('2026-06-01T12:00:00.000Z')

describe('queriesOf', () => {
  it('without filters asks once for everything', () => {
    expect(queriesOf(NO_FILTERS, NOW)).toEqual([{}])
    expect(isFiltered(NO_FILTERS)).toBe(false)
  })

  it('asks once per status, with what else is filtered', () => {
    expect(queriesOf({ ...NO_FILTERS, status: 'lost,failed', task: 'a', trigger: 'manual' }, NOW)).toEqual([
      { taskId: 'a', trigger: 'manual', status: 'failed' },
      { taskId: 'a', trigger: 'manual', status: 'lost' },
    ])
  })

  it('passes over what the address names wrongly', () => {
    expect(queriesOf({ ...NO_FILTERS, trigger: 'magic', time: 'eternity', status: 'great' }, NOW)).toEqual([{}])
    expect(queriesOf({ ...NO_FILTERS, time: 'custom', from: 'soon' }, NOW)).toEqual([{}])
  })

  it('counts a span back from now', () => {
    expect(queriesOf({ ...NO_FILTERS, time: 'hour' }, NOW)).toEqual([{ from: '2026-06-01T11:00:00.000Z' }])
  })

  it('takes both ends of a range', () => {
    expect(queriesOf({ ...NO_FILTERS, time: 'custom', from: '2026-05-01T00:00:00Z', to: '2026-05-02T00:00:00Z' }, NOW)).toEqual([
      { from: '2026-05-01T00:00:00.000Z', to: '2026-05-02T00:00:00.000Z' },
    ])
  })
})

describe('parseStatuses', () => {
  it('knows each once, in their order', () => expect(parseStatuses('success,queued,success,')).toEqual(['queued', 'success']))
})
