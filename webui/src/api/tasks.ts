import { client, send } from './client'
import type { Enabling, FireTimeList, FireTimeQuery, NewTask, SchedulePreview, Task, TaskChange, TaskDetail, TaskList, TaskQuery, Triggered } from './types'

/** A JSON object; what may stand in it the function's schema decides. */
export type Payload = Record<string, unknown>

export async function fetchTasks(query: TaskQuery, signal?: AbortSignal): Promise<TaskList> {
  return send(client.GET('/api/scheduler/tasks', { params: { query }, signal }))
}

export async function fetchTask(id: string, signal?: AbortSignal): Promise<TaskDetail> {
  return send(client.GET('/api/scheduler/tasks/{taskId}', { params: { path: { taskId: id } }, signal }))
}

/** `idempotencyKey` makes a repeated send of one form harmless. */
export async function createTask(body: NewTask, idempotencyKey: string): Promise<Task> {
  return send(client.POST('/api/scheduler/tasks', { body, headers: { 'Idempotency-Key': idempotencyKey } }))
}

/** With `revision`, refused with 412 when the task has changed since that revision was read. */
export async function updateTask(id: string, body: TaskChange, revision?: number): Promise<Task> {
  const headers = revision === undefined ? {} : { 'If-Match': `"${revision}"` }
  return send(client.PUT('/api/scheduler/tasks/{taskId}', { params: { path: { taskId: id } }, body, headers }))
}

/** Refused with 409 while an execution runs, unless `force`, which cancels it. */
export async function deleteTask(id: string, options: { force?: boolean } = {}): Promise<void> {
  const query = options.force ? { force: true } : {}
  await send(client.DELETE('/api/scheduler/tasks/{taskId}', { params: { path: { taskId: id }, query } }))
}

/** Brings a deleted task back as it was, with its history. Refused with 404 when nothing is left of it. */
export async function restoreTask(id: string): Promise<Task> {
  return send(client.POST('/api/scheduler/tasks/{taskId}/restore', { params: { path: { taskId: id } } }))
}

/**
 * Runs the task now; a payload replaces the stored one for this execution. The task's overlap may skip it (`triggered` is false
 * then), unless `force`.
 */
export async function triggerTask(id: string, { payload, force }: { payload?: Payload; force?: boolean } = {}): Promise<Triggered> {
  const body = payload === undefined ? {} : { payload }
  const query = force ? { force } : {}
  return send(client.POST('/api/scheduler/tasks/{taskId}/trigger', { params: { path: { taskId: id }, query }, body }))
}

/** `catchUp`: what of the fire times that passed while the task was off is to run at once. */
export async function toggleTask(id: string, enabled: boolean, catchUp: Task['catchUp'] = 'none'): Promise<Task> {
  return send(client.POST('/api/scheduler/tasks/{taskId}/toggle', { params: { path: { taskId: id } }, body: { enabled, catchUp } }))
}

export async function fetchForecast(id: string, count: number, signal?: AbortSignal): Promise<SchedulePreview> {
  return send(client.GET('/api/scheduler/tasks/{taskId}/forecast', { params: { path: { taskId: id }, query: { count } }, signal }))
}

/** What switching a task on would do now; null for one that is on. */
export async function fetchEnabling(id: string, catchUp: Task['catchUp']): Promise<Enabling | null> {
  const preview = await send(client.GET('/api/scheduler/tasks/{taskId}/forecast', { params: { path: { taskId: id }, query: { count: 1, catchUp } } }))
  return preview.enabling
}

/** Every fire time in a stretch of time, oldest first, with what became of it. */
export async function fetchFireTimes(id: string, query: FireTimeQuery, signal?: AbortSignal): Promise<FireTimeList> {
  return send(client.GET('/api/scheduler/tasks/{taskId}/fire-times', { params: { path: { taskId: id }, query }, signal }))
}
