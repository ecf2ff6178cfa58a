/** One schedule of a task as the form holds it. Pure. */
import type { CalendarUse, Rule, RuleIn } from '@/api/types'
import type { JsonObject } from '@/utils/schema'
import { instantOf, wallTime } from '@/utils/zoned'

export type RuleKind = Rule['kind']
export const RULE_KINDS = ['cron', 'interval', 'once'] as const satisfies readonly RuleKind[]

/** What was typed for every kind, so that trying another kind loses nothing. */
export interface RuleDraft {
  /** Tells the schedules of one draft apart; the server never sees it. */
  id: number
  kind: RuleKind
  timezone: string
  cronExpression: string
  /** Empty: the usual rule. */
  onDstGap: '' | 'shift' | 'skip'
  onDstRepeat: '' | 'once' | 'twice'
  everySeconds: string
  /** An instant; empty: the server chooses. */
  anchorAt: string
  afterEnd: boolean
  /** On the clock of `timezone`. */
  at: string
  /** What `at` came from: a wall time that is shown twice must not change its instant by being read. */
  atWas: { wall: string; timezone: string; instant: string } | null
  calendars: CalendarUse[]
  ownPayload: boolean
  payload: JsonObject
}

export function blankRule(id: number, timezone: string): RuleDraft {
  return {
    id, kind: 'cron', timezone, cronExpression: '', onDstGap: '', onDstRepeat: '', everySeconds: '', anchorAt: '', afterEnd: false, at: '', atWas: null,
    calendars: [], ownPayload: false, payload: {},
  }
}

export function ruleDraftOf(rule: Rule, id: number): RuleDraft {
  const draft = {
    ...blankRule(id, rule.timezone),
    kind: rule.kind,
    calendars: rule.calendars.map((use) => ({ ...use })),
    ownPayload: rule.payload !== null,
    payload: rule.payload ?? {},
  }
  switch (rule.kind) {
    case 'cron':
      return { ...draft, cronExpression: rule.cronExpression, onDstGap: rule.onDstGap ?? '', onDstRepeat: rule.onDstRepeat ?? '' }
    case 'interval':
      return { ...draft, everySeconds: String(rule.everySeconds), anchorAt: rule.anchorAt ?? '', afterEnd: rule.afterEnd }
    case 'once': {
      const wall = wallTime(rule.at, rule.timezone)
      return { ...draft, at: wall, atWas: { wall, timezone: rule.timezone, instant: rule.at } }
    }
  }
}

export function ruleBodyOf(draft: RuleDraft): RuleIn {
  const common = { timezone: draft.timezone, calendars: draft.calendars, payload: draft.ownPayload ? draft.payload : null }
  switch (draft.kind) {
    case 'cron':
      return { kind: 'cron', ...common, cronExpression: draft.cronExpression.trim(), onDstGap: draft.onDstGap || null, onDstRepeat: draft.onDstRepeat || null }
    case 'interval':
      return { kind: 'interval', ...common, everySeconds: Number(draft.everySeconds), anchorAt: draft.anchorAt || null, afterEnd: draft.afterEnd }
    case 'once':
      return { kind: 'once', ...common, at: onceInstant(draft) ?? '' }
  }
}

/** What is not yet said of a schedule: the JSON name of its field and what is the matter. */
export function missingOfRule(draft: RuleDraft): { field: string; missing: 'cronEmpty' | 'everyEmpty' | 'atEmpty' | 'number' } | null {
  if (draft.kind === 'cron') return draft.cronExpression.trim() === '' ? { field: 'cronExpression', missing: 'cronEmpty' } : null
  if (draft.kind === 'once') return onceInstant(draft) === null ? { field: 'at', missing: 'atEmpty' } : null
  if (draft.everySeconds.trim() === '') return { field: 'everySeconds', missing: 'everyEmpty' }
  return /^\d+$/.test(draft.everySeconds.trim()) ? null : { field: 'everySeconds', missing: 'number' }
}

function onceInstant({ at, timezone, atWas }: RuleDraft): string | null {
  if (atWas && atWas.wall === at && atWas.timezone === timezone) return atWas.instant
  return instantOf(at, timezone)
}
