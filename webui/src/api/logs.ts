import { client, send } from './client'
import { readStream, type StreamOptions } from './stream'
import type { LogLine, LogPage } from './types'

/** The most lines one answer holds. */
export const PAGE_LINES = 5_000

/** Lines after the first `offset` ones. */
export async function fetchLog(id: string, offset: number, signal?: AbortSignal): Promise<LogPage> {
  const params = { path: { executionId: id }, query: { offset, limit: PAGE_LINES } }
  return send(client.GET('/api/scheduler/executions/{executionId}/log', { params, signal }))
}

/** Reads lines as they come, after `afterSeq`. Answers true when the execution has ended and all its lines were given. */
export async function readLogStream(
  id: string,
  options: Omit<StreamOptions, 'onMessage' | 'lastEventId'> & { afterSeq: number; onLine: (line: LogLine) => void },
): Promise<boolean> {
  let ended = false
  await readStream(`/api/scheduler/executions/${encodeURIComponent(id)}/log/stream`, {
    ...options,
    lastEventId: options.afterSeq > 0 ? String(options.afterSeq) : null,
    onMessage: ({ event, data }) => {
      if (event === 'line') options.onLine(JSON.parse(data) as LogLine)
      else if (event === 'end') ended = true
    },
  })
  return ended
}
