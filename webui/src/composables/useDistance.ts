import { useI18n } from 'vue-i18n'
import { coarse, formatDuration, relativeTo } from '@/utils/time'

/**
 * Tells how far an instant lies from `now`, both in epoch milliseconds: "in 3 m". What is `upcoming` is due now once its instant has passed.
 */
export function useDistance(): (instant: number, now: number, upcoming?: boolean) => string {
  const { t } = useI18n()
  return (instant, now, upcoming = false) => {
    const { side, millis } = relativeTo(instant, now)
    if (side === 'now' || (upcoming && side === 'past')) return t('common.time.now')
    return t(side === 'past' ? 'common.time.ago' : 'common.time.in', { span: formatDuration(coarse(millis)) })
  }
}
