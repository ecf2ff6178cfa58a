import { describe, expect, it } from 'vitest'
import type { Execution } from '@/api/types'
import { giveOut, isDry, type OlderStream } from './streams'

const stream = (query: string, cursor: string | null, ...numbers: number[]): OlderStream<string> => ({
  query,
  cursor,
  waiting: numbers.map((n) => ({ id: `${query}${n}`, queuedAt: new Date(n * 1_000).toISOString() }) as Execution),
})
const ids = (list: readonly Execution[]) => list.map(({ id }) => id).join(' ')

describe('giveOut', () => {
  it('one stream gives all it has', () => {
    const { given, rest } = giveOut([stream('a', 'more', 3, 2, 1)])
    expect(ids(given)).toBe('a3 a2 a1')
    expect(isDry(rest)).toBe(false)
  })

  it('merges newest first, and stops where a stream must be read on', () => {
    const { given, rest } = giveOut([stream('a', 'more', 9, 5), stream('b', null, 8, 7, 3, 1)])
    expect(ids(given)).toBe('a9 b8 b7 a5')
    expect(ids(rest[1]!.waiting)).toBe('b3 b1')
  })

  it('an ended stream holds nobody up', () => {
    const { given, rest } = giveOut([stream('a', null), stream('b', null, 2, 1)])
    expect(ids(given)).toBe('b2 b1')
    expect(isDry(rest)).toBe(true)
  })
})
