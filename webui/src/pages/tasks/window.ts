/**
 * What of a long list is shown: pages of ids, and the newest state of each row. A row is brought up to date in its place; the order
 * changes only when nobody would be disturbed, so that nothing moves under the pointer.
 */
export interface ListWindow<T> {
  total: number
  /** The ids of the pages shown, by number from 0; null where an id has moved to another page and this one is not known anew yet. */
  pages: ReadonlyMap<number, readonly (string | null)[]>
  rows: ReadonlyMap<string, T>
  /** Pages whose order has changed, held back. */
  held: ReadonlyMap<number, ListPage<T>>
}

export interface ListPage<T> {
  list: readonly T[]
  total: number
}

interface Identified {
  id: string
}

/** A list of which nothing but its length is known. */
export function windowOf<T>(total: number): ListWindow<T> {
  return { total, pages: new Map(), rows: new Map(), held: new Map() }
}

/** Takes a page in. Unless `calm`, a page already shown keeps its order; what is new of its rows is shown all the same. */
export function takePage<T extends Identified>(window: ListWindow<T>, number: number, page: ListPage<T>, calm: boolean): ListWindow<T> {
  const rows = new Map(window.rows)
  for (const row of page.list) rows.set(row.id, row)
  const shown = window.pages.get(number)
  const isSame = shown?.length === page.list.length && page.list.every((row, index) => row.id === shown[index])
  if (calm || isSame || !shown || shown.includes(null)) return adopt({ ...window, rows }, number, page, calm || window.held.size === 0)
  return { ...window, rows, held: new Map(window.held).set(number, page) }
}

/** Shows what was held back. */
export function release<T extends Identified>(window: ListWindow<T>): ListWindow<T> {
  let next = window
  for (const [number, page] of window.held) next = adopt(next, number, page, true)
  return next
}

/** Forgets all pages but these. */
export function keepPages<T extends Identified>(window: ListWindow<T>, keep: (page: number) => boolean): ListWindow<T> {
  if ([...window.pages.keys()].every(keep)) return window
  const pages = new Map([...window.pages].filter(([number]) => keep(number)))
  const held = new Map([...window.held].filter(([number]) => keep(number)))
  const ids = new Set([...pages.values()].flat())
  return { ...window, pages, held, rows: new Map([...window.rows].filter(([id]) => ids.has(id))) }
}

/** The row at a place of the whole list; undefined when it is not known. */
export function rowAt<T>(window: ListWindow<T>, index: number, pageSize: number): T | undefined {
  const id = window.pages.get(Math.floor(index / pageSize))?.[index % pageSize]
  return id === null || id === undefined ? undefined : window.rows.get(id)
}

/** Where a row stands in the whole list; -1 when it is not among the known ones. */
export function placeOf<T>(window: ListWindow<T>, id: string, pageSize: number): number {
  for (const [number, ids] of window.pages) {
    const place = ids.indexOf(id)
    if (place >= 0) return number * pageSize + place
  }
  return -1
}

/** How many rows have come since the list was last shown as it is; 0 when only the order has changed, or nothing. */
export function countNew<T>(window: ListWindow<T>): number {
  const newest = [...window.held.values()].at(-1)
  return newest ? Math.max(0, newest.total - window.total) : 0
}

function adopt<T extends Identified>(window: ListWindow<T>, number: number, page: ListPage<T>, takeTotal: boolean): ListWindow<T> {
  const ids = page.list.map((row) => row.id)
  const own = new Set<string | null>(ids)
  const pages = new Map<number, readonly (string | null)[]>()
  // A row stands in one place: where it moved away from, it leaves a gap until that page is known anew.
  for (const [other, shown] of window.pages) pages.set(other, shown.some((id) => own.has(id)) ? shown.map((id) => (own.has(id) ? null : id)) : shown)
  pages.set(number, ids)
  const held = new Map(window.held)
  held.delete(number)
  return { ...window, pages, held, total: takeTotal ? page.total : window.total }
}
