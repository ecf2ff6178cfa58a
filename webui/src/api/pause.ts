import { client, send } from './client'
import type { Pause } from './types'

/** Whether every schedule is paused. */
export async function fetchPause(signal?: AbortSignal): Promise<Pause> {
  return send(client.GET('/api/scheduler/pause', { signal }))
}

/** Pauses every schedule; `until` null: until somebody resumes. */
export async function pauseAll(pause: { reason: string; until: string | null }): Promise<Pause> {
  return send(client.PUT('/api/scheduler/pause', { body: pause }))
}

export async function resumeAll(): Promise<void> {
  await send(client.DELETE('/api/scheduler/pause'))
}
