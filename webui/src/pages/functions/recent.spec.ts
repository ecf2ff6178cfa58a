import { describe, expect, it } from 'vitest'
import { percentOf, recentShare } from './recent'

const figures = (ended: number, failed: number) => ({ ended, failed, p50Seconds: 1, p95Seconds: 2 })

describe('recentShare', () => {
  it.each([
    [100, 0, 'plain'],
    [100, 1, 'miss'],
    [100, 5, 'fail'],
    [1, 1, 'fail'],
  ])('of %d ended, %d failed: %s', (ended, failed, tone) => expect(recentShare(figures(ended, failed))?.tone).toBe(tone))
  it('says nothing where nothing ended', () => expect([recentShare(figures(0, 0)), recentShare(null), recentShare(undefined)]).toEqual([null, null, null]))
})

it.each([[0, '0%'], [0.00001, '0.1%'], [0.0234, '2.3%'], [0.234, '23%'], [0.99999, '99.9%'], [1, '100%']])('percentOf %d is %s', (share, text) => expect(percentOf(share, 'en')).toBe(text))
