import { describe, expect, it } from 'vitest'
import type { Execution } from '@/api/types'
import { append, EMPTY_WINDOW, patch, showFresh, takeHead } from './window'

const execution = (n: number, status: Execution['status'] = 'success') => ({ id: `e${n}`, status, queuedAt: new Date(n * 1_000).toISOString() }) as Execution
const some = (...numbers: number[]) => numbers.map((n) => execution(n))
const page = (nextCursor: string | null, ...numbers: number[]) => ({ list: some(...numbers), nextCursor })
const ids = (rows: readonly Execution[]) => rows.map((row) => row.id).join(' ')
const start = append(takeHead(EMPTY_WINDOW, page('after7', 9, 8, 7)), page('after5', 6, 5))

describe('the window of a list', () => {
  it('shows the first page, then older ones once each', () => {
    const { rows, cursor } = append(start, page(null, 5, 4))
    expect(ids(rows)).toBe('e9 e8 e7 e6 e5 e4')
    expect(cursor).toBeNull()
  })

  it('what is new waits, and no row moves', () => {
    const window = takeHead(start, page('after9', 11, 10, 9))
    expect(ids(window.rows)).toBe('e9 e8 e7 e6 e5')
    expect(window).toMatchObject({ fresh: 2, freshMore: false, cursor: 'after5' })
  })

  it('shows what is new above the rest, and still goes on after the rest', () => {
    const window = showFresh(takeHead(start, page('after9', 11, 10, 9)))
    expect(ids(window.rows)).toBe('e11 e10 e9 e8 e7 e6 e5')
    expect(window).toMatchObject({ fresh: 0, cursor: 'after5' })
  })

  it('begins anew when what is new does not reach what is shown', () => {
    const window = takeHead(start, page('after21', 23, 22, 21))
    expect(window).toMatchObject({ fresh: 3, freshMore: true, cursor: 'after5' })
    const shown = showFresh(window)
    expect(ids(shown.rows)).toBe('e23 e22 e21')
    expect(shown).toMatchObject({ fresh: 0, freshMore: false, cursor: 'after21' })
  })

  it('brings a shown row up to date in its place', () => {
    const window = takeHead(start, { list: [execution(9, 'failed'), ...some(8, 7)], nextCursor: 'after7' })
    expect(window.rows.map((row) => row.status)).toEqual(['failed', 'success', 'success', 'success', 'success'])
    expect(patch(start, [execution(5, 'lost')]).rows.at(-1)?.status).toBe('lost')
  })

  it('one that came to match later is new though it is not the newest', () => {
    const window = takeHead(takeHead(EMPTY_WINDOW, page(null, 9, 7, 5)), page(null, 9, 8, 7))
    expect(window.fresh).toBe(1)
    expect(ids(showFresh(window).rows)).toBe('e9 e8 e7 e5')
  })

  it('an empty list takes whatever comes first', () => {
    const empty = takeHead(EMPTY_WINDOW, page(null))
    expect(takeHead(empty, page('after2', 3, 2))).toMatchObject({ fresh: 0, cursor: 'after2' })
  })
})
