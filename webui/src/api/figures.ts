import { client, send } from './client'
import type { components } from './schema'
import type { Task } from './types'

type Schemas = components['schemas']

/** What ended in one stretch of time. `date` stands only in days, which are days of the task's zone. */
export type SeriesBucket = Schemas['SeriesBucket']
export type Series = Schemas['TaskSeries']
export type Revision = Schemas['Revision']
export type RevisionChange = Schemas['FieldChange']
export type RevisionList = Schemas['RevisionList']
export type ErrorGroupList = Schemas['TaskErrors']

/** Names in the query cache. Apart from `keys.task`: these figures change slowly, and are not fetched for each execution that ends. */
export const figureKeys = {
  series: (taskId: string, bucket: Series['bucket']) => ['figures', taskId, 'series', bucket] as const,
  errors: (taskId: string) => ['figures', taskId, 'errors'] as const,
  revisions: (taskId: string, page: number, revision: number) => ['figures', taskId, 'revisions', page, revision] as const,
}

/** The executions of a task by hours or days. */
export async function fetchSeries(taskId: string, query: { from: string; bucket: Series['bucket'] }, signal?: AbortSignal): Promise<Series> {
  return send(client.GET('/api/scheduler/tasks/{taskId}/series', { params: { path: { taskId }, query }, signal }))
}

/** Why a task failed lately, the most frequent error first. */
export async function fetchErrorGroups(taskId: string, signal?: AbortSignal): Promise<ErrorGroupList> {
  return send(client.GET('/api/scheduler/tasks/{taskId}/errors', { params: { path: { taskId } }, signal }))
}

/** The definitions a task has had, newest first. */
export async function fetchRevisions(taskId: string, query: { page: number; pageSize: number }, signal?: AbortSignal): Promise<RevisionList> {
  return send(client.GET('/api/scheduler/tasks/{taskId}/revisions', { params: { path: { taskId }, query }, signal }))
}

/** Gives a task the definition of one of its revisions again, as a new revision. Refused with 412 when it has changed since `current`. */
export async function restoreRevision(taskId: string, revision: number, current: number): Promise<Task> {
  const params = { path: { taskId, revision: String(revision) }, header: { 'If-Match': `"${current}"` } }
  return send(client.POST('/api/scheduler/tasks/{taskId}/revisions/{revision}/restore', { params }))
}
