import type { TaskQuery } from '@/api/types'

/** Which tasks one asks for most: what a figure above the list leads to, or the strip of choices. */
export const CONDITIONS = ['scheduled', 'running', 'failing', 'attention', 'off'] as const
export type Condition = (typeof CONDITIONS)[number]

export const SORTS = ['-createdAt', 'createdAt', 'name', '-name', 'nextRunAt', '-nextRunAt', '-updatedAt', 'failingSince'] as const satisfies readonly TaskQuery['sort'][]

/** Which tasks are meant: for the list, and for an act on all of them. */
export type TaskFilter = Pick<TaskQuery, 'q' | 'state' | 'type' | 'tag' | 'functionName' | 'calendarId'>

/** What narrows the list, as it stands in the address. */
export const NO_FILTERS = { q: '', state: 'all', type: 'any', tag: [] as readonly string[], function: '', calendar: '' }
export type FilterState = Readonly<typeof NO_FILTERS>

/** The whole view. */
export const PLAIN_VIEW = { ...NO_FILTERS, sort: '-createdAt', page: '1' }
export type ViewState = Readonly<typeof PLAIN_VIEW>

/** What the server is asked for, and what an act on all matching tasks names. Values the address made up are left out. */
export function filterOf(state: FilterState): TaskFilter {
  const condition = CONDITIONS.find((known) => known === state.state)
  return {
    ...(state.q.trim() && { q: state.q.trim() }),
    ...(condition && { state: condition }),
    ...((state.type === 'function' || state.type === 'http') && { type: state.type }),
    ...(state.tag.length > 0 && { tag: [...state.tag] }),
    ...(state.function && { functionName: state.function }),
    ...(state.calendar && { calendarId: state.calendar }),
  }
}

export function sortOf(sort: string): NonNullable<TaskQuery['sort']> {
  return SORTS.find((known) => known === sort) ?? '-createdAt'
}

/** Whether anything is filtered. */
export function isFiltered(state: FilterState): boolean {
  return Object.keys(filterOf(state)).length > 0
}
