/** How a log is followed to its end through broken connections. The reading and the waiting are handed in. */
export interface FollowOptions {
  signal: AbortSignal
  /** Reads the stream after line `afterSeq`; true when the log has ended, false when the stream only broke off. May throw. */
  read: (afterSeq: number, onOpen: () => void) => Promise<boolean>
  /** The last line that has arrived. */
  lastSeq: () => number
  wait: (millis: number) => Promise<void>
  /** True while lines come, false while the connection is sought again. */
  onConnected: (connected: boolean) => void
  /** An error that trying again cannot cure: the execution is gone, or the session. */
  isFinal: (error: unknown) => boolean
}

const FIRST_WAIT_MILLIS = 500
const LONGEST_WAIT_MILLIS = 10_000

/** Resolves when the log has ended or `signal` aborts; rejects with a final error. */
export async function followToEnd(options: FollowOptions): Promise<void> {
  let wait = FIRST_WAIT_MILLIS
  while (!options.signal.aborted) {
    try {
      const ended = await options.read(options.lastSeq(), () => {
        wait = FIRST_WAIT_MILLIS
        options.onConnected(true)
      })
      if (ended) return
    } catch (error) {
      if (options.isFinal(error)) throw error
    }
    if (options.signal.aborted) return
    options.onConnected(false)
    await options.wait(wait)
    wait = Math.min(wait * 2, LONGEST_WAIT_MILLIS)
  }
}
