import { ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { resumeAll } from '@/api/pause'
import { useNotify } from './useNotify'

/** Ends the pause of every schedule; `refresh` is told whatever comes of it. */
export function useResume(refresh: () => void) {
  const { t } = useI18n()
  const notify = useNotify()
  const resuming = ref(false)
  async function resume(): Promise<void> {
    resuming.value = true
    try {
      await resumeAll()
      notify.done(t('common.pause.resumed'))
    } catch (error) {
      notify.failed(error)
    } finally {
      resuming.value = false
      refresh()
    }
  }
  return { resuming, resume }
}
