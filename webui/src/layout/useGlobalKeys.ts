import { onMounted, onUnmounted, readonly, ref } from 'vue'
import { useRouter } from 'vue-router'
import { usePreferences } from '@/composables/usePreferences'
import { useBlocked } from '@/live/writing'
import { usePalette } from '@/palette/usePalette'
import { isOverlaid, isTyping } from '@/utils/keyboard'
import { destinations } from './destinations'

/** A second key counts as belonging to `g` for this long. */
const CHORD_MILLIS = 1_500

const keysOpen = ref(false)
let opener: Element | null = null

/** The overlay that tells the keys. */
export function useKeysDialog() {
  return {
    keysOpen: readonly(keysOpen),
    openKeys: () => {
      opener = document.activeElement
      keysOpen.value = true
    },
    closeKeys: () => {
      keysOpen.value = false
      requestAnimationFrame(() => {
        if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
      })
    },
  }
}

function isInPalette(target: EventTarget | null): boolean {
  return target instanceof Element && Boolean(target.closest('[role=dialog]')?.querySelector('[data-palette]'))
}

function isAsked(target: EventTarget | null): boolean {
  return target instanceof Element && Boolean(target.closest('[role=dialog]')?.querySelector('[data-question]'))
}

/** What stands half beyond the edge of a strip is scrolled in when the focus comes to it by keyboard; a press must not move what it presses. */
function reveal({ target }: FocusEvent): void {
  if (!(target instanceof Element) || !target.matches('.strip :focus-visible')) return
  // A control without a size of its own stands for its label.
  ;(target.closest('label') ?? target).scrollIntoView({ block: 'nearest', inline: 'nearest' })
}

/** Keys that work on every page. Called once, by the shell. */
export function useGlobalKeys(): void {
  const { shortcuts } = usePreferences()
  const router = useRouter()
  const palette = usePalette()
  const blocked = useBlocked()
  const { openKeys } = useKeysDialog()
  let chordUntil = 0
  // A page that cannot be loaded is told by `live/loading`.
  const go = (name: string) => void router.push({ name }).catch(() => undefined)

  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
      // A question waits for its answer; over every other dialog the palette opens.
      if (palette.mode.value !== null) palette.close()
      else if (!isAsked(event.target)) palette.open()
      event.preventDefault()
      return
    }
    if (palette.mode.value !== null && !isInPalette(event.target)) {
      // It is on its way: what is typed meanwhile is meant for it.
      if (event.key === 'Escape') palette.close()
      else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) palette.typed.value += event.key
      else return
      event.preventDefault()
      event.stopImmediatePropagation()
      return
    }
    if (!shortcuts.value || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isOverlaid(event.target)) return
    if (chord(event) || single(event)) {
      // No page may take the same key for something else.
      event.preventDefault()
      event.stopImmediatePropagation()
    }
  }

  function chord(event: KeyboardEvent): boolean {
    const second = Date.now() < chordUntil
    chordUntil = 0
    const place = second ? destinations.find(({ key }) => key === event.key) : undefined
    if (place) go(place.name)
    return place !== undefined
  }

  function single(event: KeyboardEvent): boolean {
    if (event.key === 'g') chordUntil = Date.now() + CHORD_MILLIS
    else if (event.key === '?') openKeys()
    else if (event.key === 'c' && blocked.value === null) go('task-new')
    else return false
    return true
  }

  // Before the pages' own keys: the second key of `g e` is no `e`.
  onMounted(() => {
    document.addEventListener('keydown', onKey, true)
    document.addEventListener('focusin', reveal)
  })
  onUnmounted(() => {
    document.removeEventListener('keydown', onKey, true)
    document.removeEventListener('focusin', reveal)
  })
}
