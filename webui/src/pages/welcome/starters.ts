import type { NewTask, RegisteredFunction } from '@/api/types'

/** What a first task can be made of. */
export interface Starter {
  /** The function's name; `http` is a request. */
  key: string
  /** A payload with which it runs at once. */
  payload: Record<string, unknown>
  icon: string
}

/** When a first task runs: five fields of cron, or never by itself. */
export const PLANS = { hourly: '0 * * * *', minutes: '*/5 * * * *', daily: '0 6 * * *', byHand: null } as const
export type Plan = keyof typeof PLANS

/** Functions that come with cronplug and show what it does, best first. */
const SHOWN: readonly Starter[] = [
  { key: 'example.report', payload: { seconds: 12 }, icon: 'i-lucide-chart-no-axes-column' },
  { key: 'example.greet', payload: { name: 'world' }, icon: 'i-lucide-hand' },
  { key: 'maintenance.heartbeat', payload: {}, icon: 'i-lucide-heart-pulse' },
  { key: 'example.flaky', payload: {}, icon: 'i-lucide-repeat-2' },
]
const MOST = 3

/** What is there to begin with on this server: functions it has, and a request, which every server can send. */
export function startersOf(functions: readonly RegisteredFunction[]): Starter[] {
  const names = new Set(functions.map(({ name }) => name))
  return [...SHOWN.filter(({ key }) => names.has(key)).slice(0, MOST), { key: 'http', payload: {}, icon: 'i-lucide-globe' }]
}

/** The task that a few answers make. `zone` is whose clock the plan means. */
export function firstTask(starter: Starter, answers: { name: string; plan: Plan; url: string; zone: string }): NewTask {
  const { name, plan, url, zone } = answers
  const cron = PLANS[plan]
  return {
    name: name.trim(),
    ...(starter.key === 'http' ? { type: 'http', httpMethod: 'GET', httpUrl: url.trim() } : { type: 'function', functionName: starter.key, functionPayload: starter.payload }),
    ...(cron ? { cronExpression: cron, timezone: zone } : {}),
  }
}

/** Whether an address can be asked at all; the server looks closer. */
export function isAddress(text: string): boolean {
  return /^https?:\/\/\S+$/i.test(text.trim()) && URL.canParse(text.trim())
}
