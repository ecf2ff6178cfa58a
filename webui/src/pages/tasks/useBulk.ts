import { useQueryClient } from '@tanstack/vue-query'
import { shallowReadonly, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { actOnTasks } from '@/api/bulk'
import { keys } from '@/api/keys'
import type { BulkAnswer } from '@/api/types'
import { useNotify } from '@/composables/useNotify'
import type { TaskFilter } from './filters'

export const BULK_ACTS = ['trigger', 'enable', 'disable', 'addTags', 'removeTags', 'delete'] as const
export type BulkAct = (typeof BULK_ACTS)[number]

/** The tasks an act is meant for: these, or all that match. */
export type BulkTarget = { ids: readonly string[] } | { filter: TaskFilter; matching: number }

export interface BulkQuestion {
  act: BulkAct
  target: BulkTarget
}

/** Acts on up to so many are done without a question where they are easily taken back. */
const MOST_UNASKED = 20

export function sizeOf(target: BulkTarget): number {
  return 'ids' in target ? target.ids.length : target.matching
}

/** What a person may do to many tasks at once. `done`: what was selected has been dealt with. */
export function useBulk(done: () => void) {
  const { t, n } = useI18n()
  const queries = useQueryClient()
  const notify = useNotify()
  /** The question that is open. */
  const question = shallowRef<BulkQuestion | null>(null)
  /** What could not be changed, shown until it is closed or tried again. */
  const outcome = shallowRef<(BulkQuestion & { answer: BulkAnswer }) | null>(null)

  async function start(act: BulkAct, target: BulkTarget): Promise<void> {
    if ((act === 'enable' || act === 'disable') && 'ids' in target && target.ids.length <= MOST_UNASKED) {
      await perform({ act, target }, {}).catch((error: unknown) => notify.failed(error))
    } else question.value = { act, target }
  }

  /** What the act would come to. */
  function foresee({ act, target }: BulkQuestion): Promise<BulkAnswer> {
    return actOnTasks({ action: act, ...meant(target), dryRun: true })
  }

  /** Does it, tells what came of it and closes the question. Throws when the server refuses all of it. */
  async function perform(asked: BulkQuestion, { tags, expect }: { tags?: string[]; expect?: number }): Promise<void> {
    const { act, target } = asked
    const answer = await actOnTasks({ action: act, ...meant(target), ...(tags && { tags }), ...('filter' in target && { expect: expect ?? target.matching }) })
    refresh()
    done()
    question.value = null
    outcome.value = answer.failedCount > 0 ? { ...asked, answer } : null
    const count = answer.changed
    if (count === 0) {
      if (answer.failedCount === 0) notify.done(t('tasks.bulk.done.nothing'))
      return
    }
    const title = t(`tasks.bulk.done.${act}`, { n: n(count) }, count)
    // More than the server names cannot be brought back from here.
    if (act !== 'delete' || answer.changedIds.length < count) notify.done(title)
    else notify.undoable(title, { label: t('tasks.action.undo'), onClick: () => void bringBack(answer.changedIds) })
  }

  async function bringBack(ids: readonly string[]): Promise<void> {
    try {
      const answer = await actOnTasks({ action: 'restore', ids: [...ids] })
      notify.done(t('tasks.bulk.done.restore', { n: n(answer.changed) }, answer.changed))
    } catch (error) {
      notify.failed(error)
    }
    refresh()
  }

  /** Tries again what went wrong, as far as it is known by name. */
  async function retry(): Promise<void> {
    if (!outcome.value) return
    const { act, answer } = outcome.value
    const ids = answer.failed.map(({ id }) => id)
    outcome.value = null
    if (act === 'addTags' || act === 'removeTags') question.value = { act, target: { ids } }
    else await perform({ act, target: { ids } }, {}).catch((error: unknown) => notify.failed(error))
  }

  function refresh(): void {
    for (const queryKey of [keys.tasks(), keys.stats(), keys.executionLists()]) void queries.invalidateQueries({ queryKey })
  }

  return {
    question: shallowReadonly(question),
    outcome: shallowReadonly(outcome),
    start,
    foresee,
    perform,
    retry,
    dismiss: () => {
      question.value = null
      outcome.value = null
    },
  }
}

export type Bulk = ReturnType<typeof useBulk>

function meant(target: BulkTarget): { ids: string[] } | { filter: TaskFilter } {
  return 'ids' in target ? { ids: [...target.ids] } : { filter: target.filter }
}
