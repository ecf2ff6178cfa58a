import type { Ref } from 'vue'
import { useShortcuts } from '@/composables/useShortcuts'

const MOST_FRAMES = 60

/**
 * A list by keyboard: j and k, or the arrows, walk from row to row, Home and End to its ends. The link of a row has the focus, so Enter
 * opens it. `reveal` brings a row into the document and into view.
 */
export function useRowKeys({ root, count, stuckAbove, reveal }: { root: Readonly<Ref<HTMLElement | null>>; count: () => number; stuckAbove: number; reveal: (index: number) => Promise<void> }) {
  let place = -1

  function noteFocus(event: FocusEvent): void {
    const row = (event.target as Element).closest<HTMLElement>('[data-index]')
    if (row) place = Number(row.dataset.index)
  }

  async function go(index: number): Promise<void> {
    if (count() === 0) return
    place = Math.min(count() - 1, Math.max(0, index))
    const wanted = place
    await reveal(wanted)
    // A row far away is in the document some frames after the page was scrolled to it.
    for (let frame = 0; frame < MOST_FRAMES && place === wanted; frame += 1) {
      const link = root.value?.querySelector<HTMLElement>(`[data-index="${wanted}"] .row-link`)
      if (link) return link.focus({ preventScroll: true })
      await new Promise(requestAnimationFrame)
    }
  }
  /** The first row in view that no bar covers. */
  function firstInView(): number {
    const rows = [...(root.value?.querySelectorAll<HTMLElement>('[data-index]') ?? [])]
    return Number(rows.find((row) => row.getBoundingClientRect().top >= stuckAbove - 1)?.dataset.index ?? 0)
  }
  const step = (by: 1 | -1) => void go(place < 0 ? firstInView() : place + by)

  useShortcuts({ j: () => step(1), k: () => step(-1) })

  /** Keys that mean something else outside the list. */
  function onKeydown(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return
    if (event.key === 'ArrowDown') step(1)
    else if (event.key === 'ArrowUp') step(-1)
    else if (event.key === 'Home') void go(0)
    else if (event.key === 'End') void go(count() - 1)
    else return
    event.preventDefault()
  }

  return { noteFocus, onKeydown }
}
