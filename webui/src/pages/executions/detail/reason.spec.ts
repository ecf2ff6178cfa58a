import { describe, expect, it } from 'vitest'
import { reasonSentence } from './reason'

const NOW = Date.parse('2026-01-01T00:00:10.000Z')
const LATER = '2026-01-01T00:01:00.000Z'
const BEFORE = '2026-01-01T00:00:00.000Z'

describe('reasonSentence', () => {
  it.each([
    ['queued', null, BEFORE, 'new', null],
    ['queued', null, LATER, 'waiting', LATER],
    ['queued', 'retrying', LATER, 'retrying', LATER],
    ['queued', 'retrying', BEFORE, 'retryingNow', null],
    ['queued', 'shutdown', BEFORE, 'cutOffQueued', null],
    ['running', 'retrying', BEFORE, 'running', null],
    ['skipped', 'overlap', BEFORE, 'overlap', null],
    ['success', 'completed', BEFORE, 'completed', null],
  ] as const)('%s for %s at %s is told as %s', (status, reason, availableAt, key, at) => {
    expect(reasonSentence({ status, reason, availableAt, cancelRequested: false, waitReason: null }, NOW)).toEqual({ key, at })
  })

  it('says what a queued one waits for', () => {
    const queued = { status: 'queued', reason: null, cancelRequested: false } as const
    expect(reasonSentence({ ...queued, availableAt: null, waitReason: 'earlier_execution' }, NOW)).toEqual({ key: 'held', at: null })
    expect(reasonSentence({ ...queued, availableAt: LATER, waitReason: 'start_delayed' }, NOW)).toEqual({ key: 'spread', at: LATER })
  })

  it('says that a running one was asked to end', () => {
    expect(reasonSentence({ status: 'running', reason: null, availableAt: BEFORE, cancelRequested: true, waitReason: null }, NOW).key).toBe('cancelRequested')
  })
})
