import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { keys } from '@/api/keys'
import { fetchPause, pauseAll, resumeAll } from '@/api/pause'
import { useNotify } from './useNotify'
import { useNow } from './useNow'

/** The pause of every schedule: whether there is one now, and the ways to begin and to end it. */
export function usePause() {
  const { t } = useI18n()
  const queries = useQueryClient()
  const notify = useNotify()
  const now = useNow()
  const { data, error, refetch } = useQuery({ queryKey: keys.pause(), queryFn: ({ signal }) => fetchPause(signal) })
  /** Null when schedules run. A pause that has come to its end is over, whether or not the server was asked again. */
  const pause = computed(() => {
    const known = data.value
    if (!known?.paused) return null
    return known.until !== null && Date.parse(known.until) <= now.value ? null : known
  })
  const refresh = () => {
    for (const queryKey of [keys.pause(), keys.stats(), keys.tasks()]) void queries.invalidateQueries({ queryKey })
  }
  const begin = useMutation({ mutationFn: pauseAll, onSettled: refresh })
  const end = useMutation({
    mutationFn: resumeAll,
    onSuccess: () => notify.done(t('common.pause.resumed')),
    onError: (fault) => notify.failed(fault),
    onSettled: refresh,
  })
  return { pause, isKnown: computed(() => data.value !== undefined), error, refetch, begin, end }
}
