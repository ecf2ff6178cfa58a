import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import { fetchStats } from '@/api/stats'
import { fetchForecast, fetchTask, fetchTasks } from '@/api/tasks'
import type { TaskQuery } from '@/api/types'

/** One page of the task list. While the next one is fetched, the last one stays. */
export function useTaskList(query: MaybeRefOrGetter<TaskQuery>) {
  return useQuery({
    queryKey: computed(() => keys.taskList(toValue(query))),
    queryFn: ({ signal }) => fetchTasks(toValue(query), signal),
    placeholderData: keepPreviousData,
  })
}

/** A task with its newest executions. */
export function useTask(id: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => keys.task(toValue(id))),
    queryFn: ({ signal }) => fetchTask(toValue(id), signal),
  })
}

/** The coming fire times of a task. */
export function useForecast(id: MaybeRefOrGetter<string>, count: number) {
  return useQuery({
    queryKey: computed(() => keys.taskForecast(toValue(id), count)),
    queryFn: ({ signal }) => fetchForecast(toValue(id), count, signal),
  })
}

/** The figures of the server. */
export function useStats() {
  return useQuery({ queryKey: keys.stats(), queryFn: ({ signal }) => fetchStats(signal) })
}
