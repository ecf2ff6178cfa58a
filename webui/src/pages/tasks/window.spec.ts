import { describe, expect, it } from 'vitest'
import { countNew, keepPages, placeOf, release, rowAt, takePage, windowOf } from './window'

const SIZE = 2
const page = (total: number, ...rows: [string, number?][]) => ({ total, list: rows.map(([id, value = 0]) => ({ id, value })) })
type Row = { id: string; value: number }

describe('a window on a long list', () => {
  const shown = takePage(windowOf<Row>(4), 0, page(4, ['a'], ['b']), false)

  it('knows rows of the pages it took, and no others', () => {
    expect(rowAt(shown, 1, SIZE)?.id).toBe('b')
    expect(rowAt(shown, 2, SIZE)).toBeUndefined()
    expect(placeOf(shown, 'b', SIZE)).toBe(1)
    expect(placeOf(shown, 'z', SIZE)).toBe(-1)
  })

  it('brings rows up to date in their place while somebody points at them', () => {
    const next = takePage(shown, 0, page(4, ['b', 7], ['a', 8]), false)

    expect([rowAt(next, 0, SIZE), rowAt(next, 1, SIZE)]).toEqual([{ id: 'a', value: 8 }, { id: 'b', value: 7 }])
    expect(next.held.size).toBe(1)
  })

  it('takes the new order when nobody is disturbed, or when asked to', () => {
    const swapped = page(4, ['b'], ['a'])

    expect(rowAt(takePage(shown, 0, swapped, true), 0, SIZE)?.id).toBe('b')
    const released = release(takePage(shown, 0, swapped, false))
    expect(rowAt(released, 0, SIZE)?.id).toBe('b')
    expect(released.held.size).toBe(0)
  })

  it('counts what is new, and keeps its length until that is shown', () => {
    const grown = takePage(shown, 0, page(6, ['x'], ['y']), false)

    expect([grown.total, countNew(grown)]).toEqual([4, 2])
    expect([release(grown).total, countNew(release(grown))]).toEqual([6, 0])
  })

  it('shows a row in one place when it moved from one page to another', () => {
    const both = takePage(shown, 1, page(4, ['c'], ['d']), false)

    const moved = takePage(both, 1, page(4, ['b'], ['c']), true)

    expect(rowAt(moved, 1, SIZE)).toBeUndefined()
    expect(rowAt(moved, 2, SIZE)?.id).toBe('b')
    expect(rowAt(takePage(moved, 0, page(4, ['d'], ['a']), false), 0, SIZE)?.id).toBe('d')
  })

  it('forgets pages that are far away', () => {
    const both = takePage(shown, 1, page(4, ['c'], ['d']), false)

    const kept = keepPages(both, (number) => number === 1)

    expect(rowAt(kept, 0, SIZE)).toBeUndefined()
    expect([...kept.rows.keys()]).toEqual(['c', 'd'])
    expect(keepPages(both, () => true)).toBe(both)
  })
})
