import { watch } from 'vue'
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { fetchTasks } from './api/tasks'
import { useSession } from './composables/useSession'
import { withMessages } from './i18n'
import type { Destination } from './layout/destinations'
import { calendarRoutes } from './pages/calendars/routes'
import { executionRoutes } from './pages/executions/routes'
import { functionRoutes } from './pages/functions/routes'
import { pluginRoutes } from './pages/plugins/routes'
import { settingsRoutes } from './pages/settings/routes'
import { taskRoutes } from './pages/tasks/routes'
import { timelineRoutes } from './pages/timeline/routes'
import { welcomeRoutes } from './pages/welcome/routes'

declare module 'vue-router' {
  interface RouteMeta {
    /** The entry of the navigation this page belongs to. */
    place?: Destination
    /** Shown without sign-in, and without the shell. */
    public?: boolean
  }
}

const routes: RouteRecordRaw[] = [
  { path: '/', name: 'start', component: { render: () => null } },
  { path: '/sign-in', name: 'sign-in', component: withMessages(['session'], () => import('./pages/session/SignInPage.vue')), meta: { public: true } },
  ...welcomeRoutes,
  ...taskRoutes,
  ...executionRoutes,
  ...timelineRoutes,
  ...calendarRoutes,
  ...functionRoutes,
  ...pluginRoutes,
  ...settingsRoutes,
  { path: '/:rest(.*)*', name: 'not-found', component: () => import('./layout/NotFoundPage.vue') },
]

/** The pages by address. Whoever is not signed in is led to the sign-in page and back to where they wanted to go. */
export function createAppRouter() {
  const session = useSession()
  const router = createRouter({
    history: createWebHistory(import.meta.env.BASE_URL),
    routes,
    // What opens over a page leaves that page where it is.
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path || to.matched[0] === from.matched[0] ? false : { top: 0 }),
  })
  router.beforeEach(async (to) => {
    // When the server cannot be asked, the page is shown: it says itself what it could not load.
    if (!to.meta.public && !(await session.check().catch(() => true))) return { name: 'sign-in', query: { next: to.fullPath }, replace: true }
    if (to.name === 'start') return { name: (await isNew()) ? 'welcome' : 'tasks', replace: true }
    return true
  })
  watch(session.state, (state, before) => {
    const here = router.currentRoute.value
    if (state === 'out' && before === 'in' && !here.meta.public) {
      void router.replace({ name: 'sign-in', query: { next: here.fullPath } })
    }
  })
  return router
}

/** True on a server whose only task is the clean-up that every server begins with. */
async function isNew(): Promise<boolean> {
  try {
    const { list, total } = await fetchTasks({ pageSize: 2 })
    return total <= 1 && list.every(({ functionName }) => functionName === 'maintenance.cleanup-logs')
  } catch {
    // The tasks' page says what is wrong.
    return false
  }
}
