import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, markRaw, ref, toValue, watch, type MaybeRefOrGetter } from 'vue'
import { fetchTimeline, timelineKeys, type TimelineQuery } from '@/api/timeline'
import { useDebounced } from '@/composables/useDebounced'
import { useEvents } from '@/live/useLive'
import { collectKeys } from '@/live/staleness'
import { keepOrder, readTimeline, type Lane } from './lanes'
import type { FilterState, Group } from './useTimelineView'
import { stretchFor, type Stretch } from './view'

const MOVING_MILLIS = 150
/** A busy server changes all the time, and this is much to ask for. */
const LIVELY_MILLIS = 4_000
export const MORE_LANES = 60
export const MOST_LANES = 200

/** The lanes of a view with some room round it; they stay while the view moves, and follow what happens. */
export function useTimeline(asked: { view: MaybeRefOrGetter<Stretch>; group: MaybeRefOrGetter<Group>; filters: MaybeRefOrGetter<FilterState> }) {
  const limit = ref(MORE_LANES)
  const stretch = useDebounced(() => {
    const { from, to } = stretchFor(toValue(asked.view))
    return `${new Date(from).toISOString()} ${new Date(to).toISOString()}`
  }, MOVING_MILLIS)
  const narrowed = computed<TimelineQuery>(() => {
    const { q, tag, function: functionName } = toValue(asked.filters)
    return { ...(q.trim() && { q: q.trim() }), ...(tag.length > 0 && { tag: [...tag] }), ...(functionName && { functionName }) }
  })
  /** Names what is asked for but the stretch of time. */
  const subject = computed(() => JSON.stringify([toValue(asked.group), narrowed.value]))
  const query = computed<TimelineQuery>(() => {
    const [from = '', to = ''] = stretch.value.split(' ')
    return { from, to, groupBy: toValue(asked.group), limit: limit.value, ...narrowed.value }
  })
  const { data, error, refetch, isPlaceholderData, dataUpdatedAt } = useQuery({
    queryKey: computed(() => timelineKeys.one(query.value)),
    // Thousands of marks: nothing watches them one by one.
    queryFn: async ({ signal }) => markRaw(readTimeline(await fetchTimeline(query.value, signal))),
    placeholderData: keepPreviousData,
    structuralSharing: false,
    gcTime: 60_000,
  })

  const queries = useQueryClient()
  const note = collectKeys((stale) => {
    for (const queryKey of stale) void queries.invalidateQueries({ queryKey })
  }, LIVELY_MILLIS)
  useEvents(({ kind }) => {
    if (kind === 'execution' || kind === 'task' || kind === 'calendar' || kind === 'stats') note([timelineKeys.all()])
  })

  let order: { of: string; keys: readonly string[] } = { of: '', keys: [] }
  const lanes = ref<readonly Lane[]>([])
  watch(
    data,
    (told) => {
      if (!told) return
      const of = `${told.groupBy} ${subject.value} ${limit.value}`
      const sorted = keepOrder(order.of === of ? order.keys : [], told.lanes)
      order = { of, keys: sorted.map(({ key }) => key) }
      lanes.value = markRaw(sorted)
    },
    { immediate: true },
  )
  watch(subject, () => (limit.value = MORE_LANES))

  return {
    told: data,
    lanes,
    error,
    refetch,
    busy: isPlaceholderData,
    /** How far the server's clock is ahead of this browser's. */
    skew: computed(() => (data.value && !isPlaceholderData.value ? data.value.now - dataUpdatedAt.value : 0)),
    canShowMore: computed(() => (data.value?.more ?? 0) > 0 && limit.value < MOST_LANES),
    showMore: () => (limit.value = Math.min(MOST_LANES, limit.value + MORE_LANES)),
  }
}
