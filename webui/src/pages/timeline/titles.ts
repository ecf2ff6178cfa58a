import type { RouteLocationRaw } from 'vue-router'
import type { Lane } from './lanes'

/** What a lane is called; executions without a task, function or tag share one. */
export function laneTitle(lane: Lane, group: string, t: (key: string) => string): string {
  return lane.key === '' ? t(`timeline.without.${group}`) : lane.title
}

/** Where the name of a lane leads; null: nowhere. */
export function laneTarget(lane: Lane, group: string): RouteLocationRaw | null {
  if (lane.key === '') return null
  if (group === 'function') return { name: 'function', params: { name: lane.key } }
  if (group === 'tag') return { name: 'tasks', query: { tag: lane.key } }
  return lane.taskId === null ? null : { name: 'task', params: { id: lane.taskId } }
}
