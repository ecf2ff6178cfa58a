import { client, send } from './client'
import type { PluginRecord } from './types'

export async function fetchPlugins(signal?: AbortSignal): Promise<PluginRecord[]> {
  return (await send(client.GET('/api/scheduler/plugins', { signal }))).list
}

/** Looks again for installed, upgraded and removed plugins. Answers the records after that. */
export async function rescanPlugins(): Promise<PluginRecord[]> {
  return (await send(client.POST('/api/scheduler/plugins/rescan'))).list
}
