import { describe, expect, it } from 'vitest'
import { filterOf, isFiltered, NO_FILTERS, sortOf } from './filters'

describe('filterOf', () => {
  it('asks for everything when nothing is filtered', () => {
    expect(filterOf(NO_FILTERS)).toEqual({})
    expect(isFiltered(NO_FILTERS)).toBe(false)
  })

  it('names every filter as the server does', () => {
    const state = { q: ' sales ', state: 'failing', type: 'http', tag: ['nightly', 'sales'], function: 'acme.greet', calendar: 'c1' }

    expect(filterOf(state)).toEqual({ q: 'sales', state: 'failing', type: 'http', tag: ['nightly', 'sales'], functionName: 'acme.greet', calendarId: 'c1' })
    expect(isFiltered(state)).toBe(true)
  })

  it('leaves out what an address made up', () => {
    expect(filterOf({ ...NO_FILTERS, state: 'happy', type: 'carrier-pigeon' })).toEqual({})
  })
})

describe('sortOf', () => {
  it('falls back to the newest first', () => {
    expect(sortOf('nextRunAt')).toBe('nextRunAt')
    expect(sortOf('colour')).toBe('-createdAt')
  })
})
