import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { fetchErrorGroups, fetchSeries, figureKeys, type Series } from '@/api/figures'

const DAY = 86_400_000
const FRESH_MILLIS = 60_000
/** How far back each is asked for: a day by the hour is part of a week by the hour, a month of a year. */
const REACH: Record<Series['bucket'], number> = { hour: 7 * DAY, day: 366 * DAY }

/** The executions of a task by hours or by days, looked at anew every minute. */
export function useSeries(taskId: () => string, bucket: () => Series['bucket']) {
  return useQuery({
    queryKey: computed(() => figureKeys.series(taskId(), bucket())),
    queryFn: ({ signal }) => fetchSeries(taskId(), { bucket: bucket(), from: new Date(Date.now() - REACH[bucket()]).toISOString() }, signal),
    placeholderData: keepPreviousData,
    staleTime: FRESH_MILLIS / 2,
    refetchInterval: FRESH_MILLIS,
  })
}

/** Why a task failed in the last 30 days. */
export function useErrorGroups(taskId: () => string) {
  return useQuery({
    queryKey: computed(() => figureKeys.errors(taskId())),
    queryFn: ({ signal }) => fetchErrorGroups(taskId(), signal),
    staleTime: FRESH_MILLIS / 2,
    refetchInterval: FRESH_MILLIS,
  })
}
