/** What the last days say of a function. Pure. */
import type { RecentFigures } from '@/api/functions'

export interface RecentShare {
  /** From 0 to 1. */
  failed: number
  /** How much it should catch the eye: a failure now and then is not a broken function. */
  tone: 'plain' | 'miss' | 'fail'
}

/** The share of failures; null where nothing has ended. */
export function recentShare(figures: Pick<RecentFigures, 'ended' | 'failed'> | null | undefined): RecentShare | null {
  if (!figures || figures.ended === 0) return null
  const failed = figures.failed / figures.ended
  return { failed, tone: failed >= 0.05 ? 'fail' : failed > 0 ? 'miss' : 'plain' }
}

/** A share as a percentage that is never rounded to nothing or to all. */
export function percentOf(share: number, locale: string): string {
  const shown = share > 0 && share < 0.001 ? 0.001 : share < 1 && share > 0.999 ? 0.999 : share
  return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: shown < 0.1 || shown > 0.99 ? 1 : 0 }).format(shown)
}
