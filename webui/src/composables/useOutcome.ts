import { useI18n } from 'vue-i18n'
import type { Execution } from '@/api/types'
import { useDisplayZone } from './usePreferences'
import { useServerSentences, worded, type Worded } from './useServerSentences'

/** What came of an execution in a line: its error, its result, or why it did not run; empty when there is nothing to say. */
export function useOutcome(): (execution: Execution) => Worded {
  const { t, n } = useI18n()
  const zone = useDisplayZone()
  const tellError = useErrorText()

  function ownText(execution: Execution): string {
    if (execution.missedCount) return t('executions.summary.fireTimes', { n: n(execution.missedCount) }, execution.missedCount)
    if (execution.resultSummary) return execution.resultSummary
    if (execution.status === 'running') return execution.progressNote ?? ''
    return execution.reason && execution.status !== 'success' ? t(`executions.reasonShort.${execution.reason}`) : ''
  }

  return (execution) => (execution.errorMessage && !execution.missedCount ? tellError(execution.errorMessage, execution, zone.value) : worded(ownText(execution)))
}

/** By what one sees who says why something ended. */
interface Ended {
  status: Execution['status'] | null
  reason: Execution['reason']
}

/** Tells an error in the language of the page where the server speaks; what a function says is left in the words of its author. */
export function useErrorText(): (message: string, ended: Ended, zone: string) => Worded {
  const { tell, tellEnd } = useServerSentences()
  return (message, ended, zone) => (isServers(ended) ? tell : tellEnd)(message, zone)
}

const AUTHORS = new Set<Ended['status']>(['success', 'failed', 'queued', 'running'])
const SERVERS = new Set<Ended['reason']>(['http_status', 'http_body', 'http_error', 'http_refused', 'timeout', 'unknown_function', 'worker_died', 'out_of_memory'])

/** Whether the server says it: of what a function did tells its author, but for failures that only the server sees. */
function isServers({ status, reason }: Ended): boolean {
  return !AUTHORS.has(status) || SERVERS.has(reason)
}
