import type { InjectionKey, Ref } from 'vue'
import type { ToldFault } from '@/api/problem'

/** What the fields of a payload form share: the faults the server found, by dotted name, and those of unreadable JSON parts. */
export interface PayloadFaults {
  /** From the server, but for texts, which are the admin's own. */
  byField: Readonly<Ref<ReadonlyMap<string, ToldFault>>>
  /** Set by a field whose text is not JSON; cleared with an empty text. */
  setUnreadable: (path: string, fault: string) => void
  /** Whether a mask keeps what is stored, or has nothing to stand for. */
  secrets: 'kept' | 'asked'
}

export const payloadFaults: InjectionKey<PayloadFaults> = Symbol('payloadFaults')

/** Whether a value stands for a secret that the server holds and never shows. */
export function isMask(value: unknown): boolean {
  return value === '********'
}
