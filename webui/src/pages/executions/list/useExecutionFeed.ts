import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, markRaw, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { fetchExecution, fetchExecutions } from '@/api/executions'
import { keys } from '@/api/keys'
import type { Execution, ExecutionQuery } from '@/api/types'
import { useEvents } from '@/live/useLive'
import { isUnfinished } from '@/utils/status'
import { append, EMPTY_WINDOW, patch, showFresh, takeHead, type ExecutionWindow } from './window'

const PAGE_SIZE = 50
/** Beside what the server's events make stale: nothing fetches it. */
const keptKey = (name: string) => ['kept', 'executions', name] as const
/** Rows further down that changed are fetched one by one; more at once than this are left until the list is shown anew. */
const MOST_SINGLE_FETCHES = 20

/** How a list is found again. */
interface Kept {
  name: Readonly<Ref<string>>
  /** Whether one comes back to it now, to where one was. */
  isReturn: () => boolean
}

/**
 * The executions of a query, newest first. The newest page is kept fresh by the server's events; older ones are read by cursor
 * when asked for. New ones wait (`fresh`) until `showNew`, unless `calm` says that nobody would be disturbed. With `kept`, rows that were
 * read are kept under the name of their list for whom comes back to it.
 */
export function useExecutionFeed(filters: Readonly<Ref<ExecutionQuery>>, calm: () => boolean, kept?: Kept) {
  const client = useQueryClient()
  const loadingOlder = ref(false)
  const olderError = shallowRef<unknown>(null)
  const touched = new Set<string>()
  const window = shallowRef(read())
  let generation = 0

  /** The rows that were read when one was here last, if one comes back. What had not ended then may have by now. */
  function read(): ExecutionWindow {
    const before = kept?.isReturn() ? client.getQueryData<ExecutionWindow>(keptKey(kept.name.value)) : undefined
    for (const { id, status } of before?.rows ?? []) if (isUnfinished(status)) touched.add(id)
    return before ?? EMPTY_WINDOW
  }
  function keep(name: string): void {
    if (window.value.rows.length > 0) client.setQueryData(keptKey(name), markRaw(window.value))
  }
  if (kept) {
    // Before the rows of the list before are given up.
    watch(kept.name, (_, before) => keep(before), { flush: 'sync' })
    onScopeDispose(() => keep(kept.name.value))
  }

  const query = computed<ExecutionQuery>(() => ({ ...filters.value, pageSize: PAGE_SIZE }))
  const { data, error, refetch } = useQuery({
    queryKey: computed(() => keys.executionList(query.value)),
    queryFn: ({ signal }) => fetchExecutions(query.value, signal),
  })

  // Another list: nothing of the old one stays. The same one asked for in other words stays as it is.
  watch(
    () => JSON.stringify(query.value),
    () => {
      generation += 1
      touched.clear()
      window.value = read()
      olderError.value = null
    },
  )
  watch(
    data,
    (head) => {
      if (!head) return
      window.value = takeHead(window.value, head)
      if (window.value.fresh > 0 && calm()) showNew()
      void patchTouched(head.list)
    },
    { immediate: true },
  )
  useEvents((event) => {
    if (event.kind === 'execution') touched.add(event.id)
  })

  async function patchTouched(head: readonly Execution[]): Promise<void> {
    const inHead = new Set(head.map((execution) => execution.id))
    const due = window.value.rows.filter((row) => touched.has(row.id) && !inHead.has(row.id) && isUnfinished(row.status))
    touched.clear()
    const asked = generation
    const fetched = await Promise.allSettled(
      due.slice(0, MOST_SINGLE_FETCHES).map((row) => client.fetchQuery({ queryKey: keys.execution(row.id), queryFn: ({ signal }) => fetchExecution(row.id, signal), staleTime: 0 })),
    )
    const changed = fetched.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    if (asked === generation && changed.length > 0) window.value = patch(window.value, changed)
  }

  function showNew(): void {
    window.value = showFresh(window.value)
  }

  async function loadOlder(): Promise<void> {
    const { cursor } = window.value
    if (loadingOlder.value || cursor === null) return
    loadingOlder.value = true
    olderError.value = null
    const asked = generation
    try {
      const older = await fetchExecutions({ ...query.value, cursor })
      // The rows it continues may have been given up for newer ones meanwhile.
      if (asked === generation && window.value.cursor === cursor) window.value = append(window.value, older)
    } catch (fault) {
      if (asked === generation) olderError.value = fault
    } finally {
      loadingOlder.value = false
    }
  }

  return {
    /** undefined while the first page is awaited. */
    rows: computed(() => (data.value || window.value.rows.length > 0 ? window.value.rows : undefined)),
    fresh: computed(() => window.value.fresh),
    freshMore: computed(() => window.value.freshMore),
    total: computed(() => data.value?.total),
    totalCapped: computed(() => data.value?.totalCapped ?? false),
    hasOlder: computed(() => window.value.cursor !== null),
    error,
    refetch,
    showNew,
    loadOlder,
    loadingOlder,
    olderError,
  }
}
