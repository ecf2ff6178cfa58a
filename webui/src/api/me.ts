import { client, send } from './client'
import type { components } from './schema'

export type Me = components['schemas']['Me']
export type Setting = components['schemas']['Setting']

/** Who this session is, and what it may do. */
export async function fetchMe(signal?: AbortSignal): Promise<Me> {
  return send(client.GET('/api/scheduler/me', { signal }))
}

/** The settings of the server that are in force, secrets without their value. */
export async function fetchSettings(signal?: AbortSignal): Promise<Setting[]> {
  return (await send(client.GET('/api/scheduler/settings', { signal }))).list
}
