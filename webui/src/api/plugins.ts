import { client, send } from './client'
import type { components } from './schema'
import type { PluginRecord } from './types'

export type PluginImpact = components['schemas']['PluginImpact']
export type AffectedTask = components['schemas']['AffectedTask']
export type NewPluginVersion = components['schemas']['NewPluginVersion']

export async function fetchPlugins(signal?: AbortSignal): Promise<PluginRecord[]> {
  return (await send(client.GET('/api/scheduler/plugins', { signal }))).list
}

/** Looks again for installed, upgraded and removed plugins. Answers the records after that. */
export async function rescanPlugins(): Promise<PluginRecord[]> {
  return (await send(client.POST('/api/scheduler/plugins/rescan'))).list
}

/** What a rescan would mean for tasks: the version that is installed now is looked at, nothing is changed. */
export async function fetchImpact(name: string): Promise<PluginImpact> {
  return send(client.GET('/api/scheduler/plugins/{name}/impact', { params: { path: { name } } }))
}

/** What a version that is not installed would mean for tasks. */
export async function checkImpact(name: string, body: NewPluginVersion): Promise<PluginImpact> {
  return send(client.POST('/api/scheduler/plugins/{name}/impact', { params: { path: { name } }, body }))
}
