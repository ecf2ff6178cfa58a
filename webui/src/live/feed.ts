import { readEvents, type ChangeEvent } from '@/api/events'

/**
 * One stream of changes per browser, however many tabs: browsers allow six connections to an origin over HTTP/1.1, and a
 * stream takes one for good. The tab that holds the Web Lock reads the stream and tells the others by BroadcastChannel. Hidden
 * tabs neither read nor lead. Where Web Locks are missing (plain http on a network) each visible tab reads its own.
 */

/** `live`: bytes arrived lately. `reconnecting`: they did not, and we try. `paused`: this tab is hidden or signed out. */
export type FeedStatus = 'connecting' | 'live' | 'reconnecting' | 'paused'

export interface FeedState {
  status: FeedStatus
  /** When the other side was last heard, in epoch milliseconds; null before the first time. */
  heardAt: number | null
}

export interface FeedListener {
  onState: (state: FeedState) => void
  onChange: (event: ChangeEvent) => void
  /** Changes may have been lost: everything shown is to be fetched anew. */
  onGap: () => void
}

type Told = { type: 'state'; state: FeedState } | { type: 'change'; event: ChangeEvent } | { type: 'gap' } | { type: 'hello' }

const NAME = 'cronplug.events'
/** The server pings every 15 s; two pings and a bit without one is silence. */
const SILENCE_MILLIS = 35_000
const FIRST_WAIT_MILLIS = 500
const LONGEST_WAIT_MILLIS = 15_000

/** Starts following the changes; the answer stops it. */
export function followChanges(listener: FeedListener): () => void {
  const stop = new AbortController()
  const channel = 'BroadcastChannel' in window ? new BroadcastChannel(NAME) : null
  let state: FeedState = { status: 'connecting', heardAt: null }
  let leading = false

  const show = (next: FeedState) => {
    state = next
    listener.onState(next)
  }
  const tell = (told: Told) => channel?.postMessage(told)

  const leader: FeedListener = {
    onState: (next) => {
      show(next)
      tell({ type: 'state', state: next })
    },
    onChange: (event) => {
      listener.onChange(event)
      tell({ type: 'change', event })
    },
    onGap: () => {
      listener.onGap()
      tell({ type: 'gap' })
    },
  }

  if (channel) {
    channel.onmessage = ({ data }: MessageEvent<Told>) => {
      if (leading) {
        if (data.type === 'hello') tell({ type: 'state', state })
      } else if (data.type === 'state') {
        // A follower may have slept through changes that the leader never missed.
        if (data.state.status === 'live' && state.status !== 'live') listener.onGap()
        show(data.state)
      } else if (data.type === 'change') listener.onChange(data.event)
      else if (data.type === 'gap') listener.onGap()
    }
    tell({ type: 'hello' })
  }

  const watchSilence = setInterval(() => {
    const silent = state.heardAt !== null && Date.now() - state.heardAt > SILENCE_MILLIS
    if (!leading && silent && state.status === 'live') show({ ...state, status: 'reconnecting' })
  }, 5_000)

  const lead = async () => {
    leading = true
    await keepReading(stop.signal, leader)
  }
  const run = navigator.locks ? navigator.locks.request(NAME, { signal: stop.signal }, lead) : lead()
  run.catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })

  return () => {
    stop.abort()
    clearInterval(watchSilence)
    channel?.close()
  }
}

async function keepReading(signal: AbortSignal, listener: FeedListener): Promise<void> {
  let wait = FIRST_WAIT_MILLIS
  let heardAt: number | null = null
  listener.onState({ status: 'connecting', heardAt })
  while (!signal.aborted) {
    const attempt = new AbortController()
    const end = () => attempt.abort()
    signal.addEventListener('abort', end, { once: true })
    let silence = setTimeout(end, SILENCE_MILLIS)
    let following = false
    const heard = () => {
      clearTimeout(silence)
      silence = setTimeout(end, SILENCE_MILLIS)
      heardAt = Date.now()
      listener.onState({ status: 'live', heardAt })
    }
    try {
      await readEvents({
        signal: attempt.signal,
        onActivity: () => {
          heard()
          if (following) return
          following = true
          wait = FIRST_WAIT_MILLIS
          // The server's first word comes once it collects changes for us: what was fetched before that, the first page
          // included, may have missed one.
          listener.onGap()
        },
        onChange: listener.onChange,
      })
    } catch {
      // Said by the state that follows: whatever broke the stream, the cure is to connect again.
    } finally {
      clearTimeout(silence)
      signal.removeEventListener('abort', end)
    }
    if (signal.aborted) return
    listener.onState({ status: 'reconnecting', heardAt })
    await pause(wait * (0.5 + Math.random()), signal)
    wait = Math.min(wait * 2, LONGEST_WAIT_MILLIS)
  }
}

function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, millis)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
