/** What the author of a function suggests for the tasks that run it. Pure. */
import type { RegisteredFunction } from '@/api/types'
import { DEFAULTS, type TaskDraft } from './draft'

const NAMES = ['timeoutSeconds', 'maxRetries', 'retryDelaySeconds', 'retryBackoff', 'retryMaxDelaySeconds', 'retryJitterPercent', 'retryOn', 'noRetryOn'] as const
type SuggestedName = (typeof NAMES)[number]
export type Suggestions = Partial<Pick<TaskDraft, SuggestedName>>

/** What a function says; what it leaves open is not in it. */
export function suggestionsOf(known: RegisteredFunction | undefined): Suggestions {
  if (!known) return {}
  const said: Record<SuggestedName, string> = {
    timeoutSeconds: written(known.timeoutSeconds),
    maxRetries: written(known.maxRetries),
    retryDelaySeconds: written(known.retryDelaySeconds),
    retryBackoff: known.retryBackoff ?? '',
    retryMaxDelaySeconds: written(known.retryMaxDelaySeconds),
    retryJitterPercent: written(known.retryJitterPercent),
    retryOn: known.retryOn.join(', '),
    noRetryOn: known.noRetryOn.join(', '),
  }
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== ''))
}

/** What changes in a draft that takes another function: fields that nobody has touched take what the new one suggests. */
export function adopted(draft: TaskDraft, before: RegisteredFunction | undefined, after: RegisteredFunction | undefined): Suggestions {
  const [old, fresh] = [suggestionsOf(before), suggestionsOf(after)]
  const untouched = NAMES.filter((name) => draft[name] === (old[name] ?? DEFAULTS[name]))
  return Object.fromEntries(untouched.map((name) => [name, fresh[name] ?? DEFAULTS[name]]))
}

/** The fields whose value is what the function suggests. */
export function suggestedFields(draft: TaskDraft, known: RegisteredFunction | undefined): ReadonlySet<SuggestedName> {
  const said = suggestionsOf(known)
  return new Set(NAMES.filter((name) => said[name] !== undefined && said[name] === draft[name]))
}

function written(value: number | null): string {
  return value === null ? '' : String(value)
}
