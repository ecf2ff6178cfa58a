import type { Execution } from '@/api/types'

/**
 * Older executions of several filters, read page by page and merged newest first. The server filters by one status at a time, so
 * a list of several statuses has a stream for each.
 */
export interface OlderStream<Q> {
  query: Q
  /** Where its next page starts; null when there is none. */
  cursor: string | null
  /** Read, and not yet given out; newest first. */
  waiting: readonly Execution[]
}

/**
 * Gives out what is certain to come next: it stops where a stream has run dry and a page of it is still to be read.
 */
export function giveOut<Q>(streams: readonly OlderStream<Q>[]): { given: Execution[]; rest: OlderStream<Q>[] } {
  const given: Execution[] = []
  const places = streams.map(() => 0)
  for (;;) {
    let newest = -1
    for (const [index, stream] of streams.entries()) {
      const next = stream.waiting[places[index]!]
      if (!next) {
        if (stream.cursor !== null) return { given, rest: remaining(streams, places) }
        continue
      }
      const best = newest < 0 ? undefined : streams[newest]!.waiting[places[newest]!]
      if (!best || next.queuedAt > best.queuedAt) newest = index
    }
    if (newest < 0) return { given, rest: remaining(streams, places) }
    given.push(streams[newest]!.waiting[places[newest]!]!)
    places[newest]! += 1
  }
}

/** True when nothing is left to give out or to read. */
export function isDry<Q>(streams: readonly OlderStream<Q>[]): boolean {
  return streams.every((stream) => stream.cursor === null && stream.waiting.length === 0)
}

function remaining<Q>(streams: readonly OlderStream<Q>[], places: readonly number[]): OlderStream<Q>[] {
  return streams.map((stream, index) => ({ ...stream, waiting: stream.waiting.slice(places[index]) }))
}
