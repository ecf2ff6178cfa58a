import { useQueryClient } from '@tanstack/vue-query'
import { shallowReadonly, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import { keys } from '@/api/keys'
import { ProblemError } from '@/api/problem'
import { deleteTask, toggleTask, triggerTask, type Payload } from '@/api/tasks'
import type { Task, TaskDetail, TaskList } from '@/api/types'
import { useConfirm } from '@/composables/useConfirm'
import { useNotify } from '@/composables/useNotify'

/** What a person may do to a task, with the words that go with it: one place for the list, its menu and the task's page. */
export function useTaskActions() {
  const { t } = useI18n()
  const router = useRouter()
  const queries = useQueryClient()
  const confirm = useConfirm()
  const notify = useNotify()
  /** The task whose payload dialog is open. */
  const runWith = shallowRef<Task | null>(null)

  async function run(task: Task, payload?: Payload): Promise<boolean> {
    try {
      const id = await triggerTask(task.id, payload)
      notify.done(t('tasks.action.started', { name: task.name }), {
        label: t('tasks.action.view'),
        to: router.resolve({ name: 'execution', params: { id } }).fullPath,
      })
      refresh(task)
      return true
    } catch (error) {
      if (payload !== undefined) throw error
      notify.failed(error, t('tasks.action.runFailed', { name: task.name }))
      return false
    }
  }

  /** Shown at once; put back when the server refuses. */
  async function toggle(task: Task, enabled: boolean): Promise<void> {
    show({ ...task, enabled })
    try {
      show(await toggleTask(task.id, enabled))
    } catch (error) {
      show(task)
      notify.failed(error, t('tasks.action.toggleFailed', { name: task.name }))
    }
    refresh(task)
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
    notify.done(t('tasks.action.deleted', { name }))
    void queries.invalidateQueries({ queryKey: keys.taskLists() })
    void queries.invalidateQueries({ queryKey: keys.stats() })
    return true
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

  const edit = (task: Task) => void router.push({ name: 'task-edit', params: { id: task.id } })
  const duplicate = (task: Task) => void router.push({ name: 'task-copy', params: { id: task.id } })

  const openRunWith = (task: Task) => (runWith.value = task)
  const closeRunWith = () => (runWith.value = null)

  return { run, runWith: shallowReadonly(runWith), openRunWith, closeRunWith, toggle, remove, edit, duplicate }
}

/** The person thought better of it. */
class Declined extends Error {}

export type TaskActions = ReturnType<typeof useTaskActions>
