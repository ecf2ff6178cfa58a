import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ChangeEvent } from '@/api/events'
import { followChanges, type FeedState } from './feed'

/** The server's side of one open stream. */
interface Connection {
  send: (text: string) => void
  close: () => void
}

let connections: Connection[]
let answers: () => boolean
let stops: (() => void)[]

const HELLO = 'retry: 2000\n\n'
const PING = ': ping\n\n'
const change = (id: string) => `event: task\ndata: {"id": "${id}", "change": "updated"}\n\n`
const seconds = (n: number) => vi.advanceTimersByTimeAsync(n * 1_000)
const settled = () => vi.advanceTimersByTimeAsync(0)

function fakeFetch(_path: string, { signal }: { signal: AbortSignal }): Promise<unknown> {
  if (!answers()) return Promise.reject(new TypeError('connection refused'))
  const body = new ReadableStream<Uint8Array>({
    start(stream) {
      connections.push({ send: (text) => stream.enqueue(new TextEncoder().encode(text)), close: () => stream.close() })
      stream.enqueue(new TextEncoder().encode(HELLO))
      signal.addEventListener('abort', () => stream.error(new DOMException('aborted', 'AbortError')))
    },
  })
  return Promise.resolve({ ok: true, body })
}

/** Hands a message to every other tab at once; the browser's own does so a little later. */
class FakeChannel {
  static open = new Set<FakeChannel>()
  onmessage: ((message: { data: unknown }) => void) | null = null
  constructor() {
    FakeChannel.open.add(this)
  }
  postMessage(data: unknown): void {
    for (const other of FakeChannel.open) if (other !== this) other.onmessage?.({ data })
  }
  close(): void {
    FakeChannel.open.delete(this)
  }
}

/** One lock: the next in line gets it when its holder is done. */
function fakeLocks() {
  let last: Promise<unknown> = Promise.resolve()
  return {
    request(_name: string, { signal }: { signal: AbortSignal }, hold: () => Promise<void>): Promise<void> {
      const turn = last.then(() => (signal.aborted ? undefined : hold()))
      last = turn
      return turn
    },
  }
}

/** A tab that follows, with all that it was told. */
function tab() {
  const told = { states: [] as FeedState[], changes: [] as ChangeEvent[], gaps: 0, stop: () => {}, status: () => told.states.at(-1)?.status }
  told.stop = followChanges({
    onState: (state) => told.states.push(state),
    onChange: (event) => told.changes.push(event),
    onGap: () => (told.gaps += 1),
  })
  stops.push(told.stop)
  return told
}

beforeEach(() => {
  vi.useFakeTimers()
  connections = []
  answers = () => true
  stops = []
  FakeChannel.open.clear()
  vi.stubGlobal('fetch', fakeFetch)
  vi.stubGlobal('BroadcastChannel', FakeChannel)
  vi.stubGlobal('navigator', { locks: fakeLocks() })
})
afterEach(async () => {
  for (const stop of stops) stop()
  await settled()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('one tab', () => {
  it('is live as soon as the stream is open, and hands on what changed', async () => {
    const only = tab()
    expect(only.status()).toBeUndefined()
    await settled()
    expect(only.status()).toBe('live')
    connections[0]!.send(change('a'))
    await settled()
    expect(only.changes).toEqual([{ kind: 'task', id: 'a', change: 'updated' }])
  })

  it('refetches what was fetched before the server began to tell of changes', async () => {
    const only = tab()
    expect(only.gaps).toBe(0)
    await settled()
    expect(only.gaps).toBe(1)
  })

  it('stays live while pings come', async () => {
    const only = tab()
    await settled()
    for (let n = 0; n < 6; n += 1) {
      await seconds(15)
      connections[0]!.send(PING)
    }
    await settled()
    expect(only.status()).toBe('live')
    expect(connections).toHaveLength(1)
  })

  it('says that it reconnects after a silence, opens another stream, and tells that changes may be lost', async () => {
    const only = tab()
    await settled()
    const heardAt = Date.now()
    answers = () => false
    await seconds(36)
    expect(only.states.at(-1)).toEqual({ status: 'reconnecting', heardAt })
    answers = () => true
    await seconds(30)
    expect(only.status()).toBe('live')
    expect(connections).toHaveLength(2)
    expect(only.gaps).toBe(2)
  })

  it('opens another stream when the server closes one', async () => {
    const only = tab()
    await settled()
    connections[0]!.close()
    await settled()
    expect(only.status()).toBe('reconnecting')
    await seconds(1)
    expect(only.status()).toBe('live')
    expect(only.gaps).toBe(2)
  })

  it('reads nothing once it has stopped', async () => {
    const only = tab()
    await settled()
    only.stop()
    await seconds(60)
    expect(connections).toHaveLength(1)
    expect(only.status()).toBe('live')
  })
})

describe('several tabs', () => {
  it('share the stream of the first', async () => {
    const [first, second] = [tab(), tab()]
    await settled()
    connections[0]!.send(change('a'))
    await settled()
    expect(connections).toHaveLength(1)
    expect([first.changes.length, second.changes.length]).toEqual([1, 1])
    expect(second.status()).toBe('live')
  })

  it('one that comes later is told at once how things stand', async () => {
    tab()
    await settled()
    expect(tab().status()).toBe('live')
  })

  it('the next one takes over, and refetches what it may have missed between the streams', async () => {
    const [first, second] = [tab(), tab()]
    await settled()
    const before = second.gaps
    first.stop()
    await settled()
    expect(connections).toHaveLength(2)
    expect(second.status()).toBe('live')
    expect(second.gaps).toBe(before + 1)
    connections[1]!.send(change('b'))
    await settled()
    expect(second.changes).toHaveLength(1)
  })

  it('a follower that no longer hears its leader says so', async () => {
    vi.stubGlobal('navigator', { locks: { request: () => new Promise(() => {}) } })
    const follower = tab()
    const heardAt = Date.now()
    new FakeChannel().postMessage({ type: 'state', state: { status: 'live', heardAt } })
    expect(follower.status()).toBe('live')
    await seconds(30)
    expect(follower.status()).toBe('live')
    await seconds(15)
    expect(follower.states.at(-1)).toEqual({ status: 'reconnecting', heardAt })
  })

  it('without web locks each reads for itself', async () => {
    vi.stubGlobal('navigator', {})
    const [first, second] = [tab(), tab()]
    await settled()
    expect(connections).toHaveLength(2)
    connections[0]!.send(change('a'))
    connections[1]!.send(change('a'))
    await settled()
    expect([first.changes.length, second.changes.length]).toEqual([1, 1])
  })
})
