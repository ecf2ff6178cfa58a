import { client, send } from './client'
import type { components } from './schema'

/** An HTTP request as a task would send it, with what is expected of the answer. */
export type HttpRequest = components['schemas']['RequestToInvoke']

/** Sends an HTTP request once, without a task. Answers the execution's id. `idempotencyKey` makes a repeated send harmless. */
export async function invokeRequest(body: HttpRequest, idempotencyKey: string): Promise<string> {
  const call = client.POST('/api/scheduler/requests/invoke', { headers: { 'Idempotency-Key': idempotencyKey }, body })
  const answer = await send<{ executionId: string } | { id: string }>(call)
  return 'executionId' in answer ? answer.executionId : answer.id
}
