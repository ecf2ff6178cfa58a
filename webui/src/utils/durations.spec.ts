import { describe, expect, it } from 'vitest'
import type { RecentResult } from '@/api/types'
import { summariseDurations } from './durations'

const took = (millis: number, status: RecentResult['status'] = 'success'): RecentResult => ({
  id: 'x',
  status,
  scheduledFor: '1970-01-01T00:00:00Z',
  startedAt: new Date(0).toISOString(),
  finishedAt: new Date(millis).toISOString(),
})

describe('summariseDurations', () => {
  it('is the middle and the slowest of the successes', () => {
    expect(summariseDurations([took(30), took(10), took(999, 'failed'), took(20)])).toEqual({ typical: 20, slowest: 30 })
  })
  it('is null when nothing succeeded', () => {
    expect(summariseDurations([took(5, 'timed_out'), { ...took(5), startedAt: null }])).toBeNull()
  })
})
