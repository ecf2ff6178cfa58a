import { readonly, ref } from 'vue'
import type { Router } from 'vue-router'
import { probe } from './reachable'

/** A part of the admin that could not be loaded. */
export interface LoadFailure {
  /** The server has another version of the admin than this page: only a reload helps. */
  upgraded: boolean
  /** Where the person wanted to go; null: something on this page. */
  wanted: string | null
}

const failure = ref<LoadFailure | null>(null)
/** This page's first script, whose name tells one build from another. */
const OWN_SCRIPT = document.querySelector<HTMLScriptElement>('script[type=module][src]')?.getAttribute('src')

/** The part that could not be loaded, until the page is loaded anew or it is waved away. */
export function useLoadFailure() {
  return { failure: readonly(failure), dismiss: () => (failure.value = null) }
}

/** Notices parts that cannot be loaded: after an upgrade of the server the files this page knows are gone. */
export function watchLoading(router: Router): void {
  window.addEventListener('vite:preloadError', () => void note(null))
  router.onError((error, to) => {
    if (isLoadError(error)) void note(router.resolve(to.fullPath).href)
  })
}

async function note(wanted: string | null): Promise<void> {
  // Without a server nothing can be loaded; that is told in its own place.
  if (!(await probe())) return
  failure.value = { upgraded: await isUpgraded(), wanted: wanted ?? failure.value?.wanted ?? null }
}

async function isUpgraded(): Promise<boolean> {
  if (!OWN_SCRIPT) return false
  try {
    const answer = await fetch(import.meta.env.BASE_URL, { cache: 'no-store' })
    return answer.ok && !(await answer.text()).includes(OWN_SCRIPT)
  } catch {
    // Not known: the message then says less.
    return false
  }
}

/** Browsers word it differently. */
function isLoadError(error: unknown): boolean {
  return error instanceof Error && /dynamically imported module|importing a module script|preload CSS/i.test(error.message)
}
