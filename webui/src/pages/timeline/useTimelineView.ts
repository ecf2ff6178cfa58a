import { computed, ref, watch, type Ref } from 'vue'
import { useDebounced } from '@/composables/useDebounced'
import { useNow } from '@/composables/useNow'
import { useUrlQuery } from '@/composables/useUrlQuery'
import { atOf, centreOf, clampSpan, momentOf, nextSpan, spanOf, STANDARD, viewAtNow, viewRound, zoomAt, zoomOf } from './view'

export const GROUPS = ['task', 'function', 'tag'] as const
/** What narrows the lanes, as it stands in the address. */
export const NO_FILTERS = { q: '', tag: [] as readonly string[], function: '' }
export type FilterState = Readonly<typeof NO_FILTERS>
export type Group = (typeof GROUPS)[number]

/** An address is written once the view is still: browsers allow few changes a second. */
const STILL_MILLIS = 300

/**
 * The stretch of time in view, which the address tells: it follows the present until it is moved. `skew` is how far the server's clock
 * is ahead of this browser's.
 */
export function useTimelineView(width: Readonly<Ref<number>>, skew: Readonly<Ref<number>>) {
  const { state, patch } = useUrlQuery({ at: '', zoom: zoomOf(STANDARD), group: 'task', ...NO_FILTERS, view: 'chart' })
  const span = ref(spanOf(state.value.zoom))
  /** The middle of the view; null: it follows the present. */
  const moment = ref(momentOf(state.value.at))

  const clock = useNow()
  /** The present, to the pixel: what is drawn anew each second would look the same. */
  const now = computed(() => {
    const pixel = Math.max(1_000, span.value / Math.max(1, width.value))
    return Math.floor((clock.value + skew.value) / pixel) * pixel
  })
  const view = computed(() => (moment.value === null ? viewAtNow(now.value, span.value) : viewRound(moment.value, span.value)))

  watch([() => state.value.zoom, () => state.value.at], ([zoom, at]) => {
    if (zoom !== zoomOf(span.value)) span.value = spanOf(zoom)
    if (at !== atOf(moment.value)) moment.value = momentOf(at)
  })
  const still = useDebounced(() => `${zoomOf(span.value)} ${atOf(moment.value)}`, STILL_MILLIS)
  watch(still, (told) => {
    const [zoom = '', at = ''] = told.split(' ')
    if (zoom !== state.value.zoom || at !== state.value.at) patch({ zoom, at }, 'replace')
  })

  return {
    state,
    patch,
    span,
    now,
    view,
    following: computed(() => moment.value === null),
    group: computed(() => GROUPS.find((known) => known === state.value.group) ?? 'task'),
    /** The instant in the middle. */
    centre: () => centreOf(view.value),
    /** Moves by a share of the view. */
    pan: (share: number) => (moment.value = centreOf(view.value) + share * span.value),
    /** Shows another span; the instant at `share` of the width stays, or the present while the view follows it. */
    zoom: (wanted: number, share?: number) => {
      const next = clampSpan(wanted)
      if (moment.value !== null || share !== undefined) moment.value = centreOf(zoomAt(view.value, next, share ?? 0.5))
      span.value = next
    },
    step: (direction: -1 | 1) => nextSpan(span.value, direction),
    show: (at: number) => (moment.value = at),
    follow: () => (moment.value = null),
  }
}
