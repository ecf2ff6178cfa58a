import { client, send } from './client'
import type { components } from './schema'
import type { RegisteredFunction } from './types'

/** What became of the executions of a function in the last seven days. */
export type RecentFigures = components['schemas']['FunctionFigures']

export async function fetchFunctions(signal?: AbortSignal): Promise<RegisteredFunction[]> {
  return (await send(client.GET('/api/scheduler/functions', { signal }))).list
}

export async function fetchFunction(name: string, signal?: AbortSignal): Promise<RegisteredFunction> {
  return send(client.GET('/api/scheduler/functions/{name}', { params: { path: { name } }, signal }))
}

export interface InvokeOptions {
  /** Without it the function's own time limit holds. */
  timeoutSeconds?: number
  /** The task that the payload was read from: masks stand for its stored secrets. */
  taskId?: string | null
}

/** Calls a function without a task. Answers the execution's id. `idempotencyKey` makes a repeated send harmless. */
export async function invokeFunction(name: string, payload: Record<string, unknown>, idempotencyKey: string, options: InvokeOptions = {}): Promise<string> {
  const call = client.POST('/api/scheduler/functions/{name}/invoke', {
    params: { path: { name } },
    headers: { 'Idempotency-Key': idempotencyKey },
    body: { payload, ...options },
  })
  const answer = await send<{ executionId: string } | { id: string }>(call)
  return 'executionId' in answer ? answer.executionId : answer.id
}
