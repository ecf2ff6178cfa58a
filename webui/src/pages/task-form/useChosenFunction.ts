import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { fetchFunctions } from '@/api/functions'
import { keys } from '@/api/keys'
import type { TaskDraft } from './draft'

/** The functions of the registry, and the one among them that a draft runs. */
export function useChosenFunction(draft: () => TaskDraft) {
  const { data: functions } = useQuery({ queryKey: keys.functions(), queryFn: ({ signal }) => fetchFunctions(signal) })
  const chosen = computed(() => (draft().type === 'function' ? functions.value?.find(({ name }) => name === draft().functionName) : undefined))
  return { functions, chosen }
}
