import type { Execution } from '@/api/types'

/**
 * The executions that a list shows, newest first. What is new waits in `fresh` until it is asked for, so that no row moves under
 * the pointer; rows already shown are brought up to date in their place.
 */
export interface ExecutionWindow {
  rows: readonly Execution[]
  /** The newest page as the server last gave it. */
  head: readonly Execution[]
  /** How many of `head` are not shown. */
  fresh: number
  /** True when even more may be new than one page holds. */
  freshMore: boolean
}

export const EMPTY_WINDOW: ExecutionWindow = { rows: [], head: [], fresh: 0, freshMore: false }

/** Takes the newest page in. */
export function takeHead(window: ExecutionWindow, head: readonly Execution[]): ExecutionWindow {
  if (window.rows.length === 0) return { rows: head, head, fresh: 0, freshMore: false }
  const known = new Set(window.rows.map((row) => row.id))
  const fresh = head.filter((execution) => !known.has(execution.id)).length
  return { rows: replaced(window.rows, head), head, fresh, freshMore: fresh > 0 && fresh === head.length }
}

/**
 * Shows what is new. `kept` false: it does not reach down to the rows shown, so these had to go and older ones must be loaded
 * again from the head.
 */
export function showFresh(window: ExecutionWindow): { window: ExecutionWindow; kept: boolean } {
  const { head, rows, freshMore } = window
  const oldest = head.at(-1)
  if (freshMore || !oldest) return { window: { rows: head, head, fresh: 0, freshMore: false }, kept: false }
  const place = rows.findIndex((row) => row.id === oldest.id)
  const tail = place >= 0 ? rows.slice(place + 1) : rows.filter((row) => row.queuedAt < oldest.queuedAt)
  return { window: { rows: [...head, ...tail], head, fresh: 0, freshMore: false }, kept: true }
}

/** Adds older ones at the end. */
export function append(window: ExecutionWindow, older: readonly Execution[]): ExecutionWindow {
  const known = new Set(window.rows.map((row) => row.id))
  return { ...window, rows: [...window.rows, ...older.filter((execution) => !known.has(execution.id))] }
}

/** Brings shown rows up to date. */
export function patch(window: ExecutionWindow, changed: readonly Execution[]): ExecutionWindow {
  return { ...window, rows: replaced(window.rows, changed) }
}

function replaced(rows: readonly Execution[], changed: readonly Execution[]): readonly Execution[] {
  const byId = new Map(changed.map((execution) => [execution.id, execution]))
  return rows.map((row) => byId.get(row.id) ?? row)
}
