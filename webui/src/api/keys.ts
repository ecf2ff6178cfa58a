import type { ExecutionQuery, FireTimeQuery, TaskQuery } from './types'

/** Names of everything in the query cache, so that what is fetched in one place can be made stale in another. */
export const keys = {
  tasks: () => ['tasks'] as const,
  taskLists: () => ['tasks', 'list'] as const,
  taskList: (query: TaskQuery) => ['tasks', 'list', query] as const,
  task: (id: string) => ['tasks', 'one', id] as const,
  taskForecast: (id: string, count: number) => ['tasks', 'one', id, 'forecast', count] as const,
  taskFireTimes: (id: string, query: FireTimeQuery) => ['tasks', 'one', id, 'fire-times', query] as const,
  allTaskDetails: () => ['tasks', 'one'] as const,
  executions: () => ['executions'] as const,
  executionLists: () => ['executions', 'list'] as const,
  executionList: (query: ExecutionQuery) => ['executions', 'list', query] as const,
  execution: (id: string) => ['executions', 'one', id] as const,
  functions: () => ['functions'] as const,
  function: (name: string) => ['functions', name] as const,
  plugins: () => ['plugins'] as const,
  stats: () => ['stats'] as const,
  session: () => ['session'] as const,
  me: () => ['me'] as const,
  settings: () => ['settings'] as const,
  pause: () => ['pause'] as const,
  calendars: () => ['calendars'] as const,
  calendar: (id: string) => ['calendars', id] as const,
  calendarCoverage: (id: string) => ['calendars', id, 'coverage'] as const,
  /** `asked` is the request written out. */
  preview: (asked: string) => ['preview', asked] as const,
}
