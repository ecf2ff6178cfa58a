import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, ref, shallowRef, watch, type Ref } from 'vue'
import { fetchExecution, fetchExecutions } from '@/api/executions'
import { keys } from '@/api/keys'
import type { Execution, ExecutionQuery } from '@/api/types'
import { useEvents } from '@/live/useLive'
import { isUnfinished } from '@/utils/status'
import { giveOut, isDry, type OlderStream } from './streams'
import { append, EMPTY_WINDOW, patch, showFresh, takeHead } from './window'

const PAGE_SIZE = 50
/** Rows further down that changed are fetched one by one; more at once than this are left until the list is shown anew. */
const MOST_SINGLE_FETCHES = 20

interface Head {
  list: Execution[]
  streams: OlderStream<ExecutionQuery>[]
  total: number
  totalCapped: boolean
}

/**
 * The executions of some queries as one list, newest first. The newest page is kept fresh by the server's events; older ones
 * are read by cursor when asked for. New ones wait (`fresh`) until `showNew`, unless `calm` says that nobody would be disturbed.
 */
export function useExecutionFeed(queries: Readonly<Ref<ExecutionQuery[]>>, calm: () => boolean) {
  const client = useQueryClient()
  const window = shallowRef(EMPTY_WINDOW)
  const streams = shallowRef<OlderStream<ExecutionQuery>[]>([])
  const loadingOlder = ref(false)
  const olderError = shallowRef<unknown>(null)
  const touched = new Set<string>()
  let generation = 0

  const { data, error, refetch, isFetching } = useQuery({
    queryKey: computed(() => [...keys.executionLists(), 'feed', queries.value]),
    queryFn: ({ queryKey, signal }) => readHead(queryKey[3] as ExecutionQuery[], signal),
  })

  // Another list: nothing of the old one stays. The same one asked for in other words stays as it is.
  watch(
    () => JSON.stringify(queries.value),
    () => {
      generation += 1
      window.value = EMPTY_WINDOW
      olderError.value = null
      touched.clear()
    },
  )
  watch(
    data,
    (head) => {
      if (!head) return
      const first = window.value.rows.length === 0
      window.value = takeHead(window.value, head.list)
      if (first) streams.value = head.streams
      else if (window.value.fresh > 0 && calm()) showNew()
      void patchTouched(head)
    },
    { immediate: true },
  )
  useEvents((event) => {
    if (event.kind === 'execution') touched.add(event.id)
  })

  async function patchTouched(head: Head): Promise<void> {
    const inHead = new Set(head.list.map((execution) => execution.id))
    const due = window.value.rows.filter((row) => touched.has(row.id) && !inHead.has(row.id) && isUnfinished(row.status))
    touched.clear()
    const asked = generation
    const fetched = await Promise.allSettled(due.slice(0, MOST_SINGLE_FETCHES).map((row) => client.fetchQuery({ queryKey: keys.execution(row.id), queryFn: ({ signal }) => fetchExecution(row.id, signal), staleTime: 0 })))
    const changed = fetched.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    if (asked === generation && changed.length > 0) window.value = patch(window.value, changed)
  }

  function showNew(): void {
    const { window: shown, kept } = showFresh(window.value)
    window.value = shown
    if (!kept && data.value) streams.value = data.value.streams
  }

  async function loadOlder(): Promise<void> {
    if (loadingOlder.value || isDry(streams.value)) return
    loadingOlder.value = true
    olderError.value = null
    const asked = generation
    try {
      const filled = await Promise.all(streams.value.map(readOn))
      if (asked !== generation) return
      const { given, rest } = giveOut(filled)
      streams.value = rest
      window.value = append(window.value, given)
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
    hasOlder: computed(() => !isDry(streams.value)),
    error,
    isFetching,
    refetch,
    showNew,
    loadOlder,
    loadingOlder,
    olderError,
  }
}

async function readHead(queries: readonly ExecutionQuery[], signal: AbortSignal): Promise<Head> {
  const pages = await Promise.all(queries.map((query) => fetchExecutions({ ...query, pageSize: PAGE_SIZE }, signal)))
  const { given, rest } = giveOut(pages.map((page, index) => ({ query: queries[index]!, cursor: page.nextCursor, waiting: page.list })))
  return {
    list: given,
    streams: rest,
    total: pages.reduce((sum, page) => sum + page.total, 0),
    totalCapped: pages.some((page) => page.totalCapped),
  }
}

/** Reads the stream's next page if it has run dry. */
async function readOn(stream: OlderStream<ExecutionQuery>): Promise<OlderStream<ExecutionQuery>> {
  if (stream.waiting.length > 0 || stream.cursor === null) return stream
  const page = await fetchExecutions({ ...stream.query, pageSize: PAGE_SIZE, cursor: stream.cursor })
  return { ...stream, cursor: page.nextCursor, waiting: page.list }
}
