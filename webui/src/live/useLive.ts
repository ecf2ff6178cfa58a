import { useQueryClient } from '@tanstack/vue-query'
import { onScopeDispose, readonly, ref, watch } from 'vue'
import type { ChangeEvent } from '@/api/events'
import { useSession } from '@/composables/useSession'
import { followChanges, type FeedState } from './feed'
import { probe, watchReachable } from './reachable'
import { collectKeys, staleKeys } from './staleness'

const state = ref<FeedState>({ status: 'connecting', heardAt: null })
let connectNow: () => void = () => undefined
const listeners = new Set<(event: ChangeEvent) => void>()

/** Whether this page is fed live, and since when it is not. */
export function useLiveState() {
  return readonly(state)
}

/** Asks the server again at once instead of when the time for it comes. */
export async function tryNow(): Promise<void> {
  if (await probe()) connectNow()
}

/** Calls `listener` for every change while the calling component lives. The query cache needs no help: it is told already. */
export function useEvents(listener: (event: ChangeEvent) => void): void {
  listeners.add(listener)
  onScopeDispose(() => listeners.delete(listener))
}

/** Feeds the query cache from the server's stream of changes. Called once, by the shell. */
export function useLiveFeed(): void {
  const queries = useQueryClient()
  const { signedIn } = useSession()
  const visible = ref(document.visibilityState === 'visible')
  const note = collectKeys((stale) => {
    for (const queryKey of stale) void queries.invalidateQueries({ queryKey })
  })
  const onVisibility = () => (visible.value = document.visibilityState === 'visible')
  document.addEventListener('visibilitychange', onVisibility)
  let stop: (() => void) | null = null
  let sawAway = false

  // What a session may do does not change with what happens on the server.
  const refetchAll = () => void queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' })
  const stopFollowing = () => {
    stop?.()
    stop = null
  }

  const wanted = () => visible.value && signedIn.value
  const follow = () => {
    stopFollowing()
    stop = followChanges({
      // What was last heard stays known: the age of the view does not start anew with a connection.
      onState: (next) => (state.value = { ...next, heardAt: next.heardAt ?? state.value.heardAt }),
      onChange: (event) => {
        note(staleKeys(event))
        for (const listener of listeners) listener(event)
      },
      onGap: refetchAll,
    })
  }
  connectNow = () => {
    if (!wanted()) return
    follow()
    refetchAll()
  }

  watch(
    wanted,
    (now) => {
      if (!now) {
        stopFollowing()
        sawAway = signedIn.value
        state.value = { ...state.value, status: 'paused' }
        return
      }
      follow()
      if (sawAway) refetchAll()
    },
    { immediate: true },
  )
  watchReachable(() => state.value.status === 'reconnecting' || state.value.status === 'connecting', connectNow)
  onScopeDispose(() => {
    stopFollowing()
    document.removeEventListener('visibilitychange', onVisibility)
  })
}
