/** The task as the form holds it. Pure: what the server needs is worked out from it, and what differs is told. */
import type { NewTask, Task, TaskChange } from '@/api/types'
import type { JsonObject } from '@/utils/schema'

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
  onSchedule: boolean
  cronExpression: string
  timezone: string
  catchUp: Task['catchUp']
  overlap: Task['overlap']
  delivery: Task['delivery']
  enabled: boolean
  /** Numbers stay as typed until they are sent, so that a half-typed one is not lost. */
  maxRetries: string
  retryDelaySeconds: string
  timeoutSeconds: string
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
    cronExpression: '',
    timezone,
    catchUp: 'none',
    overlap: 'skip',
    delivery: 'at_least_once',
    enabled: true,
    maxRetries: '0',
    retryDelaySeconds: '60',
    timeoutSeconds: '300',
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
    onSchedule: task.cronExpression !== null,
    cronExpression: task.cronExpression ?? '',
    timezone: task.timezone,
    catchUp: task.catchUp,
    overlap: task.overlap,
    delivery: task.delivery,
    enabled: task.enabled,
    maxRetries: String(task.maxRetries),
    retryDelaySeconds: String(task.retryDelaySeconds),
    timeoutSeconds: String(task.timeoutSeconds),
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
    cronExpression: draft.onSchedule ? draft.cronExpression.trim() : null,
    timezone: draft.timezone,
    catchUp: draft.catchUp,
    overlap: draft.overlap,
    delivery: draft.delivery,
    enabled: draft.enabled,
    maxRetries: Number(draft.maxRetries),
    retryDelaySeconds: Number(draft.retryDelaySeconds),
    timeoutSeconds: Number(draft.timeoutSeconds),
  }
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

export type Missing = 'nameEmpty' | 'functionEmpty' | 'urlEmpty' | 'cronEmpty' | 'number'

/** What can be told without asking the server: required fields left empty and numbers that are none. By JSON name. */
export function missingOf(draft: TaskDraft): Map<keyof NewTask, Missing> {
  const missing = new Map<keyof NewTask, Missing>()
  if (draft.name.trim() === '') missing.set('name', 'nameEmpty')
  if (draft.type === 'function' && draft.functionName === '') missing.set('functionName', 'functionEmpty')
  if (draft.type === 'http' && draft.httpUrl.trim() === '') missing.set('httpUrl', 'urlEmpty')
  if (draft.onSchedule && draft.cronExpression.trim() === '') missing.set('cronExpression', 'cronEmpty')
  for (const name of ['maxRetries', 'retryDelaySeconds', 'timeoutSeconds'] as const) {
    if (!/^\s*\d+\s*$/.test(draft[name])) missing.set(name, 'number')
  }
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
