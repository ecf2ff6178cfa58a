import { SseParser, type SseMessage } from '@/utils/sse'
import { announceSignedOut } from './client'
import { toProblemError, unreachable } from './problem'

export interface StreamOptions {
  signal: AbortSignal
  /** Resume after this message. */
  lastEventId?: string | null
  onOpen?: () => void
  /** Called for every piece that arrives, pings too: the proof that the other side lives. */
  onActivity?: () => void
  onMessage: (message: SseMessage) => void
}

/**
 * Reads a stream of server-sent events until it ends or `signal` aborts. Unlike EventSource it sees pings and status
 * codes, so the page can say truly whether it is live. Throws a `ProblemError` when the stream cannot be opened or breaks.
 */
export async function readStream(path: string, options: StreamOptions): Promise<void> {
  const headers: Record<string, string> = { Accept: 'text/event-stream' }
  if (options.lastEventId) headers['Last-Event-ID'] = options.lastEventId
  try {
    const response = await fetch(path, { headers, signal: options.signal, cache: 'no-store', credentials: 'same-origin' })
    if (!response.ok || !response.body) {
      if (response.status === 401) announceSignedOut()
      throw toProblemError(await response.json().catch(() => null), response)
    }
    options.onOpen?.()
    const parser = new SseParser()
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      options.onActivity?.()
      for (const message of parser.push(value)) options.onMessage(message)
    }
  } catch (error) {
    if (options.signal.aborted) return
    throw error instanceof TypeError ? unreachable(error) : error
  }
}
