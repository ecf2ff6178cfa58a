import { describe, expect, it } from 'vitest'
import type { Task } from '@/api/types'
import { blankDraft, bodyOf, changesBetween, conflictsOf, draftOf, isChanged, missingOf } from './draft'

const filled = () => ({ ...blankDraft('UTC'), name: 'Report', functionName: 'acme.report', cronExpression: ' 0 3 * * * ' })

describe('bodyOf', () => {
  it('trims text and reads numbers', () => {
    expect(bodyOf({ ...filled(), timeoutSeconds: '90' })).toMatchObject({ cronExpression: '0 3 * * *', timeoutSeconds: 90 })
  })

  it('a task by hand has no schedule, whatever was typed before', () => {
    expect(bodyOf({ ...filled(), onSchedule: false }).cronExpression).toBeNull()
  })

  it('an HTTP task keeps nothing of a function', () => {
    const body = bodyOf({ ...filled(), type: 'http', httpUrl: 'https://x.test', httpHeaders: [{ name: 'A', value: '1' }, { name: ' ', value: '2' }] })
    expect(body).toMatchObject({ functionName: null, functionPayload: {}, httpHeaders: { A: '1' }, httpBody: null })
  })
})

describe('changesBetween', () => {
  it('names only what differs, however deep', () => {
    const before = bodyOf({ ...filled(), functionPayload: { a: { b: [1, 2] } } })
    expect(changesBetween(before, bodyOf({ ...filled(), functionPayload: { a: { b: [1, 2] } } }))).toEqual({})
    expect(changesBetween(before, bodyOf({ ...filled(), functionPayload: { a: { b: [1, 3] } } }))).toEqual({ functionPayload: { a: { b: [1, 3] } } })
  })
})

describe('conflictsOf', () => {
  it('are the fields that both changed, each to something else', () => {
    const base = bodyOf(filled())
    const mine = bodyOf({ ...filled(), name: 'Mine' })
    const theirs = bodyOf({ ...filled(), name: 'Theirs', timezone: 'Asia/Tokyo' })
    expect(conflictsOf(base, mine, theirs)).toEqual([{ field: 'name', mine: 'Mine', theirs: 'Theirs' }])
    expect(conflictsOf(base, mine, base)).toEqual([])
  })
})

describe('missingOf', () => {
  it('a blank draft lacks its name, function and schedule', () => {
    expect([...missingOf(blankDraft('UTC')).keys()]).toEqual(['name', 'functionName', 'cronExpression'])
  })
  it('numbers must be whole', () => expect(missingOf({ ...filled(), maxRetries: '1.5' }).get('maxRetries')).toBe('number'))
  it('a complete draft lacks nothing', () => expect(missingOf(filled()).size).toBe(0))
})

it('a task survives the way into the form and back', () => {
  const task = {
    name: 'N', description: '', tags: ['a'], type: 'http', functionName: null, functionPayload: {}, httpMethod: 'POST', httpUrl: 'https://x.test',
    httpHeaders: { A: 'b' }, httpBody: '{}', cronExpression: null, timezone: 'UTC', catchUp: 'last', overlap: 'allow', delivery: 'at_most_once',
    enabled: false, maxRetries: 2, retryDelaySeconds: 5, timeoutSeconds: 9,
  } as unknown as Task
  expect(bodyOf(draftOf(task))).toEqual(task)
  expect(isChanged(draftOf(task), draftOf(task))).toBe(false)
})
