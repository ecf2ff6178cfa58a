import { computed, onScopeDispose, shallowRef, watch } from 'vue'
import { AT_REST, drawn, madeWhole, moved, NOTHING_DRAWN, REST_MILLIS, rested } from './lightRows'

/** Rows made whole in one frame. */
const ROWS_A_FRAME = 4

/** Where a list stands and what of it is in the document. */
export interface Standing {
  /** In pixels. */
  top: number
  rows: readonly number[]
  /** The row that somebody asked for; -1 for none. */
  wanted: number
}

/** Tells which rows of a list are drawn light; see `lightRows`. `standing` tells of every move. */
export function useLightRows(standing: () => Standing): (row: number) => boolean {
  const drawing = shallowRef(NOTHING_DRAWN)
  const light = computed(() => drawing.value.light)
  let pace = AT_REST
  let timer: ReturnType<typeof setTimeout> | undefined
  let frame = 0

  watch(
    standing,
    ({ top, rows, wanted }) => {
      if (top !== pace.stops.at(-1)?.top) {
        pace = moved(pace, top, performance.now(), window.innerHeight)
        if (pace.fast) hold()
      }
      drawing.value = drawn(drawing.value, rows, pace.fast, wanted)
      if (light.value.size === 0) hold()
      else if (timer === undefined && frame === 0) timer = setTimeout(begin, pace.fast ? REST_MILLIS : 0)
    },
    { immediate: true },
  )

  /** A move is told of at the start of its frame, before `fill` is called: on a slow machine, too, it comes in time to hold that. */
  function begin(): void {
    timer = undefined
    frame = requestAnimationFrame(fill)
  }
  function fill(): void {
    pace = rested(pace)
    const { rows } = standing()
    drawing.value = madeWhole(drawing.value, rows[rows.length >> 1] ?? 0, ROWS_A_FRAME)
    frame = light.value.size > 0 ? requestAnimationFrame(fill) : 0
  }
  function hold(): void {
    clearTimeout(timer)
    cancelAnimationFrame(frame)
    timer = undefined
    frame = 0
  }
  onScopeDispose(hold)

  return (row) => light.value.has(row)
}
