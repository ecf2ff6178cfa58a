import { useQueryClient } from '@tanstack/vue-query'
import { shallowReadonly, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import { keys } from '@/api/keys'
import { ProblemError } from '@/api/problem'
import { deleteTask, fetchEnabling, restoreTask, toggleTask, triggerTask, updateTask, type Payload } from '@/api/tasks'
import type { Task, TaskDetail, TaskList } from '@/api/types'
import { useChoice, useConfirm } from '@/composables/useConfirm'
import { useNotify } from '@/composables/useNotify'

/** What a person may do to a task, with the words that go with it: one place for the list, its menu and the task's page. */
export function useTaskActions() {
  const { t, n } = useI18n()
  const router = useRouter()
  const queries = useQueryClient()
  const confirm = useConfirm()
  const choose = useChoice()
  const notify = useNotify()
  /** The task whose payload dialog is open. */
  const runWith = shallowRef<Task | null>(null)

  /** `force`: also when the task's overlap would skip it. */
  async function run(task: Task, payload?: Payload, force = false): Promise<boolean> {
    try {
      const made = await triggerTask(task.id, { payload, force })
      if (made.triggered) {
        notify.done(t(force || task.overlap === 'skip' || task.overlap === 'allow' ? 'tasks.action.started' : 'tasks.action.asked', { name: task.name }), {
          label: t('tasks.action.view'),
          to: router.resolve({ name: 'execution', params: { id: made.executionId } }).fullPath,
        })
      } else {
        const anyway = () => void run(task, payload, true).catch((error: unknown) => notify.failed(error, t('tasks.action.runFailed', { name: task.name })))
        notify.held(t('tasks.action.skipped', { name: task.name }), made.message ?? '', { label: t('tasks.action.runAnyway'), onClick: anyway })
      }
      refresh(task)
      return true
    } catch (error) {
      if (payload !== undefined) throw error
      notify.failed(error, t('tasks.action.runFailed', { name: task.name }))
      return false
    }
  }

  /** Shown at once; put back when the server refuses. Where something was missed meanwhile, asks what of it is to run. */
  async function toggle(task: Task, enabled: boolean): Promise<void> {
    show({ ...task, enabled })
    try {
      const catchUp = enabled ? await askCatchUp(task) : 'none'
      show(catchUp === null ? task : await toggleTask(task.id, enabled, catchUp))
    } catch (error) {
      show(task)
      notify.failed(error, t('tasks.action.toggleFailed', { name: task.name }))
    }
    refresh(task)
  }

  /** Ends the pause of one task. */
  async function resume(task: Task): Promise<void> {
    try {
      show(await updateTask(task.id, { pausedUntil: null }))
      notify.done(t('tasks.page.resumed', { name: task.name }))
    } catch (error) {
      notify.failed(error)
    }
    refresh(task)
  }

  /** Null: leave it off. */
  async function askCatchUp(task: Task): Promise<Task['catchUp'] | null> {
    if (task.schedules.length === 0) return 'none'
    const all = await fetchEnabling(task.id, 'all')
    const count = all?.catchUp.length ?? 0
    if (count === 0) return 'none'
    const passed = count + (all?.missedCount ?? 0)
    const question = { title: t('tasks.catchUp.title', { name: task.name }), text: t('tasks.catchUp.text', { n: n(passed) }, passed), action: t('tasks.catchUp.action') }
    return choose(question, [
      { value: 'none', label: t('tasks.catchUp.none'), help: t('tasks.catchUp.noneHelp') },
      { value: 'last', label: t('tasks.catchUp.last'), help: t('tasks.catchUp.lastHelp') },
      ...(count > 1 ? [{ value: 'all' as const, label: t(passed > count ? 'tasks.catchUp.allNewest' : 'tasks.catchUp.all', { n: n(count) }), help: t('tasks.catchUp.allHelp') }] : []),
    ])
  }

  /** Asks first; asks again when that would cancel a running execution. True once the task is gone. */
  async function remove(task: Task): Promise<boolean> {
    const { name } = task
    const question = { title: t('tasks.delete.title', { name }), text: t('tasks.delete.text'), action: t('tasks.delete.action'), danger: true }
    if (!(await confirm(question))) return false
    try {
      await removeEvenRunning(task)
    } catch (error) {
      if (!(error instanceof Declined)) notify.failed(error, t('tasks.action.deleteFailed', { name }))
      return false
    }
    notify.undoable(t('tasks.action.deleted', { name }), { label: t('tasks.action.undo'), onClick: () => void bringBack(task) })
    void queries.invalidateQueries({ queryKey: keys.taskLists() })
    void queries.invalidateQueries({ queryKey: keys.stats() })
    return true
  }

  async function bringBack(task: Task): Promise<void> {
    const { name } = task
    try {
      await restoreTask(task.id)
      notify.done(t('tasks.action.restored', { name }), { label: t('tasks.action.view'), to: router.resolve({ name: 'task', params: { id: task.id } }).fullPath })
    } catch (error) {
      notify.failed(error, t('tasks.action.restoreFailed', { name }))
    }
    refresh(task)
  }

  async function removeEvenRunning(task: Task): Promise<void> {
    try {
      await deleteTask(task.id)
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status !== 409) throw error
      const { name } = task
      const force = await confirm({
        title: t('tasks.delete.forceTitle', { name }),
        text: t('tasks.delete.forceText'),
        action: t('tasks.delete.forceAction'),
        danger: true,
      })
      if (!force) throw new Declined()
      await deleteTask(task.id, { force: true })
    }
  }

  function show(task: Task): void {
    queries.setQueriesData<TaskList>({ queryKey: keys.taskLists() }, (page) =>
      page && { ...page, list: page.list.map((each) => (each.id === task.id ? task : each)) },
    )
    queries.setQueryData<TaskDetail>(keys.task(task.id), (detail) => detail && { ...detail, task })
  }

  function refresh(task: Task): void {
    for (const queryKey of [keys.taskLists(), keys.task(task.id), keys.stats(), keys.executionLists()]) {
      void queries.invalidateQueries({ queryKey })
    }
  }

  // The form lies over the list it was opened from, filters and all.
  const below = () => (router.currentRoute.value.matched[0]?.path === '/tasks' ? router.currentRoute.value.query : {})
  const edit = (task: Task) => void router.push({ name: 'task-edit', params: { id: task.id }, query: below() })
  const duplicate = (task: Task) => void router.push({ name: 'task-copy', params: { id: task.id }, query: below() })

  const openRunWith = (task: Task) => (runWith.value = task)
  const closeRunWith = () => (runWith.value = null)

  return { run, runWith: shallowReadonly(runWith), openRunWith, closeRunWith, toggle, resume, remove, edit, duplicate }
}

/** The person thought better of it. */
class Declined extends Error {}

export type TaskActions = ReturnType<typeof useTaskActions>
