import { QueryClient } from '@tanstack/vue-query'
import { isTransient } from './api/problem'

/** Server state. Events make it stale, so time alone does not; calls that may yet succeed are tried again twice. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) => failures < 2 && isTransient(error),
        retryDelay: (failures) => 500 * 2 ** failures,
      },
      mutations: { retry: false },
    },
  })
}
