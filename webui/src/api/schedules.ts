import { client, send } from './client'
import type { SchedulePreview } from './types'

/** What a cron expression means and when it fires next. A fault in it is a `ProblemError` that names the place. */
export async function previewSchedule(
  schedule: { cronExpression: string; timezone: string; count: number },
  signal?: AbortSignal,
): Promise<SchedulePreview> {
  return send(client.POST('/api/scheduler/schedules/preview', { body: schedule, signal }))
}
