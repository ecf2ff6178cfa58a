import { client, send } from './client'
import type { Execution, ExecutionDetail, ExecutionList, ExecutionQuery } from './types'

export async function fetchExecutions(query: ExecutionQuery, signal?: AbortSignal): Promise<ExecutionList> {
  return send(client.GET('/api/scheduler/executions', { params: { query }, signal }))
}

export async function fetchExecution(id: string, signal?: AbortSignal): Promise<ExecutionDetail> {
  return send(client.GET('/api/scheduler/executions/{executionId}', { params: { path: { executionId: id } }, signal }))
}

export async function cancelExecution(id: string): Promise<Execution> {
  return send(client.POST('/api/scheduler/executions/{executionId}/cancel', { params: { path: { executionId: id } } }))
}

/** Runs an ended execution again, with `force` also beside an unfinished one of its task. Answers the new execution's id. */
export async function retryExecution(id: string, { force = false }: { force?: boolean } = {}): Promise<string> {
  const query = force ? { force } : {}
  const answer = await send(client.POST('/api/scheduler/executions/{executionId}/retry', { params: { path: { executionId: id }, query } }))
  return answer.executionId
}
