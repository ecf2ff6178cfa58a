import { useQueries, useQueryClient, type Query } from '@tanstack/vue-query'
import { computed, shallowRef, watch, type Ref } from 'vue'
import { keys } from '@/api/keys'
import { fetchTasks } from '@/api/tasks'
import type { Task, TaskList, TaskQuery } from '@/api/types'
import { countNew, keepPages, placeOf, release, rowAt, takePage, windowOf, type ListWindow } from './window'

export const PAGE_SIZE = 50
/** Pages this far from those in view stay in memory. */
const KEPT_AROUND = 4
/** Rows this far beyond those in view are fetched, so that they are there when they come into view. */
const AHEAD = 20

/** How long each list was when it was last seen, so that going back finds it at full height at once. The newest alone. */
let remembered = { key: '', total: 0 }

/**
 * A list of tasks of any length, of which the pages in view are fetched and kept fresh. An answer belongs to the query it was asked
 * for: a late one is never shown as another's. `calm`: nobody would be disturbed by rows that move.
 */
export function useTaskWindow(query: Readonly<Ref<TaskQuery>>, calm: () => boolean) {
  const client = useQueryClient()
  const key = computed(() => JSON.stringify(query.value))
  const wanted = shallowRef<readonly number[]>([0])
  const shownKey = shallowRef(remembered.key === key.value ? key.value : null)
  const window = shallowRef<ListWindow<Task>>(windowOf(shownKey.value ? remembered.total : 0))
  let taken = new Map<number, TaskList>()

  const askFor = (page: number): TaskQuery => ({ ...query.value, page: page + 1, pageSize: PAGE_SIZE })
  const results = useQueries({
    queries: computed(() =>
      wanted.value.map((page) => {
        const asked = askFor(page)
        return { queryKey: keys.taskList(asked), queryFn: ({ signal }: { signal: AbortSignal }) => fetchTasks(asked, signal) }
      }),
    ),
    shallow: true,
  })

  function take(page: number, list: TaskList): void {
    if (shownKey.value !== key.value) {
      shownKey.value = key.value
      window.value = windowOf(list.total)
      taken = new Map()
    }
    if (taken.get(page) === list) return
    taken.set(page, list)
    window.value = takePage(window.value, page, list, calm() || list.total < window.value.total)
    remembered = { key: key.value, total: window.value.total }
  }

  watch(
    // The cache is read by its keys: an answer in `results` may still be that of the query before.
    () => [results.value, key.value] as const,
    () => {
      for (const page of wanted.value) {
        const list = client.getQueryData<TaskList>(keys.taskList(askFor(page)))
        if (list) take(page, list)
      }
    },
    { immediate: true },
  )
  watch(key, () => (wanted.value = [0]))

  /** Says which rows are in view, the last one included. */
  function want(from: number, to: number): void {
    const first = Math.floor(Math.max(0, from) / PAGE_SIZE)
    const end = Math.max(from, Math.min(to, (window.value.total || Infinity) - 1))
    const last = Math.max(first, Math.floor(end / PAGE_SIZE))
    if (wanted.value[0] === first && wanted.value.at(-1) === last) return
    wanted.value = Array.from({ length: last - first + 1 }, (_, index) => first + index)
    const isFar = (page: number | null) => page !== null && (page < first - KEPT_AROUND || page > last + KEPT_AROUND)
    window.value = keepPages(window.value, (page) => !isFar(page))
    for (const page of taken.keys()) if (isFar(page)) taken.delete(page)
    client.removeQueries({ queryKey: keys.taskLists(), type: 'inactive', predicate: (cached) => isFar(pageOf(cached)) })
  }

  /** The ids of a stretch of the list, both ends included; fetches what of it is not known. */
  async function idsBetween(from: number, to: number): Promise<string[]> {
    const asked = key.value
    for (let page = Math.floor(from / PAGE_SIZE); page <= Math.floor(to / PAGE_SIZE); page += 1) {
      if (window.value.pages.has(page)) continue
      const query = askFor(page)
      const list = await client.fetchQuery({ queryKey: keys.taskList(query), queryFn: ({ signal }) => fetchTasks(query, signal), staleTime: 30_000 })
      if (asked !== key.value) return []
      window.value = takePage(window.value, page, list, false)
    }
    return Array.from({ length: to - from + 1 }, (_, index) => at(from + index)?.id).filter((id) => id !== undefined)
  }

  const at = (index: number): Task | undefined => rowAt(window.value, index, PAGE_SIZE)
  const error = computed(() => results.value.find((result) => result.error && !result.data)?.error ?? null)

  return {
    at,
    placeOf: (id: string) => placeOf(window.value, id, PAGE_SIZE),
    want,
    wantAround: (from: number, to: number) => want(from - AHEAD, to + AHEAD),
    idsBetween,
    /** Every row that is known now. */
    loaded: computed(() => [...window.value.pages.values()].flat().flatMap((id) => (id === null ? [] : [id]))),
    /** undefined while the first answer is awaited. */
    total: computed(() => (shownKey.value === null ? undefined : window.value.total)),
    /** What is shown answers an older question. */
    outdated: computed(() => shownKey.value !== null && shownKey.value !== key.value),
    /** Names the list that is shown. */
    shownKey,
    changed: computed(() => window.value.held.size > 0),
    fresh: computed(() => countNew(window.value)),
    showChanges: () => (window.value = release(window.value)),
    error,
    retry: () => results.value.forEach((result) => void result.refetch()),
  }
}

export type TaskWindow = ReturnType<typeof useTaskWindow>

/** Null: not one of this list's pages. */
function pageOf({ queryKey }: Query): number | null {
  const query = queryKey[2] as TaskQuery | undefined
  return query?.pageSize === PAGE_SIZE ? (query.page ?? 1) - 1 : null
}
