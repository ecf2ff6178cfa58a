import { computed } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'

/**
 * The state of a view, kept in the address so that it can be reloaded, linked and gone back to. `defaults` names every
 * parameter; one that has its default is left out of the address, an unknown one is let be.
 */
export function useUrlQuery<K extends string>(defaults: Readonly<Record<K, string>>) {
  const route = useRoute()
  const router = useRouter()
  const names = Object.keys(defaults) as K[]

  const state = computed(() => {
    const read = {} as Record<K, string>
    for (const name of names) {
      const value = route.query[name]
      read[name] = typeof value === 'string' ? value : defaults[name]
    }
    return read
  })

  /** Typing replaces the address, a chosen filter adds to the history. */
  function patch(changes: Partial<Record<K, string>>, how: 'push' | 'replace' = 'push'): void {
    const query: LocationQueryRaw = { ...route.query }
    for (const name of names) {
      const value = changes[name] ?? state.value[name]
      if (value === defaults[name]) delete query[name]
      else query[name] = value
    }
    void router[how]({ query })
  }

  return { state, patch }
}
