import { describe, expect, it } from 'vitest'
import type { Task } from '@/api/types'
import { atDefaults, blankDraft, bodyOf, changesBetween, conflictsOf, draftOf, isChanged, missingOf, previewOf, type TaskDraft } from './draft'
import { blankRule, type RuleDraft } from './rules'

const rule = (changes: Partial<RuleDraft> = {}, id = 0): RuleDraft => ({ ...blankRule(id, 'UTC'), cronExpression: ' 0 3 * * * ', ...changes })
const filled = (): TaskDraft => ({ ...blankDraft('UTC'), name: 'Report', functionName: 'acme.report', rules: [rule()] })

describe('bodyOf', () => {
  it('trims text and reads numbers', () => {
    expect(bodyOf({ ...filled(), timeoutSeconds: '90' })).toMatchObject({ schedules: [{ kind: 'cron', cronExpression: '0 3 * * *' }], timeoutSeconds: 90 })
  })

  it('a task by hand has no schedule, whatever was typed before', () => {
    expect(bodyOf({ ...filled(), onSchedule: false }).schedules).toEqual([])
  })

  it('a task has the zone of its first expression', () => {
    const rules = [rule({ kind: 'interval', everySeconds: '60', timezone: 'Asia/Tokyo' }), rule({ timezone: 'Europe/Berlin' }, 1)]
    expect(bodyOf({ ...filled(), rules }).timezone).toBe('Europe/Berlin')
    expect(bodyOf({ ...filled(), rules: rules.slice(0, 1) }).timezone).toBe('Asia/Tokyo')
    expect(bodyOf({ ...filled(), rules, onSchedule: false }).timezone).toBe('UTC')
  })

  it('a number of a policy that is not in force does not stop the others', () => {
    const draft = { ...filled(), catchUpMax: 'many', overlapQueueMax: '' }
    expect(missingOf(draft).size).toBe(0)
    expect(bodyOf(draft)).toMatchObject({ catchUpMax: 100, overlapQueueMax: 10 })
    expect(missingOf({ ...draft, catchUp: 'all' }).get('catchUpMax')).toBe('number')
  })

  it('reads words however they are separated', () => expect(bodyOf({ ...filled(), retryOn: ' timeout,  OSError ,' }).retryOn).toEqual(['timeout', 'OSError']))

  it('an HTTP task keeps nothing of a function', () => {
    const body = bodyOf({ ...filled(), type: 'http', httpUrl: 'https://x.test', httpHeaders: [{ name: 'A', value: '1' }, { name: ' ', value: '2' }] })
    expect(body).toMatchObject({ functionName: null, functionPayload: {}, httpHeaders: { A: '1' }, httpBody: null })
  })
})

it('bodyOf expects a 2xx where nothing is said, and nothing of a function', () => {
  const http: TaskDraft = { ...filled(), type: 'http', httpUrl: 'https://x.test', httpExpectStatus: ' ', httpExpectBody: 'ok', httpRetryStatus: '429 5xx' }
  expect(bodyOf(http)).toMatchObject({ httpExpectStatus: ['2xx'], httpExpectBody: 'ok', httpRetryStatus: ['429', '5xx'] })
  expect(bodyOf({ ...http, type: 'function', httpExpectStatus: '204' })).toMatchObject({ httpExpectStatus: ['2xx'], httpExpectBody: null, httpRetryStatus: [] })
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
    const theirs = bodyOf({ ...filled(), name: 'Theirs', description: 'new' })
    expect(conflictsOf(base, mine, theirs)).toEqual([{ field: 'name', mine: 'Mine', theirs: 'Theirs' }])
    expect(conflictsOf(base, mine, base)).toEqual([])
  })
})

describe('missingOf', () => {
  it('a blank draft lacks its name, function and schedule', () => {
    expect([...missingOf(blankDraft('UTC')).keys()]).toEqual(['name', 'functionName', 'schedules.0.cronExpression'])
  })
  it('numbers must be whole', () => expect(missingOf({ ...filled(), maxRetries: '1.5' }).get('maxRetries')).toBe('number'))
  it('each schedule lacks what its kind needs', () => {
    const rules = [rule({ kind: 'once' }), rule({ kind: 'interval' }, 1), rule({ kind: 'interval', everySeconds: '1.5' }, 2), rule({}, 3)]
    expect([...missingOf({ ...filled(), rules })]).toEqual([['schedules.0.at', 'atEmpty'], ['schedules.1.everySeconds', 'everyEmpty'], ['schedules.2.everySeconds', 'number']])
    expect(missingOf({ ...filled(), rules, onSchedule: false }).size).toBe(0)
  })
  it('a complete draft lacks nothing', () => expect(missingOf(filled()).size).toBe(0))
})

describe('previewOf', () => {
  it('leaves out schedules that are not complete, and knows the places of the others', () => {
    const rules = [rule({ cronExpression: '' }), rule({}, 1), rule({ kind: 'once' }, 2), rule({ kind: 'interval', everySeconds: '60' }, 3)]
    const { body, places } = previewOf({ ...filled(), rules })
    expect(places).toEqual([1, 3])
    expect(body.schedules?.map(({ kind }) => kind)).toEqual(['cron', 'interval'])
  })
})

it('policies that say what would hold anyway are at their defaults', () => {
  expect(atDefaults(filled(), ['catchUp', 'startAt'])).toBe(true)
  expect(atDefaults({ ...filled(), startAt: '2027-01-01T00:00:00.000Z' }, ['catchUp', 'startAt'])).toBe(false)
})

const rest = {
  name: 'N', description: '', tags: ['a'], type: 'http', functionName: null, functionPayload: {}, httpMethod: 'POST', httpUrl: 'https://x.test',
  httpHeaders: { A: 'b' }, httpBody: '{}', httpExpectStatus: ['200', '300-399'], httpExpectBody: 'ok', httpRetryStatus: ['5xx'], timezone: 'UTC', startAt: null, endAt: '2027-01-01T00:00:00.000Z', pausedUntil: null, jitterSeconds: 5, maxExecutions: null,
  catchUp: 'last', catchUpWindowSeconds: 60, catchUpMax: 5, misfireGraceSeconds: 0, overlap: 'allow', overlapQueueMax: 3, delivery: 'at_most_once',
  enabled: false, maxRetries: 2, retryDelaySeconds: 5, retryBackoff: 'exponential', retryMaxDelaySeconds: 50, retryJitterPercent: 10, retryOn: ['timeout'], noRetryOn: [], timeoutSeconds: 9,
}
const calendars = [{ calendarId: 'c', mode: 'exclude' }]
it.each([
  ['no schedule', []],
  ['an expression', [{ kind: 'cron', cronExpression: '0 3 * * *', timezone: 'UTC', onDstGap: 'skip', onDstRepeat: null, calendars, payload: { a: 1 } }]],
  ['a grid', [{ kind: 'interval', everySeconds: 90, anchorAt: '2026-01-01T00:00:00.000Z', afterEnd: false, timezone: 'UTC', calendars: [], payload: null }]],
  ['the second pass of a repeated hour', [{ kind: 'once', at: '2026-10-25T01:30:00.000Z', timezone: 'Europe/Helsinki', calendars: [], payload: null }]],
])('a task with %s survives the way into the form and back', (_, schedules) => {
  const task = { ...rest, timezone: schedules[0]?.timezone ?? 'UTC', schedules } as unknown as Task
  expect(bodyOf(draftOf(task))).toEqual(task)
  expect(isChanged(draftOf(task), draftOf(task))).toBe(false)
})

it('the place of a single run is read on the clock of its zone', () => {
  const draft = { ...filled(), rules: [rule({ kind: 'once', at: '2026-11-30T09:00', timezone: 'Asia/Tokyo' })] }
  expect(bodyOf(draft).schedules).toMatchObject([{ kind: 'once', at: '2026-11-30T00:00:00.000Z' }])
})
