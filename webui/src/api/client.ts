import createClient from 'openapi-fetch'
import { toProblemError, unreachable } from './problem'
import type { paths } from './schema'

/** The typed client. Sign-in is a cookie of the same origin, so no call carries a secret. */
export const client = createClient<paths>({ baseUrl: '', credentials: 'same-origin' })

const signedOutListeners = new Set<() => void>()

/** Calls `listener` each time the server answers that the session is over. */
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener)
  return () => signedOutListeners.delete(listener)
}

/** Tells the listeners of `onSignedOut`. */
export function announceSignedOut(): void {
  for (const listener of signedOutListeners) listener()
}

type Answer<T> = { data?: T; error?: unknown; response: Response }

/** The body of a successful call; throws a `ProblemError` for every other outcome. */
export async function send<T>(call: Promise<Answer<T>>, options: { announce?: boolean } = {}): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await call
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw unreachable(error)
  }
  const { data, error, response } = answer
  if (!response.ok) {
    if (response.status === 401 && options.announce !== false) announceSignedOut()
    throw toProblemError(error, response)
  }
  return data as T
}
