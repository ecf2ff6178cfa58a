import { computed } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'

/**
 * The state of a view, kept in the address so that it can be reloaded, linked and gone back to. `defaults` names every
 * parameter; one that has its default is left out of the address, an unknown one is let be. A parameter whose default is an
 * empty list may stand there several times.
 */
export function useUrlQuery<T extends Readonly<Record<keyof T, string | readonly string[]>>>(defaults: T) {
  type State = { [K in keyof T]: T[K] extends string ? string : readonly string[] }
  const route = useRoute()
  const router = useRouter()
  const names = Object.keys(defaults) as (keyof T & string)[]

  const state = computed(() => {
    const read: Record<string, string | readonly string[]> = {}
    for (const name of names) {
      const value = route.query[name]
      if (typeof defaults[name] === 'string') read[name] = typeof value === 'string' ? value : defaults[name]
      else read[name] = [...new Set([value].flat())].filter((each) => typeof each === 'string' && each !== '') as string[]
    }
    return read as State
  })

  /** Typing replaces the address, a chosen filter adds to the history. */
  function patch(changes: Partial<State>, how: 'push' | 'replace' = 'push'): void {
    const query: LocationQueryRaw = { ...route.query }
    for (const name of names) {
      const value = changes[name] ?? state.value[name]
      if (value === defaults[name] || value.length === 0) delete query[name]
      else query[name] = typeof value === 'string' ? value : [...value]
    }
    void router[how]({ query })
  }

  return { state, patch }
}
