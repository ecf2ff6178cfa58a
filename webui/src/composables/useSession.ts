import { computed, readonly, ref } from 'vue'
import { onSignedOut } from '@/api/client'
import { createSession, deleteSession, hasSession } from '@/api/session'

type SessionState = 'unknown' | 'in' | 'out'

const state = ref<SessionState>('unknown')
/** True when a session ended under the hands of its user. */
const expired = ref(false)
onSignedOut(() => {
  expired.value ||= state.value === 'in'
  state.value = 'out'
})

/** Who may look at this page: one session for the whole browser, kept in a cookie that no script can read. */
export function useSession() {
  const signedIn = computed(() => state.value === 'in')

  /** Asks the server once; afterwards the answers to all other calls tell. */
  async function check(): Promise<boolean> {
    if (state.value === 'unknown') state.value = (await hasSession()) ? 'in' : 'out'
    return signedIn.value
  }

  async function signIn(token: string): Promise<void> {
    await createSession(token)
    expired.value = false
    state.value = 'in'
  }

  async function signOut(): Promise<void> {
    await deleteSession()
    state.value = 'out'
  }

  return { state: readonly(state), expired: readonly(expired), signedIn, check, signIn, signOut }
}

/**
 * Takes the token of a sign-in link (`#token=...`) out of the address, so that it stays in no history entry and no
 * copied link. Null when there is none.
 */
export function takeTokenFromAddress(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token !== null) history.replaceState(history.state, '', location.pathname + location.search)
  return token
}
