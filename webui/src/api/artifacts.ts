import { client, send } from './client'
import type { components } from './schema'

export type Artifact = components['schemas']['Artifact']

/** The files that an execution has kept. */
export async function fetchArtifacts(executionId: string, signal?: AbortSignal): Promise<Artifact[]> {
  return (await send(client.GET('/api/scheduler/executions/{executionId}/artifacts', { params: { path: { executionId } }, signal }))).list
}
