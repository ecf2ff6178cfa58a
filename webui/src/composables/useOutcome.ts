import { useI18n } from 'vue-i18n'
import type { Execution } from '@/api/types'

/** What came of an execution in a line: its error, its result, or why it did not run; empty when there is nothing to say. */
export function useOutcome(): (execution: Execution) => string {
  const { t, n } = useI18n()
  return (execution) => {
    if (execution.missedCount) return t('executions.summary.fireTimes', { n: n(execution.missedCount) }, execution.missedCount)
    const told = execution.errorMessage ?? execution.resultSummary
    if (told) return told
    if (execution.status === 'running') return execution.progressNote ?? ''
    return execution.reason && execution.status !== 'success' ? t(`executions.reasonShort.${execution.reason}`) : ''
  }
}
