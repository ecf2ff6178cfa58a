import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { collectKeys, staleKeys } from './staleness'

describe('staleKeys', () => {
  it('a changed task makes its lists, itself and the numbers stale', () => {
    expect(staleKeys({ kind: 'task', id: 'a', change: 'updated' })).toEqual([['tasks', 'list'], ['tasks', 'one', 'a'], ['stats']])
  })

  it('a pause of everything changes what every task runs next', () => {
    expect(staleKeys({ kind: 'stats', id: 'pause', change: 'updated' })).toEqual([['stats'], ['pause'], ['tasks']])
    expect(staleKeys({ kind: 'stats', id: '', change: 'updated' })).toEqual([['stats']])
  })

  it('a changed calendar changes what its tasks run next', () => {
    expect(staleKeys({ kind: 'calendar', id: 'c', change: 'updated' })).toEqual([['calendars'], ['tasks']])
  })

  it('new log lines make nothing stale: the log has its own stream', () => {
    expect(staleKeys({ kind: 'log', id: 'a', change: 'updated' })).toEqual([])
  })
})

describe('collectKeys', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('hands on each key once, at most once a second', () => {
    const flushed: unknown[] = []
    const add = collectKeys((keys) => flushed.push(keys))
    add([['stats'], ['stats'], ['tasks']])
    vi.advanceTimersByTime(60)
    expect(flushed).toEqual([[['stats'], ['tasks']]])
    add([['stats']])
    vi.advanceTimersByTime(500)
    expect(flushed).toHaveLength(1)
    vi.advanceTimersByTime(600)
    expect(flushed).toHaveLength(2)
  })
})
