import { useToast } from '@nuxt/ui/composables/useToast'
import { h } from 'vue'
import { useI18n } from 'vue-i18n'
import { ProblemError, UNREACHABLE } from '@/api/problem'

/** Short messages at the edge of the page: what was done, or why it was not. */
export function useNotify() {
  const toast = useToast()
  const { t } = useI18n()

  /** A sentence for people about whatever went wrong. */
  function explain(error: unknown): string {
    if (isUnanswered(error)) return t('common.error.unreachable')
    return error instanceof Error ? error.message : String(error)
  }

  return {
    explain,
    done: (title: string, action?: { label: string; to: string }) =>
      toast.add({ title, color: 'success', icon: 'i-lucide-circle-check', actions: action ? [{ label: action.label, to: action.to, color: 'neutral', variant: 'outline' }] : undefined }),
    /** Something was done that can be taken back for a while. */
    undoable: (title: string, action: { label: string; onClick: () => void }) =>
      toast.add({ title, color: 'success', icon: 'i-lucide-circle-check', duration: 8_000, actions: [{ ...action, color: 'neutral', variant: 'outline' }] }),
    /** Something did not happen, and that is as it should be; `description` is the server's, `action` does it all the same. */
    held: (title: string, description: string, action: { label: string; onClick: () => void }) =>
      toast.add({ title, description: inEnglish(description), color: 'warning', icon: 'i-lucide-skip-forward', duration: 12_000, actions: [{ ...action, color: 'neutral', variant: 'outline' }] }),
    failed: (error: unknown, title = t('common.error.actionFailed')) => {
      // The end of a session shows itself: the sign-in page is on its way.
      if (error instanceof ProblemError && error.status === 401) return
      toast.add({ title, description: isUnanswered(error) ? explain(error) : inEnglish(explain(error)), color: 'error', icon: 'i-lucide-circle-alert', duration: 8_000 })
    },
  }
}

function isUnanswered(error: unknown): boolean {
  return error instanceof ProblemError && error.status === UNREACHABLE
}

/** What the server says, whatever the language of the page. */
function inEnglish(sentence: string) {
  return h('span', { lang: 'en' }, sentence)
}
