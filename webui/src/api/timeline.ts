import { client, send } from './client'
import type { components, paths } from './schema'

export type Timeline = components['schemas']['Timeline']
export type TimelineLane = components['schemas']['TimelineLane']
export type TimelineQuery = NonNullable<paths['/api/scheduler/timeline']['get']['parameters']['query']>

/** Names in the query cache. */
export const timelineKeys = {
  all: () => ['timeline'] as const,
  one: (query: TimelineQuery) => ['timeline', query] as const,
}

/** What ran, runs and will run within a stretch of time of at most 8 days. */
export async function fetchTimeline(query: TimelineQuery, signal?: AbortSignal): Promise<Timeline> {
  return send(client.GET('/api/scheduler/timeline', { params: { query }, signal }))
}
