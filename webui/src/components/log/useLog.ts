import { onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { useDocumentVisible } from '@/composables/useDocumentVisible'
import { fetchLog, PAGE_LINES, readLogStream } from '@/api/logs'
import { isTransient } from '@/api/problem'
import type { LogLine, LogPage } from '@/api/types'
import { LogBuffer } from './buffer'
import { followToEnd } from './follow'

/** `live`: lines come as they are written. `paused`: this tab is hidden. `ended`: all there is, or will be. */
export type LogState = 'loading' | 'live' | 'reconnecting' | 'paused' | 'ended' | 'error'

/** The lines of one execution: those written so far by pages, then the coming ones by a stream that is closed at the end. */
export function useLog(executionId: string, ended: Readonly<Ref<boolean>>) {
  const buffer = new LogBuffer()
  const lines = shallowRef<readonly LogLine[]>([])
  const dropped = ref(0)
  const state = ref<LogState>('loading')
  const error = shallowRef<unknown>(null)
  const loadingEarlier = ref(false)
  const visible = useDocumentVisible()
  let stop = new AbortController()
  let arrived: LogLine[] = []
  let frame = 0

  // A busy log brings thousands of lines a second: they are taken in once per frame.
  function take(line: LogLine): void {
    arrived.push(line)
    if (frame === 0) frame = requestAnimationFrame(flush)
  }

  function flush(): void {
    cancelAnimationFrame(frame)
    frame = 0
    show(arrived)
    arrived = []
  }

  function show(added: readonly LogLine[]): void {
    if (buffer.push(added) === 0) return
    lines.value = buffer.lines.slice()
    dropped.value = buffer.dropped
  }

  async function readPages(signal: AbortSignal): Promise<void> {
    for (;;) {
      const page = await fetchLog(executionId, buffer.lastSeq, signal)
      show(page.list)
      if (page.nextOffset === null) return
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    const wasEnded = ended.value
    await readPages(signal)
    if (!wasEnded) {
      await followToEnd({
        signal,
        read: (afterSeq, onOpen) => readLogStream(executionId, { signal, afterSeq, onOpen, onLine: take }),
        // Lines that wait for the next frame have arrived too.
        lastSeq: () => arrived.at(-1)?.seq ?? buffer.lastSeq,
        wait: (millis) => pause(millis, signal),
        onConnected: (connected) => (state.value = connected ? 'live' : 'reconnecting'),
        isFinal: (fault) => !isTransient(fault),
      })
    }
    flush()
    if (!signal.aborted) state.value = 'ended'
  }

  function start(): void {
    stop.abort()
    stop = new AbortController()
    const { signal } = stop
    error.value = null
    if (buffer.lastSeq === 0) state.value = 'loading'
    run(signal).catch((fault: unknown) => {
      if (signal.aborted) return
      error.value = fault
      state.value = 'error'
    })
  }

  watch(
    visible,
    (shown) => {
      if (state.value === 'ended') return
      if (shown) start()
      else {
        stop.abort()
        state.value = 'paused'
      }
    },
    { immediate: true },
  )
  onScopeDispose(() => {
    stop.abort()
    cancelAnimationFrame(frame)
  })

  /** Brings back the page of lines before the oldest one kept. */
  async function loadEarlier(): Promise<void> {
    if (loadingEarlier.value || buffer.dropped === 0) return
    loadingEarlier.value = true
    try {
      const page = await fetchLog(executionId, Math.max(0, buffer.firstSeq - 1 - PAGE_LINES))
      buffer.unshift(page.list)
      lines.value = buffer.lines.slice()
      dropped.value = buffer.dropped
    } finally {
      loadingEarlier.value = false
    }
  }

  /** Every line there is, those that were let go too. */
  async function readWhole(): Promise<LogLine[]> {
    if (buffer.dropped === 0) return lines.value.slice()
    const whole: LogLine[] = []
    for (let offset: number | null = 0; offset !== null; ) {
      const page: LogPage = await fetchLog(executionId, offset)
      whole.push(...page.list)
      offset = page.nextOffset
    }
    return whole
  }

  return { lines, dropped, state, error, retry: start, loadEarlier, loadingEarlier, readWhole }
}

function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, millis)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
