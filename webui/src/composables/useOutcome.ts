import { useI18n } from 'vue-i18n'
import type { Execution } from '@/api/types'
import { useDisplayZone } from './usePreferences'
import { useServerSentences, type Worded } from './useServerSentences'

/** What came of an execution in a line: its error, its result, or why it did not run; empty when there is nothing to say. */
export function useOutcome(): (execution: Execution) => Worded {
  const { t, n } = useI18n()
  const zone = useDisplayZone()
  const tell = useServerSentences()

  function ownText(execution: Execution): string {
    if (execution.missedCount) return t('executions.summary.fireTimes', { n: n(execution.missedCount) }, execution.missedCount)
    const told = execution.errorMessage ?? execution.resultSummary
    if (told) return told
    if (execution.status === 'running') return execution.progressNote ?? ''
    return execution.reason && execution.status !== 'success' ? t(`executions.reasonShort.${execution.reason}`) : ''
  }

  return (execution) => {
    const { status, errorMessage, missedCount } = execution
    if (errorMessage && !missedCount && isServers(status)) return tell(errorMessage, zone.value)
    return { text: ownText(execution), lang: undefined }
  }
}

/** Whether what is said of an execution of this status are words of the server: what ran is told in the words of its author. */
export function isServers(status: Execution['status']): boolean {
  return status !== 'success' && status !== 'failed' && status !== 'queued' && status !== 'running'
}
