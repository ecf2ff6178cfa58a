import { onMounted, onUnmounted } from 'vue'
import { isOverlaid, isTyping } from '@/utils/keyboard'
import { usePreferences } from './usePreferences'

/**
 * Single keys that do something on this page, by `KeyboardEvent.key` (`J` is Shift and j). None fires while text is typed, with
 * Ctrl, Alt or Meta, or under an open dialog or menu; all can be switched off in the settings (WCAG 2.1.4).
 */
export function useShortcuts(actions: Readonly<Record<string, (event: KeyboardEvent) => void>>): void {
  const { shortcuts } = usePreferences()

  function onKey(event: KeyboardEvent) {
    if (!shortcuts.value || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    if (isTyping(event.target) || isOverlaid(event.target)) return
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined
    if (!action) return
    event.preventDefault()
    action(event)
  }
  onMounted(() => document.addEventListener('keydown', onKey))
  onUnmounted(() => document.removeEventListener('keydown', onKey))
}
