import { onMounted, onUnmounted } from 'vue'
import { isTyping } from '@/utils/keyboard'
import { usePreferences } from './usePreferences'

/**
 * Single keys that do something on this page, by `KeyboardEvent.key`. None fires while text is typed or with a modifier, and
 * all can be switched off in the settings (WCAG 2.1.4).
 */
export function useShortcuts(actions: Readonly<Record<string, () => void>>): void {
  const { shortcuts } = usePreferences()

  function onKey(event: KeyboardEvent) {
    if (!shortcuts.value || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined
    if (!action) return
    event.preventDefault()
    action()
  }
  onMounted(() => document.addEventListener('keydown', onKey))
  onUnmounted(() => document.removeEventListener('keydown', onKey))
}
