import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed } from 'vue'
import { keys } from '@/api/keys'
import { fetchPause } from '@/api/pause'
import { useNow } from './useNow'

/** The pause of every schedule, while there is one. */
export function usePause() {
  const queries = useQueryClient()
  const now = useNow()
  const { data, error, refetch } = useQuery({ queryKey: keys.pause(), queryFn: ({ signal }) => fetchPause(signal) })
  /** Null when schedules run. A pause that has come to its end is over, whether or not the server was asked again. */
  const pause = computed(() => {
    const known = data.value
    if (!known?.paused) return null
    return known.until !== null && Date.parse(known.until) <= now.value ? null : known
  })
  /** A pause that begins or ends changes what every task runs next. */
  function refresh(): void {
    for (const queryKey of [keys.pause(), keys.stats(), keys.tasks()]) void queries.invalidateQueries({ queryKey })
  }
  return { pause, isKnown: computed(() => data.value !== undefined), error, refetch, refresh }
}
