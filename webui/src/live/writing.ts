import { computed, ref, watchEffect, type ComputedRef, type Directive, type WatchHandle } from 'vue'
import { i18n } from '@/i18n'
import { useReachable } from './reachable'

const reachable = useReachable()
/** What this session may do, as `GET /me` told; null until it has. The server decides all the same. */
const permissions = ref<readonly string[] | null>(null)

const reason = computed(() => {
  if (!reachable.value) return i18n.global.t('common.blocked.offline')
  return permissions.value === null || permissions.value.includes('write') ? null : i18n.global.t('common.blocked.permission')
})

/** Why nothing can be changed now, in a sentence; null when it can. For buttons there is `vWrites`. */
export function useBlocked(): ComputedRef<string | null> {
  return reason
}

/** Told by the shell, which asks the server. */
export function setPermissions(granted: readonly string[]): void {
  permissions.value = granted
}

interface Guarded extends HTMLElement {
  stopGuarding?: () => void
}

/**
 * Marks a control that changes something: `<PushButton v-writes ...>`. While nothing can be changed it stays where it is, in the order of
 * the Tab key too, but does nothing and says why.
 */
export const vWrites: Directive<Guarded> = {
  mounted(element) {
    const hold = (event: Event) => {
      if (reason.value === null) return
      event.preventDefault()
      event.stopImmediatePropagation()
    }
    element.addEventListener('click', hold, true)
    const shown: WatchHandle = watchEffect(() => {
      const title = element.dataset.title ?? (element.dataset.title = element.title)
      if (reason.value === null) {
        element.removeAttribute('aria-disabled')
        element.removeAttribute('aria-description')
        element.title = title
        if (!title) element.removeAttribute('title')
      } else {
        element.setAttribute('aria-disabled', 'true')
        element.setAttribute('aria-description', reason.value)
        element.title = reason.value
      }
    })
    element.stopGuarding = () => {
      shown.stop()
      element.removeEventListener('click', hold, true)
    }
  },
  unmounted(element) {
    element.stopGuarding?.()
  },
}
