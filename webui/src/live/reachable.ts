import { onScopeDispose, readonly, ref, watch, type Ref } from 'vue'

/** The server is given this long to say that it is there. */
const PATIENCE_MILLIS = 4_000
/** A restart takes seconds: a page that cries out at every blink is not believed. */
const FIRST_MILLIS = 1_200
const AGAIN_MILLIS = 3_000

const reachable = ref(navigator.onLine)

/**
 * Whether the server answers. The stream of changes may break while everything else works (a proxy between may hold it back), so once
 * it is silent the server itself is asked.
 */
export function useReachable(): Readonly<Ref<boolean>> {
  return readonly(reachable)
}

/** Asks the server now; the answer is also kept. */
export async function probe(): Promise<boolean> {
  try {
    const answer = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MILLIS) })
    // A proxy in between answers for a server that is gone.
    reachable.value = answer.ok
  } catch {
    // No answer is an answer here.
    reachable.value = false
  }
  return reachable.value
}

/** Keeps asking while `silent` is true. `onReturn` is called when a server that was gone answers again. */
export function watchReachable(silent: () => boolean, onReturn: () => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const ask = async () => {
    const before = reachable.value
    const there = await probe()
    if (there && !before) onReturn()
    if (silent()) timer = setTimeout(() => void ask(), AGAIN_MILLIS)
  }
  const onOffline = () => (reachable.value = false)
  const onOnline = () => void ask()
  watch(
    silent,
    (now) => {
      clearTimeout(timer)
      if (now) timer = setTimeout(() => void ask(), FIRST_MILLIS)
      else reachable.value = true
    },
    { immediate: true },
  )
  window.addEventListener('offline', onOffline)
  window.addEventListener('online', onOnline)
  onScopeDispose(() => {
    clearTimeout(timer)
    window.removeEventListener('offline', onOffline)
    window.removeEventListener('online', onOnline)
  })
}
