/** The task as the form holds it. Pure: what the server needs is worked out from it, and what differs is told. */
import type { NewTask, Task, TaskChange } from '@/api/types'
import type { JsonObject } from '@/utils/schema'
import { blankRule, missingOfRule, ruleBodyOf, ruleDraftOf, type RuleDraft } from './rules'

export interface HeaderRow {
  name: string
  value: string
}

export interface TaskDraft {
  name: string
  description: string
  tags: string[]
  type: Task['type']
  functionName: string
  functionPayload: JsonObject
  httpMethod: Task['httpMethod']
  httpUrl: string
  httpHeaders: HeaderRow[]
  httpBody: string
  /** Statuses, separated by commas or blanks. */
  httpExpectStatus: string
  /** Empty: any. */
  httpExpectBody: string
  httpRetryStatus: string
  /** Off: only by hand. What was typed for the schedules stays. */
  onSchedule: boolean
  /** Never empty. */
  rules: RuleDraft[]
  /** Of a task without a schedule. */
  timezone: string
  /** Instants; empty: none. */
  startAt: string
  endAt: string
  pausedUntil: string
  catchUp: Task['catchUp']
  overlap: Task['overlap']
  delivery: Task['delivery']
  enabled: boolean
  retryBackoff: Task['retryBackoff']
  /** Words, separated by commas or blanks. */
  retryOn: string
  noRetryOn: string
  /** Numbers stay as typed until they are sent, so that a half-typed one is not lost. */
  maxRetries: string
  retryDelaySeconds: string
  retryMaxDelaySeconds: string
  retryJitterPercent: string
  timeoutSeconds: string
  catchUpWindowSeconds: string
  catchUpMax: string
  misfireGraceSeconds: string
  overlapQueueMax: string
  jitterSeconds: string
  /** Empty: as many as there are. */
  maxExecutions: string
}

/** The policies of a task that says nothing about them. */
export const DEFAULTS = {
  retryBackoff: 'fixed',
  retryOn: '',
  noRetryOn: '',
  maxRetries: '0',
  retryDelaySeconds: '60',
  retryMaxDelaySeconds: '3600',
  retryJitterPercent: '0',
  timeoutSeconds: '300',
  catchUp: 'none',
  catchUpWindowSeconds: '86400',
  catchUpMax: '100',
  misfireGraceSeconds: '300',
  overlap: 'skip',
  overlapQueueMax: '10',
  delivery: 'at_least_once',
  startAt: '',
  endAt: '',
  pausedUntil: '',
  jitterSeconds: '0',
  maxExecutions: '',
  httpExpectStatus: '2xx',
  httpExpectBody: '',
  httpRetryStatus: '',
} as const satisfies Partial<TaskDraft>

/** Whether these fields say what a task that says nothing would do. */
export function atDefaults(draft: TaskDraft, names: readonly (keyof typeof DEFAULTS)[]): boolean {
  return names.every((name) => draft[name] === DEFAULTS[name])
}

/** A new task. `timezone` is the server's default. */
export function blankDraft(timezone: string): TaskDraft {
  return {
    name: '',
    description: '',
    tags: [],
    type: 'function',
    functionName: '',
    functionPayload: {},
    httpMethod: 'GET',
    httpUrl: '',
    httpHeaders: [],
    httpBody: '',
    onSchedule: true,
    rules: [blankRule(0, timezone)],
    timezone,
    enabled: true,
    ...DEFAULTS,
  }
}

export function draftOf(task: Task): TaskDraft {
  return {
    name: task.name,
    description: task.description,
    tags: [...task.tags],
    type: task.type,
    functionName: task.functionName ?? '',
    functionPayload: task.functionPayload,
    httpMethod: task.httpMethod,
    httpUrl: task.httpUrl ?? '',
    httpHeaders: Object.entries(task.httpHeaders).map(([name, value]) => ({ name, value })),
    httpBody: task.httpBody ?? '',
    httpExpectStatus: task.httpExpectStatus.join(', '),
    httpExpectBody: task.httpExpectBody ?? '',
    httpRetryStatus: task.httpRetryStatus.join(', '),
    onSchedule: task.schedules.length > 0,
    rules: task.schedules.length > 0 ? task.schedules.map(ruleDraftOf) : [blankRule(0, task.timezone)],
    timezone: task.timezone,
    startAt: task.startAt ?? '',
    endAt: task.endAt ?? '',
    pausedUntil: task.pausedUntil ?? '',
    catchUp: task.catchUp,
    overlap: task.overlap,
    delivery: task.delivery,
    enabled: task.enabled,
    retryBackoff: task.retryBackoff,
    retryOn: task.retryOn.join(', '),
    noRetryOn: task.noRetryOn.join(', '),
    maxRetries: String(task.maxRetries),
    retryDelaySeconds: String(task.retryDelaySeconds),
    retryMaxDelaySeconds: String(task.retryMaxDelaySeconds),
    retryJitterPercent: String(task.retryJitterPercent),
    timeoutSeconds: String(task.timeoutSeconds),
    catchUpWindowSeconds: String(task.catchUpWindowSeconds),
    catchUpMax: String(task.catchUpMax),
    misfireGraceSeconds: String(task.misfireGraceSeconds),
    overlapQueueMax: String(task.overlapQueueMax),
    jitterSeconds: String(task.jitterSeconds),
    maxExecutions: task.maxExecutions === null ? '' : String(task.maxExecutions),
  }
}

/** What is sent for the whole draft. What the chosen kind does not use is cleared. */
export function bodyOf(draft: TaskDraft): NewTask {
  const isFunction = draft.type === 'function'
  return {
    name: draft.name.trim(),
    description: draft.description.trim(),
    tags: draft.tags,
    type: draft.type,
    functionName: isFunction ? draft.functionName : null,
    functionPayload: isFunction ? draft.functionPayload : {},
    httpMethod: isFunction ? 'GET' : draft.httpMethod,
    httpUrl: isFunction ? null : draft.httpUrl.trim(),
    httpHeaders: isFunction ? {} : headersOf(draft.httpHeaders),
    httpBody: isFunction || draft.httpBody === '' ? null : draft.httpBody,
    httpExpectStatus: wordsOf((!isFunction && draft.httpExpectStatus.trim()) || DEFAULTS.httpExpectStatus),
    httpExpectBody: isFunction || draft.httpExpectBody === '' ? null : draft.httpExpectBody,
    httpRetryStatus: isFunction ? [] : wordsOf(draft.httpRetryStatus),
    ...scheduleBodyOf(draft),
    catchUp: draft.catchUp,
    overlap: draft.overlap,
    delivery: draft.delivery,
    enabled: draft.enabled,
    retryBackoff: draft.retryBackoff,
    retryOn: wordsOf(draft.retryOn),
    noRetryOn: wordsOf(draft.noRetryOn),
    maxRetries: whole(draft, 'maxRetries'),
    retryDelaySeconds: whole(draft, 'retryDelaySeconds'),
    retryMaxDelaySeconds: whole(draft, 'retryMaxDelaySeconds'),
    retryJitterPercent: whole(draft, 'retryJitterPercent'),
    timeoutSeconds: whole(draft, 'timeoutSeconds'),
    catchUpWindowSeconds: whole(draft, 'catchUpWindowSeconds'),
    catchUpMax: whole(draft, 'catchUpMax'),
    misfireGraceSeconds: whole(draft, 'misfireGraceSeconds'),
    overlapQueueMax: whole(draft, 'overlapQueueMax'),
  }
}

type ScheduleBody = Required<Pick<NewTask, 'schedules' | 'timezone' | 'startAt' | 'endAt' | 'pausedUntil' | 'jitterSeconds' | 'maxExecutions'>>

/** When a task runs, as it is sent. Its zone is that of its first expression, or else of its first schedule. */
export function scheduleBodyOf(draft: TaskDraft): ScheduleBody {
  const first = draft.rules.find(({ kind }) => kind === 'cron') ?? draft.rules[0]
  return {
    schedules: draft.onSchedule ? draft.rules.map(ruleBodyOf) : [],
    timezone: draft.onSchedule ? (first?.timezone ?? draft.timezone) : draft.timezone,
    startAt: draft.startAt || null,
    endAt: draft.endAt || null,
    pausedUntil: draft.pausedUntil || null,
    jitterSeconds: whole(draft, 'jitterSeconds'),
    maxExecutions: isWhole(draft.maxExecutions) ? Number(draft.maxExecutions) : null,
  }
}

/** What can be looked at of a half-typed schedule: those rules that are complete, and the places they have in the draft. */
export function previewOf(draft: TaskDraft): { body: ScheduleBody; places: number[] } {
  const places = draft.rules.flatMap((rule, place) => (draft.onSchedule && missingOfRule(rule) === null ? [place] : []))
  const rules = places.map((place) => draft.rules[place]!)
  return { body: scheduleBodyOf({ ...draft, rules, onSchedule: rules.length > 0 }), places }
}

/** The zone in which the bounds of a task are typed. */
export function zoneOf(draft: TaskDraft): string {
  return scheduleBodyOf(draft).timezone ?? draft.timezone
}

type NumberName = 'maxRetries' | 'retryDelaySeconds' | 'retryMaxDelaySeconds' | 'retryJitterPercent' | 'timeoutSeconds' | 'catchUpWindowSeconds' | 'catchUpMax' | 'misfireGraceSeconds' | 'overlapQueueMax' | 'jitterSeconds'

/** What is typed where it is not asked for is not sent. */
function whole(draft: TaskDraft, name: NumberName): number {
  return Number(isWhole(draft[name]) ? draft[name] : DEFAULTS[name])
}

function isWhole(text: string): boolean {
  return /^\s*\d+\s*$/.test(text)
}

/** The numbers that a draft asks for: those of policies that are not in force are hidden. */
function numbersOf(draft: TaskDraft): NumberName[] {
  const names: NumberName[] = ['maxRetries', 'timeoutSeconds', 'retryDelaySeconds', 'retryJitterPercent', 'jitterSeconds']
  if (draft.retryBackoff === 'exponential') names.push('retryMaxDelaySeconds')
  if (draft.catchUp === 'all') names.push('catchUpWindowSeconds', 'catchUpMax')
  if (draft.catchUp === 'none') names.push('misfireGraceSeconds')
  if (draft.overlap === 'queue') names.push('overlapQueueMax')
  return names
}

function wordsOf(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean)
}

/** The fields in which `after` differs from `before`: a partial update touches nothing that another person may have changed. */
export function changesBetween(before: NewTask, after: NewTask): TaskChange {
  const names = Object.keys(after) as (keyof NewTask)[]
  return Object.fromEntries(names.filter((name) => !same(before[name], after[name])).map((name) => [name, after[name]]))
}

export function isChanged(before: TaskDraft, after: TaskDraft): boolean {
  return !same(before, after)
}

export interface Difference {
  field: keyof NewTask
  mine: unknown
  theirs: unknown
}

/** Fields that both of us changed, each to something else. What only one of us changed can stand side by side. */
export function conflictsOf(base: NewTask, mine: NewTask, theirs: NewTask): Difference[] {
  const names = Object.keys(mine) as (keyof NewTask)[]
  return names
    .filter((name) => !same(base[name], mine[name]) && !same(base[name], theirs[name]) && !same(mine[name], theirs[name]))
    .map((field) => ({ field, mine: mine[field], theirs: theirs[field] }))
}

export type Missing = 'nameEmpty' | 'functionEmpty' | 'urlEmpty' | 'cronEmpty' | 'everyEmpty' | 'atEmpty' | 'number'

/** What can be told without asking the server: required fields left empty and numbers that are none. By dotted JSON name. */
export function missingOf(draft: TaskDraft): Map<string, Missing> {
  const missing = new Map<string, Missing>()
  if (draft.name.trim() === '') missing.set('name', 'nameEmpty')
  if (draft.type === 'function' && draft.functionName === '') missing.set('functionName', 'functionEmpty')
  if (draft.type === 'http' && draft.httpUrl.trim() === '') missing.set('httpUrl', 'urlEmpty')
  if (draft.onSchedule) {
    for (const [place, rule] of draft.rules.entries()) {
      const found = missingOfRule(rule)
      if (found) missing.set(`schedules.${place}.${found.field}`, found.missing)
    }
  }
  for (const name of numbersOf(draft)) if (!isWhole(draft[name])) missing.set(name, 'number')
  if (draft.maxExecutions.trim() !== '' && !isWhole(draft.maxExecutions)) missing.set('maxExecutions', 'number')
  return missing
}

function headersOf(rows: readonly HeaderRow[]): Record<string, string> {
  return Object.fromEntries(rows.filter((row) => row.name.trim() !== '').map((row) => [row.name.trim(), row.value]))
}

/** Deep equality of JSON values. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const [left, right] = [Object.entries(a), Object.entries(b)]
  const other = b as Record<string, unknown>
  return Array.isArray(a) === Array.isArray(b) && left.length === right.length && left.every(([key, value]) => key in other && same(value, other[key]))
}
