import { VueQueryPlugin } from '@tanstack/vue-query'
import { enableAutoUnmount, mount } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { defineComponent } from 'vue'
import { fieldFault } from '@/api/problem'
import type { Task } from '@/api/types'
import { i18n, loadMessages } from '@/i18n'
import { blankDraft, draftOf } from './draft'

/** What the server was asked, and what it answers; the client keeps the `fetch` it finds when it is loaded. */
const { asked, answers } = vi.hoisted(() => {
  const asked: { method: string; path: string; headers: Headers; body: unknown }[] = []
  const answers: { status: number; body: unknown }[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    const text = await request.text()
    asked.push({ method: request.method, path: new URL(request.url).pathname, headers: request.headers, body: text ? JSON.parse(text) : null })
    const answer = answers.shift()
    if (!answer) throw new TypeError('no answer is left')
    return new Response(JSON.stringify(answer.body), { status: answer.status, headers: { 'Content-Type': 'application/json' } })
  })
  return { asked, answers }
})
const { useTaskForm } = await import('./useTaskForm')
await loadMessages('taskForm')

const stored = { ...draftFields(), id: 't1', revision: 3 } as unknown as Task
function draftFields() {
  return {
    name: 'Report', description: '', tags: [], type: 'function', functionName: 'acme.report', functionPayload: { days: 7 }, httpMethod: 'GET', httpUrl: null, httpHeaders: {}, httpBody: null, httpExpectStatus: ['2xx'], httpExpectBody: null, httpRetryStatus: [],
    schedules: [{ kind: 'cron', cronExpression: '0 3 * * *', timezone: 'UTC', onDstGap: null, onDstRepeat: null, calendars: [], payload: null }], timezone: 'UTC',
    startAt: null, endAt: null, pausedUntil: null, jitterSeconds: 0, maxExecutions: null, catchUp: 'none', catchUpWindowSeconds: 86_400, catchUpMax: 100, misfireGraceSeconds: 300,
    overlap: 'skip', overlapQueueMax: 10, delivery: 'at_least_once', enabled: true, maxRetries: 0, retryDelaySeconds: 60, retryBackoff: 'fixed', retryMaxDelaySeconds: 3_600,
    retryJitterPercent: 0, retryOn: [], noRetryOn: [], timeoutSeconds: 300,
  }
}

function form(task: Task | null = null) {
  let made!: ReturnType<typeof useTaskForm>
  const Holder = defineComponent({
    setup() {
      made = useTaskForm(task ? draftOf(task) : blankDraft('UTC'), task)
      return () => null
    },
  })
  mount(Holder, { global: { plugins: [i18n, VueQueryPlugin] } })
  return made
}
function filled() {
  const made = form()
  Object.assign(made.draft.value, { name: ' Report ', functionName: 'acme.report', functionPayload: { days: 7 } })
  made.draft.value.rules[0]!.cronExpression = '0 3 * * *'
  return made
}
const refusal = (errors: { field: string; message: string }[], status = 422) => ({
  status,
  body: { type: 'about:blank', title: 'No', status, detail: 'refused', code: 'invalid', errors: errors.map((each) => ({ ...each, code: null, position: null })) },
})

enableAutoUnmount(afterEach)
beforeEach(() => {
  asked.length = 0
  answers.length = 0
})

describe('a new task', () => {
  it('is not sent while something required is missing', async () => {
    const { save, faults } = form()
    expect(faults.value).toEqual([])
    expect(await save()).toBeNull()
    expect(faults.value.map(({ field }) => field)).toEqual(['name', 'functionName', 'schedules.0.cronExpression'])
    expect(asked).toEqual([])
  })

  it('is not sent while a JSON text is broken or the schedule is refused', async () => {
    const { save, readable, scheduleFault } = filled()
    readable.value = false
    expect(await save()).toBeNull()
    readable.value = true
    scheduleFault.value = fieldFault('schedules.0.cronExpression', 'no')
    expect(await save()).toBeNull()
    expect(asked).toEqual([])
  })

  it('becomes a request, and is no longer unsaved', async () => {
    const { save, changed } = filled()
    expect(changed.value).toBe(true)
    answers.push({ status: 201, body: stored })
    expect((await save())?.id).toBe('t1')
    expect(asked[0]).toMatchObject({ method: 'POST', path: '/api/scheduler/tasks', body: { name: 'Report', functionName: 'acme.report', functionPayload: { days: 7 }, timeoutSeconds: 300 } })
    expect(changed.value).toBe(false)
  })

  it('sent again after a lost answer has the same key; a changed one has another', async () => {
    const { save, draft, message } = filled()
    expect(await save()).toBeNull()
    expect(message.value).not.toBe('')
    await save()
    draft.value.name = 'Other'
    await save()
    const keys = asked.map(({ headers }) => headers.get('Idempotency-Key'))
    expect(keys[0]).toMatch(/^[\da-f]{32}$/)
    expect(keys[1]).toBe(keys[0])
    expect(keys[2]).not.toBe(keys[0])
  })

  it('shows the faults of the server until their field is changed', async () => {
    const { save, draft, faults } = filled()
    answers.push(refusal([{ field: 'functionPayload.days', message: 'Too many' }, { field: 'schedules.0.timezone', message: 'No such zone' }]))
    expect(await save()).toBeNull()
    expect(faults.value.map(({ field }) => field)).toEqual(['functionPayload.days', 'schedules.0.timezone'])
    draft.value.functionPayload = { days: 8 }
    expect(faults.value.map(({ field }) => field)).toEqual(['schedules.0.timezone'])
  })

  it('says what belongs to no field until anything is changed', async () => {
    const { save, draft, message } = filled()
    answers.push(refusal([], 409))
    await save()
    expect(message.value).toBe('refused')
    draft.value.name = 'Other'
    expect(message.value).toBe('')
  })
})

describe('an edited task', () => {
  it('sends what was changed, against the revision it was read at', async () => {
    const { save, draft, changed } = form(stored)
    expect(changed.value).toBe(false)
    draft.value.timeoutSeconds = '90'
    expect(changed.value).toBe(true)
    draft.value.timeoutSeconds = '300'
    expect(changed.value).toBe(false)
    draft.value.timeoutSeconds = '90'
    answers.push({ status: 200, body: { ...stored, timeoutSeconds: 90, revision: 4 } })
    await save()
    expect(asked[0]).toMatchObject({ method: 'PUT', path: '/api/scheduler/tasks/t1', body: { timeoutSeconds: 90 } })
    expect(asked[0]!.headers.get('If-Match')).toBe('"3"')
  })

  it('that somebody else changed meanwhile shows both, and can be kept', async () => {
    const { save, draft, conflict } = form(stored)
    draft.value.name = 'Mine'
    answers.push(refusal([], 412), { status: 200, body: { task: { ...stored, name: 'Theirs', revision: 5 }, recentExecutions: [] } })
    expect(await save()).toBeNull()
    expect(conflict.value).toEqual([{ field: 'name', mine: 'Mine', theirs: 'Theirs' }])
    answers.push({ status: 200, body: { ...stored, name: 'Mine', revision: 6 } })
    expect((await save())?.revision).toBe(6)
    expect(asked.at(-1)!.headers.get('If-Match')).toBe('"5"')
  })

  it('or given up for theirs', async () => {
    const { save, draft, conflict, changed, takeTheirs } = form(stored)
    draft.value.name = 'Mine'
    answers.push(refusal([], 412), { status: 200, body: { task: { ...stored, name: 'Theirs', revision: 5 }, recentExecutions: [] } })
    await save()
    takeTheirs()
    expect([draft.value.name, conflict.value, changed.value]).toEqual(['Theirs', null, false])
  })
})
