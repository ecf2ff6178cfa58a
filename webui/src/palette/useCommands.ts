import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRouter, type RouteLocationRaw } from 'vue-router'
import { fetchExecutions } from '@/api/executions'
import { fetchFunctions } from '@/api/functions'
import { keys } from '@/api/keys'
import { pauseAll } from '@/api/pause'
import { fetchTasks } from '@/api/tasks'
import type { Task } from '@/api/types'
import { useConfirm } from '@/composables/useConfirm'
import { useDebounced } from '@/composables/useDebounced'
import { useNotify } from '@/composables/useNotify'
import { usePause } from '@/composables/usePause'
import { DENSITIES, TIME_DISPLAYS, usePreferences } from '@/composables/usePreferences'
import { useResume } from '@/composables/useResume'
import { useSession } from '@/composables/useSession'
import { useTheme } from '@/composables/useTheme'
import { LANGUAGES, useLanguage } from '@/i18n'
import { destinations } from '@/layout/destinations'
import { useKeysDialog } from '@/layout/useGlobalKeys'
import { useTaskActions } from '@/pages/tasks/useTaskActions'
import { iconOf } from '@/utils/status'
import { formatDuration, relativeTo, coarse } from '@/utils/time'
import { rank, type Command, type Found } from './commands'
import { usePalette, type PaletteMode } from './usePalette'

const MOST = { pages: 9, acts: 6, tasks: 8, functions: 5, executions: 5 }
const TYPING_MILLIS = 120

/** Everything the palette finds for what was typed, best first within its group. */
export function useCommands(typed: Ref<string>, mode: Ref<PaletteMode | null>) {
  const { t } = useI18n()
  const router = useRouter()
  const confirm = useConfirm()
  const notify = useNotify()
  const palette = usePalette()
  const theme = useTheme()
  const preferences = usePreferences()
  const { language, choose: chooseLanguage } = useLanguage()
  const session = useSession()
  const { pause, refresh } = usePause()
  const { resume } = useResume(refresh)
  const { openKeys } = useKeysDialog()
  const tasks = useTaskActions()

  const settled = useDebounced(() => typed.value.trim(), TYPING_MILLIS)
  const taskQuery = computed(() => ({ q: settled.value || undefined, pageSize: MOST.tasks, sort: '-updatedAt' as const }))
  const searched = useQuery({
    queryKey: computed(() => keys.taskList(taskQuery.value)),
    queryFn: ({ signal }) => fetchTasks(taskQuery.value, signal),
    enabled: computed(() => settled.value !== '' || mode.value === 'run'),
    placeholderData: keepPreviousData,
  })
  const functions = useQuery({ queryKey: keys.functions(), queryFn: ({ signal }) => fetchFunctions(signal) })
  const newest = { pageSize: 20 }
  const executions = useQuery({ queryKey: keys.executionList(newest), queryFn: ({ signal }) => fetchExecutions(newest, signal) })

  const go = (to: RouteLocationRaw) => async () => void (await router.push(to))

  const pages = computed<Command[]>(() =>
    destinations.map((place) => ({
      id: `page-${place.name}`,
      group: 'pages',
      label: t(place.label),
      icon: place.icon,
      keys: ['g', place.key],
      first: true,
      run: go({ name: place.name }),
    })),
  )

  async function pauseEverything(): Promise<void> {
    const sure = await confirm({ title: t('palette.pauseAll.title'), text: t('palette.pauseAll.text'), action: t('palette.pauseAll.action') })
    if (!sure) return
    try {
      await pauseAll({ reason: '', until: null })
      notify.done(t('common.pause.banner'))
    } catch (error) {
      notify.failed(error)
    }
    refresh()
  }

  const acts = computed<Command[]>(() => {
    const act = (id: string, label: string, icon: string, run: Command['run'], more: Partial<Command> = {}): Command => ({ id: `act-${id}`, group: 'acts', label, icon, run, ...more })
    return [
      act('new', t('nav.newTask'), 'i-lucide-plus', go({ name: 'task-new' }), { keys: ['c'], first: true, writes: true, also: t('palette.also.new') }),
      act('run', t('palette.runTask'), 'i-lucide-play', () => palette.open('run'), { first: true, writes: true }),
      pause.value
        ? act('resume', t('palette.resumeAll'), 'i-lucide-circle-play', resume, { writes: true, first: true })
        : act('pause', t('palette.pauseAll.command'), 'i-lucide-circle-pause', pauseEverything, { writes: true }),
      act('keys', t('nav.keys'), 'i-lucide-keyboard', () => openKeys(), { keys: ['?'], first: true }),
      ...(['light', 'dark', 'system'] as const).map((choice) =>
        act(`theme-${choice}`, t(`palette.theme.${choice}`), choice === 'dark' ? 'i-lucide-moon' : choice === 'light' ? 'i-lucide-sun' : 'i-lucide-monitor', () => theme.choose(choice), { current: theme.choice.value === choice, also: t('palette.also.theme') }),
      ),
      ...DENSITIES.map((choice) => act(`density-${choice}`, t(`palette.density.${choice}`), choice === 'compact' ? 'i-lucide-rows-4' : 'i-lucide-rows-3', () => preferences.chooseDensity(choice), { current: preferences.density.value === choice, also: t('palette.also.density') })),
      ...TIME_DISPLAYS.map((choice) => act(`times-${choice}`, t(`palette.times.${choice}`), 'i-lucide-clock-3', () => preferences.chooseTimeDisplay(choice), { current: preferences.timeDisplay.value === choice, also: t('palette.also.times') })),
      ...LANGUAGES.map(({ code, name }) => act(`language-${code}`, t('palette.language', { name }), 'i-lucide-languages', () => chooseLanguage(code), { current: language.value === code, also: code })),
      act('sign-out', t('palette.signOut'), 'i-lucide-log-out', () => session.signOut()),
    ]
  })

  const runOf = (task: Task): Command => ({
    id: `run-${task.id}`,
    group: 'tasks',
    label: t('palette.runNamed', { name: task.name }),
    hint: task.functionName ?? task.httpUrl ?? undefined,
    icon: 'i-lucide-play',
    writes: true,
    run: async () => void (await tasks.run(task)),
  })
  const pageOf = (task: Task): Command => ({
    id: `task-${task.id}`,
    group: 'tasks',
    label: task.name,
    hint: task.enabled ? (task.functionName ?? task.httpUrl ?? undefined) : t('palette.off'),
    icon: 'i-lucide-list-checks',
    run: go({ name: 'task', params: { id: task.id } }),
  })

  /** Whether what the server found is the answer to what is typed now. */
  const answered = computed(() => settled.value === typed.value.trim() && !searched.isPlaceholderData.value)

  /**
   * The server found them, by more than their names; what fits by letters comes first. Of an older answer only that is left: Enter
   * takes the first of them, and must not take what nobody has asked for.
   */
  const foundTasks = computed<Found[]>(() => {
    if (mode.value !== 'run' && typed.value.trim() === '') return []
    const commands = (searched.data.value?.list ?? []).map(mode.value === 'run' ? runOf : pageOf)
    const ranked = rank(typed.value, commands, MOST.tasks)
    return !answered.value ? ranked : [...ranked, ...commands.filter((each) => !ranked.some((known) => known.id === each.id)).map((each) => ({ ...each, places: [] }))]
  })

  const foundFunctions = computed(() =>
    rank(
      typed.value,
      (functions.data.value ?? []).map((each): Command => ({
        id: `function-${each.name}`,
        group: 'functions',
        label: each.name,
        hint: each.title ?? undefined,
        icon: 'i-lucide-puzzle',
        run: go({ name: 'function', params: { name: each.name } }),
      })),
      MOST.functions,
    ),
  )

  const foundExecutions = computed(() => {
    const now = Date.now()
    return rank(
      typed.value,
      (executions.data.value?.list ?? []).map((each): Command => {
        const { millis } = relativeTo(Date.parse(each.queuedAt), now)
        return {
          id: `execution-${each.id}`,
          group: 'executions',
          label: each.taskName ?? each.functionName ?? each.id,
          hint: `${t(`status.${each.status}`)} · ${t('common.time.ago', { span: formatDuration(coarse(millis)) })}`,
          icon: iconOf(each.status),
          first: true,
          run: go({ name: 'execution', params: { id: each.id } }),
        }
      }),
      MOST.executions,
    )
  })

  const found = computed<Found[]>(() => {
    if (mode.value === 'run') return foundTasks.value
    return [...foundTasks.value, ...rank(typed.value, pages.value, MOST.pages), ...rank(typed.value, acts.value, MOST.acts), ...foundFunctions.value, ...foundExecutions.value]
  })
  const searching = computed(() => searched.isFetching.value || settled.value !== typed.value.trim())
  return { found, searching, failed: computed(() => searched.error.value !== null) }
}
