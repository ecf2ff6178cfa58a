import { onMounted, onUnmounted } from 'vue'

/** Lets the browser ask before the page is closed or reloaded while `unsaved` is true. */
export function useLeaveWarning(unsaved: () => boolean): void {
  const warn = (event: BeforeUnloadEvent) => {
    if (unsaved()) event.preventDefault()
  }
  onMounted(() => window.addEventListener('beforeunload', warn))
  onUnmounted(() => window.removeEventListener('beforeunload', warn))
}
