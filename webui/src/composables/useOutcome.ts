import { useI18n } from 'vue-i18n'
import type { Execution } from '@/api/types'
import { useDisplayZone } from './usePreferences'
import { tellInstants } from '@/utils/time'

/** What came of an execution in a line: its error, its result, or why it did not run; empty when there is nothing to say. */
export function useOutcome(): (execution: Execution) => string {
  const { t, n } = useI18n()
  const zone = useDisplayZone()
  return (execution) => {
    if (execution.missedCount) return t('executions.summary.fireTimes', { n: n(execution.missedCount) }, execution.missedCount)
    const told = execution.errorMessage ?? execution.resultSummary
    if (told) return isServersSentence(execution) ? tellInstants(told, zone.value) : told
    if (execution.status === 'running') return execution.progressNote ?? ''
    return execution.reason && execution.status !== 'success' ? t(`executions.reasonShort.${execution.reason}`) : ''
  }
}

/** Whether the outcome is a sentence of the server: what did not run is told by it, in English; what ran, in the words of its author. */
export function isServersSentence({ status, errorMessage, missedCount }: Execution): boolean {
  return (status === 'skipped' || status === 'missed') && Boolean(errorMessage) && !missedCount
}
