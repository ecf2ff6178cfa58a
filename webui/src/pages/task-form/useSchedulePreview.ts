import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { keys } from '@/api/keys'
import { ProblemError } from '@/api/problem'
import { previewSchedule } from '@/api/schedules'
import { useDebounced } from '@/composables/useDebounced'

const SETTLE_MILLIS = 120
const COUNT = 5

/** What the server makes of an expression while it is typed: the sentence, the next runs, or the place of the fault. */
export function useSchedulePreview(source: () => { cronExpression: string; timezone: string }) {
  const settled = useDebounced(() => `${source().cronExpression.trim()}\n${source().timezone}`, SETTLE_MILLIS)
  const asked = computed(() => {
    const [cronExpression = '', timezone = ''] = settled.value.split('\n')
    return { cronExpression, timezone }
  })
  const query = useQuery({
    queryKey: computed(() => keys.preview(asked.value.cronExpression, asked.value.timezone)),
    queryFn: ({ signal }) => previewSchedule({ ...asked.value, count: COUNT }, signal),
    enabled: computed(() => asked.value.cronExpression !== ''),
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 10_000,
  })
  /** The server's words about the expression or the zone as typed now; null while it has none. */
  const fault = computed(() => {
    const { error } = query
    if (!(error.value instanceof ProblemError) || error.value.status !== 422 || asked.value.cronExpression === '') return null
    return error.value.errors[0] ?? { field: 'cronExpression', message: error.value.message, code: null, position: null }
  })
  return { preview: query.data, error: query.error, fault, asked, isStale: query.isPlaceholderData }
}
