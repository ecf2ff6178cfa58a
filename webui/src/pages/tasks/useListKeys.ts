import { nextTick, ref, watch, type Ref } from 'vue'
import { useShortcuts } from '@/composables/useShortcuts'
import { useBlocked } from '@/live/writing'
import type { Task } from '@/api/types'
import type { TaskActions } from './useTaskActions'
import type { TaskWindow } from './useTaskWindow'

interface Options {
  root: Readonly<Ref<HTMLElement | null>>
  list: TaskWindow
  /** First and last place of the list that the keys may reach. */
  bounds: () => readonly [number, number]
  /** Brings a row into the document and into view. */
  reveal: (index: number) => Promise<void>
  select: (index: number, range: boolean) => void
  selectLoaded: () => void
  clearSelection: () => boolean
  removeSelected: () => boolean
  actions: TaskActions
}

/** The list by keyboard: j and k walk from row to row, single letters act on the row that has the focus. */
export function useListKeys({ root, list, bounds, reveal, select, selectLoaded, clearSelection, removeSelected, actions }: Options) {
  /** The row the keys are at: where the focus is, or was last. */
  const place = ref(-1)
  let id: string | null = null
  /** A row that is to have the focus once it is known. */
  const awaited = ref(-1)

  function here(): number {
    const moved = id === null ? -1 : list.placeOf(id)
    return moved >= 0 ? moved : place.value
  }

  function noteFocus(event: FocusEvent): void {
    const row = (event.target as Element).closest<HTMLElement>('[data-index]')
    if (!row) return
    place.value = Number(row.dataset.index)
    id = list.at(place.value)?.id ?? null
  }

  async function go(index: number): Promise<void> {
    const [first, last] = bounds()
    if (last < first) return
    const to = Math.min(last, Math.max(first, index))
    place.value = to
    id = list.at(to)?.id ?? null
    await reveal(to)
    if (!focus(to)) awaited.value = to
  }

  function focus(index: number): boolean {
    const link = root.value?.querySelector<HTMLElement>(`[data-index="${index}"] .row-link`)
    link?.focus({ preventScroll: true })
    return link !== undefined && link !== null
  }
  // A row far away is fetched first; it gets the focus when it is there, unless something else was chosen meanwhile.
  watch(
    () => (awaited.value < 0 ? undefined : list.at(awaited.value)),
    async (row) => {
      if (!row) return
      await nextTick()
      const index = awaited.value
      awaited.value = -1
      const active = document.activeElement
      if (index === place.value && (active === document.body || root.value?.contains(active))) focus(index)
    },
  )

  async function step(by: number, extend = false): Promise<void> {
    const from = here()
    const [first] = bounds()
    if (extend && from >= 0) {
      select(from, false)
      await go(from + by)
      select(place.value, true)
      return
    }
    await go(from < 0 ? first : from + by)
  }

  const blocked = useBlocked()
  /** What changes a task waits, like its button, while nothing can be changed. */
  const onRow = (act: (task: Task) => unknown) => () => {
    const task = list.at(here())
    if (task && blocked.value === null) void act(task)
  }

  useShortcuts({
    j: () => void step(1),
    k: () => void step(-1),
    J: () => void step(1, true),
    K: () => void step(-1, true),
    x: () => here() >= 0 && select(here(), false),
    e: onRow((task) => actions.edit(task)),
    d: onRow((task) => actions.duplicate(task)),
    r: onRow((task) => actions.run(task)),
    R: onRow((task) => (task.type === 'function' ? actions.openRunWith(task) : actions.run(task))),
    p: onRow((task) => actions.toggle(task, !task.enabled)),
    Delete: () => {
      if (blocked.value === null && !removeSelected()) onRow((task) => actions.remove(task))()
    },
  })

  /** Keys that mean something else outside the list. */
  function onKeydown(event: KeyboardEvent): void {
    const inText = event.target instanceof HTMLInputElement && event.target.type !== 'checkbox'
    if (event.defaultPrevented || event.altKey || inText) return
    const [first, last] = bounds()
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'a') selectLoaded()
    else if (event.ctrlKey || event.metaKey) return
    else if (event.key === 'Home') void go(first)
    else if (event.key === 'End') void go(last)
    else if (event.key === 'ArrowDown') void step(1, event.shiftKey)
    else if (event.key === 'ArrowUp') void step(-1, event.shiftKey)
    else if (event.key !== 'Escape' || !clearSelection()) return
    event.preventDefault()
  }

  return { noteFocus, onKeydown }
}
