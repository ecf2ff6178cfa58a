import { describe, expect, it } from 'vitest'
import { followToEnd, type FollowOptions } from './follow'

function script(reads: ((afterSeq: number, onOpen: () => void) => boolean)[]) {
  const seen = { from: [] as number[], waits: [] as number[], connected: [] as boolean[] }
  let lastSeq = 0
  const options: FollowOptions = {
    signal: new AbortController().signal,
    read: (afterSeq, onOpen) => {
      seen.from.push(afterSeq)
      lastSeq += 10
      return new Promise((resolve) => resolve(reads.shift()!(afterSeq, onOpen)))
    },
    lastSeq: () => lastSeq,
    wait: (millis) => {
      seen.waits.push(millis)
      return Promise.resolve()
    },
    onConnected: (connected) => seen.connected.push(connected),
    isFinal: (error) => error instanceof RangeError,
  }
  return { options, seen }
}

describe('followToEnd', () => {
  it('goes on after the last line when the stream breaks, and stops at the end', async () => {
    const { options, seen } = script([
      (_, open) => (open(), false),
      (_, open) => (open(), true),
    ])
    await followToEnd(options)
    expect(seen.from).toEqual([0, 10])
    expect(seen.connected).toEqual([true, false, true])
  })

  it('waits longer after each failure, and starts afresh once connected', async () => {
    const fail = () => {
      throw new Error('refused')
    }
    const { options, seen } = script([fail, fail, (_, open) => (open(), false), () => true])
    await followToEnd(options)
    expect(seen.waits).toEqual([500, 1_000, 500])
  })

  it('gives up on what trying again cannot cure', async () => {
    const { options } = script([
      () => {
        throw new RangeError('gone')
      },
    ])
    await expect(followToEnd(options)).rejects.toThrow('gone')
  })

  it('reads nothing once it is stopped', async () => {
    const stop = new AbortController()
    stop.abort()
    const { options, seen } = script([])
    await followToEnd({ ...options, signal: stop.signal })
    expect(seen.from).toEqual([])
  })
})
