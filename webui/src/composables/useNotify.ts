import { useToast } from '@nuxt/ui/composables/useToast'
import { h } from 'vue'
import { useI18n } from 'vue-i18n'
import { ProblemError, UNREACHABLE } from '@/api/problem'
import { useBlocked } from '@/live/writing'

interface Action {
  label: string
  onClick: () => void
}

/** Short messages at the edge of the page: what was done, or why it was not. */
export function useNotify() {
  const toast = useToast()
  const { t } = useI18n()
  const blocked = useBlocked()

  /** An act that changes something: held back, like every other, while nothing can be changed. */
  const writing = (action: Action) => ({
    ...action,
    color: 'neutral' as const,
    variant: 'outline' as const,
    get disabled() {
      return blocked.value !== null
    },
    get title() {
      return blocked.value ?? undefined
    },
  })

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
    undoable: (title: string, action: Action) =>
      toast.add({ title, color: 'success', icon: 'i-lucide-circle-check', duration: 8_000, actions: [writing(action)] }),
    /** Something did not happen, and that is as it should be; `description` is the server's, `action` does it all the same. */
    held: (title: string, description: string, action: Action) =>
      toast.add({ title, description: inEnglish(description), color: 'warning', icon: 'i-lucide-skip-forward', duration: 12_000, actions: [writing(action)] }),
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
