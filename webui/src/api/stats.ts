import { client, send } from './client'
import type { Stats } from './types'

export async function fetchStats(signal?: AbortSignal): Promise<Stats> {
  return send(client.GET('/api/scheduler/stats', { signal }))
}
