import type { Execution, ExecutionStatus } from '@/api/types'

/** How a status is to be felt: colour, shape and weight follow from it everywhere. */
export type Tone = 'ok' | 'fail' | 'run' | 'miss' | 'idle'

const TONES: Record<ExecutionStatus, Tone> = {
  queued: 'idle',
  running: 'run',
  success: 'ok',
  failed: 'fail',
  timed_out: 'fail',
  lost: 'fail',
  cancelled: 'idle',
  skipped: 'idle',
  missed: 'miss',
}

const ICONS: Record<ExecutionStatus, string> = {
  queued: 'i-lucide-clock-3',
  running: 'i-lucide-loader-circle',
  success: 'i-lucide-check',
  failed: 'i-lucide-x',
  timed_out: 'i-lucide-timer-off',
  lost: 'i-lucide-unplug',
  cancelled: 'i-lucide-ban',
  skipped: 'i-lucide-skip-forward',
  missed: 'i-lucide-calendar-x-2',
}

const CHIPS: Record<Tone, string> = { ok: 'bg-ok-soft text-ok', fail: 'bg-fail-soft text-fail', run: 'bg-run-soft text-run', miss: 'bg-miss-soft text-miss', idle: 'bg-idle-soft text-idle' }

export function toneOf(status: ExecutionStatus): Tone {
  return TONES[status]
}

export function iconOf(status: ExecutionStatus): string {
  return ICONS[status]
}

/** The classes that colour the spot before a status. */
export function chipOf(status: ExecutionStatus): string {
  return CHIPS[TONES[status]]
}

/** True while an execution may still change. */
export function isUnfinished(status: ExecutionStatus): boolean {
  return status === 'queued' || status === 'running'
}

/** True while one that was asked to stop has not stopped. */
export function isCancelling({ status, cancelRequested }: Pick<Execution, 'status' | 'cancelRequested'>): boolean {
  return cancelRequested && status === 'running'
}
