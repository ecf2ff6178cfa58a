import { client, send } from './client'
import type { Execution, ExecutionPage, ExecutionQuery } from './types'

export async function fetchExecutions(query: ExecutionQuery, signal?: AbortSignal): Promise<ExecutionPage> {
  return send(client.GET('/api/scheduler/executions', { params: { query }, signal }))
}

export async function fetchExecution(id: string, signal?: AbortSignal): Promise<Execution> {
  return send(client.GET('/api/scheduler/executions/{id}', { params: { path: { id } }, signal }))
}

export async function cancelExecution(id: string): Promise<Execution> {
  return send(client.POST('/api/scheduler/executions/{id}/cancel', { params: { path: { id } } }))
}

/** Runs an ended execution again. Answers the new execution's id. */
export async function retryExecution(id: string): Promise<string> {
  const answer = await send(client.POST('/api/scheduler/executions/{id}/retry', { params: { path: { id } } }))
  return answer.executionId
}
