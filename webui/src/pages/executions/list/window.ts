import type { Execution, ExecutionList } from '@/api/types'

/** What a page of the list brings. */
export type ExecutionPart = Pick<ExecutionList, 'list' | 'nextCursor'>

/**
 * The executions that a list shows, newest first. What is new waits in `head` until it is asked for, so that no row moves under
 * the pointer; rows already shown are brought up to date in their place.
 */
export interface ExecutionWindow {
  rows: readonly Execution[]
  /** Where the rows go on: the server's cursor after the last of them; null when that is the oldest. */
  cursor: string | null
  /** The newest page as the server last gave it. */
  head: ExecutionPart
  /** How many of `head` are not shown. */
  fresh: number
  /** True when even more may be new than one page holds. */
  freshMore: boolean
}

export const EMPTY_WINDOW: ExecutionWindow = { rows: [], cursor: null, head: { list: [], nextCursor: null }, fresh: 0, freshMore: false }

/** Takes the newest page in. */
export function takeHead(window: ExecutionWindow, head: ExecutionPart): ExecutionWindow {
  if (window.rows.length === 0) return startingWith(head)
  const known = new Set(window.rows.map((row) => row.id))
  const fresh = head.list.filter((execution) => !known.has(execution.id)).length
  return { ...patch(window, head.list), head, fresh, freshMore: fresh > 0 && fresh === head.list.length }
}

/** Shows what is new. When it does not reach down to the rows shown, these go, and older ones are loaded again from the head. */
export function showFresh(window: ExecutionWindow): ExecutionWindow {
  const { head, rows, freshMore } = window
  const oldest = head.list.at(-1)
  if (freshMore || !oldest) return startingWith(head)
  const place = rows.findIndex((row) => row.id === oldest.id)
  const tail = place >= 0 ? rows.slice(place + 1) : rows.filter((row) => row.queuedAt < oldest.queuedAt)
  return { ...window, rows: [...head.list, ...tail], fresh: 0 }
}

/** Adds the page after the last row. */
export function append(window: ExecutionWindow, older: ExecutionPart): ExecutionWindow {
  const known = new Set(window.rows.map((row) => row.id))
  return { ...window, rows: [...window.rows, ...older.list.filter((execution) => !known.has(execution.id))], cursor: older.nextCursor }
}

/** Brings shown rows up to date. */
export function patch(window: ExecutionWindow, changed: readonly Execution[]): ExecutionWindow {
  const byId = new Map(changed.map((execution) => [execution.id, execution]))
  return { ...window, rows: window.rows.map((row) => byId.get(row.id) ?? row) }
}

function startingWith(head: ExecutionPart): ExecutionWindow {
  return { rows: head.list, cursor: head.nextCursor, head, fresh: 0, freshMore: false }
}
