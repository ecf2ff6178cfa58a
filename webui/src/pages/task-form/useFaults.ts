import { computed, inject, provide, type ComputedRef, type InjectionKey } from 'vue'
import type { Fault } from '@/api/problem'

/** What the sections of the form share: the faults to show now, by dotted JSON name. */
interface Faults {
  of: (name: string) => Fault | undefined
  under: (name: string) => Fault[]
}

const key: InjectionKey<Faults> = Symbol('faults')

export function provideFaults(faults: ComputedRef<readonly Fault[]>): void {
  const byName = computed(() => new Map(faults.value.map((fault) => [fault.field, fault])))
  provide(key, {
    of: (name) => byName.value.get(name),
    under: (name) => faults.value.filter((fault) => fault.field === name || fault.field.startsWith(`${name}.`)),
  })
}

export function useFaults(): Faults {
  const faults = inject(key)
  if (!faults) throw new Error('useFaults needs provideFaults in a parent')
  return faults
}
