import { client, send } from './client'
import type { PreviewRequest, SchedulePreview } from './types'

/** What schedules mean and when they fire next. A fault in them is a `ProblemError` that names the place. */
export async function previewSchedule(schedule: PreviewRequest, signal?: AbortSignal): Promise<SchedulePreview> {
  return send(client.POST('/api/scheduler/schedules/preview', { body: schedule, signal }))
}
