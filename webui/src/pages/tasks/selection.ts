/** Most ids that one request may name. */
export const MOST_SELECTED = 1_000

/** Which rows an act is meant for: some by their ids, or all that match the filters. Pure. */
export interface Selection {
  all: boolean
  ids: ReadonlySet<string>
}

export const NOTHING: Selection = { all: false, ids: new Set() }
export const EVERYTHING: Selection = { all: true, ids: new Set() }

export function isSelected(selection: Selection, id: string): boolean {
  return selection.all || selection.ids.has(id)
}

/** How many rows that is, of `total` that match. */
export function countOf(selection: Selection, total: number): number {
  return selection.all ? total : selection.ids.size
}

/** Takes one in or out. From "all", one out leaves the others that are `known`. */
export function toggled(selection: Selection, id: string, known: readonly string[]): Selection {
  const ids = new Set(selection.all ? known : selection.ids)
  if (!ids.delete(id)) ids.add(id)
  return ids.size > MOST_SELECTED ? selection : { all: false, ids }
}

/** Takes many in, or all of them out. More than one request may name are not taken in. */
export function withAll(selection: Selection, added: readonly string[], selected = true): Selection {
  const ids = new Set(selection.all ? [] : selection.ids)
  for (const id of added) {
    if (!selected) ids.delete(id)
    else if (ids.size < MOST_SELECTED) ids.add(id)
  }
  return { all: false, ids }
}

/** What the box above the rows shows. */
export function boxState(selection: Selection, known: readonly string[]): 'none' | 'some' | 'all' {
  if (selection.all) return 'all'
  if (selection.ids.size === 0) return 'none'
  return known.length > 0 && known.every((id) => selection.ids.has(id)) ? 'all' : 'some'
}
