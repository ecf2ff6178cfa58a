import { describe, expect, it } from 'vitest'
import type { RegisteredFunction } from '@/api/types'
import { blankDraft, type TaskDraft } from './draft'
import { adopted, suggestedFields, suggestionsOf } from './suggestions'

const nothing = { timeoutSeconds: null, maxRetries: null, retryDelaySeconds: null, retryBackoff: null, retryMaxDelaySeconds: null, retryJitterPercent: null, retryOn: [], noRetryOn: [] }
const known = (changes: Partial<RegisteredFunction>) => ({ ...nothing, ...changes }) as RegisteredFunction
const report = known({ timeoutSeconds: 600, maxRetries: 3, retryBackoff: 'exponential', retryOn: ['timeout', 'OSError'] })
const draft = (changes: Partial<TaskDraft> = {}) => ({ ...blankDraft('UTC'), ...changes })

it('suggestionsOf leaves out what the author leaves open', () => {
  expect(suggestionsOf(report)).toEqual({ timeoutSeconds: '600', maxRetries: '3', retryBackoff: 'exponential', retryOn: 'timeout, OSError' })
  expect(suggestionsOf(known({ maxRetries: 0 }))).toEqual({ maxRetries: '0' })
  expect(suggestionsOf(undefined)).toEqual({})
})

describe('a draft that takes another function', () => {
  it('takes what the function suggests', () => {
    expect(adopted(draft(), undefined, report)).toMatchObject({ timeoutSeconds: '600', maxRetries: '3', retryDelaySeconds: '60' })
  })
  it('keeps what somebody has typed', () => {
    const changes = adopted(draft({ timeoutSeconds: '90' }), undefined, report)
    expect(changes).not.toHaveProperty('timeoutSeconds')
    expect(changes.maxRetries).toBe('3')
  })
  it('gives up what the function before suggested', () => {
    const before = draft({ timeoutSeconds: '600', maxRetries: '3', retryBackoff: 'exponential', retryOn: 'timeout, OSError' })
    expect(adopted(before, report, known({ timeoutSeconds: 20 }))).toMatchObject({ timeoutSeconds: '20', maxRetries: '0', retryBackoff: 'fixed', retryOn: '' })
  })
})

it('suggestedFields are those that still say what the author suggests', () => {
  expect([...suggestedFields(draft({ timeoutSeconds: '600', maxRetries: '2' }), report)]).toEqual(['timeoutSeconds'])
})
