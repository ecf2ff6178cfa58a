import { useQueryClient } from '@tanstack/vue-query'
import { computed, ref, shallowRef, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { keys } from '@/api/keys'
import { fieldFault, ProblemError, UNREACHABLE, type Fault } from '@/api/problem'
import { createTask, fetchTask, updateTask } from '@/api/tasks'
import type { FieldError, NewTask, Task } from '@/api/types'
import { useNotify } from '@/composables/useNotify'
import { newIdempotencyKey } from '@/utils/idempotency'
import { bodyOf, changesBetween, conflictsOf, draftOf, isChanged, missingOf, same, type Difference, type TaskDraft } from './draft'

/** The life of the form: what is typed, what is wrong with it, and the way to the server. `task` is the one edited, if any. */
export function useTaskForm(start: TaskDraft, task: Task | null) {
  const { t } = useI18n()
  const queries = useQueryClient()
  const notify = useNotify()

  const draft = ref(copyOf(start)) as Ref<TaskDraft>
  const initial = shallowRef(copyOf(start))
  /** The task as it was read: changes are those against it. */
  const base = shallowRef(task)
  const readable = ref(true)
  /** Whether the payloads of the schedules can be read. */
  const schedulesReadable = ref(true)
  const scheduleFault = ref<FieldError | null>(null)
  const tried = ref(false)
  const busy = ref(false)
  const answered = shallowRef<{ body: NewTask; errors: readonly FieldError[]; message: string; own?: boolean } | null>(null)
  const theirs = shallowRef<Task | null>(null)
  let sending: { body: NewTask; key: string } | null = null

  const changed = computed(() => isChanged(initial.value, draft.value))
  const body = computed(() => bodyOf(draft.value))

  /** A fault the server found stays until its field is changed; required fields are checked from the first try on. */
  const faults = computed<Fault[]>(() => {
    const found: Fault[] = []
    if (tried.value) {
      for (const [field, missing] of missingOf(draft.value)) found.push(fieldFault(field, t(`taskForm.error.${missing}`)))
    }
    // The preview tells it while it is typed; after a try it stands at its field too.
    if (tried.value && scheduleFault.value?.field) found.push(scheduleFault.value)
    for (const error of answered.value?.errors ?? []) {
      const name = error.field.split('.')[0] as keyof NewTask
      // One who sends no schedules is told of them by the short names.
      if (name === 'cronExpression' || (name === 'timezone' && draft.value.onSchedule)) {
        if (same(answered.value?.body.schedules, body.value.schedules)) found.push({ ...error, field: `schedules.${firstExpression(draft.value)}.${error.field}` })
        continue
      }
      if (same(answered.value?.body[name], body.value[name]) && !found.some(({ field }) => field === error.field)) found.push(error)
    }
    return found
  })
  /** What the server said that belongs to no field. */
  const message = computed(() => (answered.value && answered.value.errors.length === 0 && same(answered.value.body, body.value) ? answered.value.message : ''))
  /** The language of the message, where it is not the admin's. */
  const messageLang = computed(() => (answered.value?.own ? undefined : 'en'))
  const conflict = computed<Difference[] | null>(() => {
    if (!theirs.value || !base.value) return null
    return conflictsOf(bodyOf(draftOf(base.value)), body.value, bodyOf(draftOf(theirs.value)))
  })

  /** The saved task, or null when something is in the way; `faults`, `message` or `conflict` then say what. */
  async function save(): Promise<Task | null> {
    tried.value = true
    if (busy.value || missingOf(draft.value).size > 0 || !readable.value || !schedulesReadable.value || scheduleFault.value) return null
    busy.value = true
    answered.value = null
    const sent = body.value
    try {
      const saved = base.value ? await change(base.value, sent) : await createTask(sent, keyFor(sent))
      initial.value = copyOf(draft.value)
      refresh(saved)
      notify.done(t(base.value ? 'taskForm.saved' : 'taskForm.created', { name: saved.name }))
      return saved
    } catch (error) {
      await explain(error, sent)
      return null
    } finally {
      busy.value = false
    }
  }

  async function change(from: Task, sent: NewTask): Promise<Task> {
    const changes = changesBetween(bodyOf(draftOf(from)), sent)
    return updateTask(from.id, changes, (theirs.value ?? from).revision)
  }

  async function explain(error: unknown, sent: NewTask): Promise<void> {
    if (error instanceof ProblemError && error.status === 412 && base.value) {
      theirs.value = (await fetchTask(base.value.id)).task
      return
    }
    const unanswered = error instanceof ProblemError && error.status === UNREACHABLE
    answered.value = { body: sent, errors: error instanceof ProblemError ? error.errors : [], message: notify.explain(error), own: unanswered }
  }

  /** Shows what the server will not run, at its fields, until they are changed. */
  function refuse(errors: readonly FieldError[]): void {
    answered.value = { body: body.value, errors, message: '' }
  }

  /** Gives up my changes for what the other person saved. */
  function takeTheirs(): void {
    if (!theirs.value) return
    base.value = theirs.value
    theirs.value = null
    draft.value = draftOf(base.value)
    initial.value = draftOf(base.value)
    answered.value = null
  }

  /** One body sent twice, after a lost answer or a double click, makes one task. */
  function keyFor(sent: NewTask): string {
    if (!sending || !same(sending.body, sent)) sending = { body: sent, key: newIdempotencyKey() }
    return sending.key
  }

  function refresh(saved: Task): void {
    for (const queryKey of [keys.taskLists(), keys.task(saved.id), keys.stats()]) void queries.invalidateQueries({ queryKey })
  }

  return { draft, readable, schedulesReadable, scheduleFault, faults, message, messageLang, conflict, busy, changed, save, refuse, takeTheirs }
}

function firstExpression(draft: TaskDraft): number {
  return Math.max(0, draft.rules.findIndex(({ kind }) => kind === 'cron'))
}

/** A draft is plain JSON; unlike `structuredClone` this also copies what Vue has wrapped. */
function copyOf(draft: TaskDraft): TaskDraft {
  return JSON.parse(JSON.stringify(draft)) as TaskDraft
}
