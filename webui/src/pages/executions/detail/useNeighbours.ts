import { useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { fetchExecutions } from '@/api/executions'
import { keys } from '@/api/keys'
import type { Execution } from '@/api/types'

/** The executions of the same task just before and after this one, by id; null where there is none. */
export function useNeighbours(execution: Readonly<Ref<Execution | undefined>>) {
  const place = computed(() => ({ id: execution.value?.id ?? '', taskId: execution.value?.taskId ?? null, queuedAt: execution.value?.queuedAt ?? '' }))
  const { data } = useQuery({
    queryKey: computed(() => [...keys.executionLists(), 'neighbours', place.value]),
    enabled: computed(() => place.value.taskId !== null),
    queryFn: async ({ signal }) => {
      const { id, queuedAt } = place.value
      const taskId = place.value.taskId ?? ''
      const [older, newer] = await Promise.all([
        fetchExecutions({ taskId, to: queuedAt, pageSize: 1 }, signal),
        fetchExecutions({ taskId, from: queuedAt, pageSize: 2 }, signal),
      ])
      return { older: older.list[0]?.id ?? null, newer: await nextAfter(id, newer) }

      /** Lists are newest first: the next one stands just before this one, which is the last. */
      async function nextAfter(own: string, page: typeof newer): Promise<string | null> {
        if (page.total < 2 || page.totalCapped) return null
        const last = page.total === 2 ? page.list : (await fetchExecutions({ taskId, from: queuedAt, pageSize: 1, page: page.total - 1 }, signal)).list
        const next = last[0]
        return next && next.id !== own ? next.id : null
      }
    },
  })
  return { older: computed(() => data.value?.older ?? null), newer: computed(() => data.value?.newer ?? null) }
}
