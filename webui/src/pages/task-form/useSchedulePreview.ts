import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { keys } from '@/api/keys'
import { fieldFault, ProblemError } from '@/api/problem'
import { previewSchedule } from '@/api/schedules'
import type { PreviewRequest } from '@/api/types'
import { useDebounced } from '@/composables/useDebounced'
import { previewOf, type TaskDraft } from './draft'

const SETTLE_MILLIS = 120
const COUNT = 5

interface Asked {
  body: PreviewRequest
  places: number[]
}

/**
 * What the server makes of the schedules while they are typed: sentence, next runs and warnings, or the place of the fault.
 * `taskId`: the stored task to compare with.
 */
export function useSchedulePreview(draft: () => TaskDraft, taskId: string | null) {
  const settled = useDebounced(() => {
    const { body, places } = previewOf(draft())
    return JSON.stringify({ body: { ...body, taskId, count: COUNT }, places } satisfies Asked)
  }, SETTLE_MILLIS)
  const asked = computed(() => JSON.parse(settled.value) as Asked)
  const isEmpty = computed(() => asked.value.places.length === 0)
  const query = useQuery({
    queryKey: computed(() => keys.preview(settled.value)),
    queryFn: ({ signal }) => previewSchedule(asked.value.body, signal),
    enabled: computed(() => !isEmpty.value),
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 10_000,
  })
  /** The server's words about the schedules as typed now; null while it has none. */
  const fault = computed(() => {
    const { error } = query
    if (!(error.value instanceof ProblemError) || error.value.status !== 422 || isEmpty.value) return null
    const found = error.value.errors[0] ?? { ...fieldFault('', error.value.message), own: false }
    return { ...found, field: found.field.replace(/^schedules\.(\d+)/, (_, place: string) => `schedules.${asked.value.places[Number(place)] ?? place}`) }
  })
  return { preview: query.data, error: query.error, fault, isEmpty, isStale: query.isPlaceholderData }
}
