import { newIdempotencyKey } from '@/utils/idempotency'
import { client, send } from './client'
import type { BulkAnswer, BulkRequest } from './types'

/** Does one thing to many tasks. With `dryRun` it only says what it would do. */
export async function actOnTasks(body: BulkRequest): Promise<BulkAnswer> {
  return send(client.POST('/api/scheduler/tasks/bulk', { body, headers: { 'Idempotency-Key': newIdempotencyKey() } }))
}
