import { client, send } from './client'
import type { NewTask, SchedulePreview, Task, TaskChange, TaskDetail, TaskList, TaskQuery } from './types'

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

/** Runs the task now; a payload replaces the stored one for this execution. Answers the new execution's id. */
export async function triggerTask(id: string, payload?: Payload): Promise<string> {
  const body = payload === undefined ? {} : { payload }
  const answer = await send(client.POST('/api/scheduler/tasks/{taskId}/trigger', { params: { path: { taskId: id } }, body }))
  return answer.executionId
}

export async function toggleTask(id: string, enabled: boolean): Promise<Task> {
  return send(client.POST('/api/scheduler/tasks/{taskId}/toggle', { params: { path: { taskId: id } }, body: { enabled } }))
}

export async function fetchForecast(id: string, count: number, signal?: AbortSignal): Promise<SchedulePreview> {
  return send(client.GET('/api/scheduler/tasks/{taskId}/forecast', { params: { path: { taskId: id }, query: { count } }, signal }))
}
