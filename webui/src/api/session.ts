import { client, send } from './client'
import { ProblemError } from './problem'
import type { Session } from './types'

/** Exchanges the admin token for the session cookie. A wrong token is a `ProblemError` with status 401. */
export async function createSession(token: string): Promise<void> {
  await send(client.POST('/api/scheduler/session', { body: { token } }), { announce: false })
}

/** True when this browser is signed in, or needs no sign-in. */
export async function hasSession(): Promise<boolean> {
  try {
    await send(client.GET('/api/scheduler/session'), { announce: false })
    return true
  } catch (error) {
    if (error instanceof ProblemError && error.status === 401) return false
    throw error
  }
}

/** How one is signed in, and until when at the latest. */
export async function fetchSession(signal?: AbortSignal): Promise<Session> {
  return send(client.GET('/api/scheduler/session', { signal }))
}

/** Ends the session on the server and forgets the cookie. */
export async function deleteSession(): Promise<void> {
  await send(client.DELETE('/api/scheduler/session'), { announce: false })
}
