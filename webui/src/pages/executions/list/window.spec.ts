import { describe, expect, it } from 'vitest'
import type { Execution } from '@/api/types'
import { append, EMPTY_WINDOW, patch, showFresh, takeHead } from './window'

const execution = (n: number, status: Execution['status'] = 'success') => ({ id: `e${n}`, status, queuedAt: new Date(n * 1_000).toISOString() }) as Execution
const some = (...numbers: number[]) => numbers.map((n) => execution(n))
const ids = (rows: readonly Execution[]) => rows.map((row) => row.id).join(' ')
const start = append(takeHead(EMPTY_WINDOW, some(9, 8, 7)), some(6, 5))

describe('the window of a list', () => {
  it('shows the first page, then older ones once each', () => {
    expect(ids(append(start, some(5, 4)).rows)).toBe('e9 e8 e7 e6 e5 e4')
  })

  it('what is new waits, and no row moves', () => {
    const window = takeHead(start, some(11, 10, 9))
    expect(ids(window.rows)).toBe('e9 e8 e7 e6 e5')
    expect(window).toMatchObject({ fresh: 2, freshMore: false })
  })

  it('shows what is new above the rest', () => {
    const { window, kept } = showFresh(takeHead(start, some(11, 10, 9)))
    expect(ids(window.rows)).toBe('e11 e10 e9 e8 e7 e6 e5')
    expect(kept).toBe(true)
  })

  it('begins anew when what is new does not reach what is shown', () => {
    const window = takeHead(start, some(23, 22, 21))
    expect(window.freshMore).toBe(true)
    const shown = showFresh(window)
    expect(ids(shown.window.rows)).toBe('e23 e22 e21')
    expect(shown.kept).toBe(false)
  })

  it('brings a shown row up to date in its place', () => {
    const window = takeHead(start, [execution(9, 'failed'), ...some(8, 7)])
    expect(window.rows.map((row) => row.status)).toEqual(['failed', 'success', 'success', 'success', 'success'])
    expect(patch(start, [execution(5, 'lost')]).rows.at(-1)?.status).toBe('lost')
  })

  it('one that came to match later is new though it is not the newest', () => {
    const window = takeHead(takeHead(EMPTY_WINDOW, some(9, 7, 5)), some(9, 8, 7))
    expect(window.fresh).toBe(1)
    expect(ids(showFresh(window).window.rows)).toBe('e9 e8 e7 e5')
  })
})
