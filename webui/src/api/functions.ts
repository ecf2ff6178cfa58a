import { client, send } from './client'
import type { RegisteredFunction } from './types'

export async function fetchFunctions(signal?: AbortSignal): Promise<RegisteredFunction[]> {
  return (await send(client.GET('/api/scheduler/functions', { signal }))).list
}

export async function fetchFunction(name: string, signal?: AbortSignal): Promise<RegisteredFunction> {
  return send(client.GET('/api/scheduler/functions/{name}', { params: { path: { name } }, signal }))
}
